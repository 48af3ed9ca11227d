from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from edge.gateway.ciphered import CipheredFramer
from edge.gateway.framing import BrokenFrame, Frame, Telegram, TelegramFramer
from edge.gateway.p1 import reading_from_telegram
from edge.gateway.sources import readings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from zoneinfo import ZoneInfo

    from edge.gateway.rejections import Rejected

KEY = bytes.fromhex("0f1e2d3c4b5a69788796a5b4c3d2e1f0")
TITLE = b"SAG\x01\x02\x03\x04\x05"
PUBLISHED_KEY = bytes.fromhex("00112233445566778899aabbccddeeff")


def ciphered(telegram: bytes, counter: int = 7, key: bytes = KEY) -> bytes:
    """A frame as Luxmetering's P1 specification 1.1.3, section 3.2.5, lays it out, made without the code under test."""
    count = counter.to_bytes(4, "big")
    # The whole tag has 16 bytes; DLMS sends the first 12.
    sealed = AESGCM(key).encrypt(TITLE + count, telegram, b"\x30" + PUBLISHED_KEY)[:-4]
    content = b"\x30" + count + sealed
    return b"\xdb\x08" + TITLE + b"\x82" + len(content).to_bytes(2, "big") + content


def framed(data: bytes, cuts: list[int], key: bytes = KEY) -> list[Frame]:
    framer = CipheredFramer(key)
    places = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    found = [frame for start, end in pairwise(places) for frame in framer.feed(data[start:end])]
    return found + framer.finish()


async def test_readings_of_a_meter_that_encrypts(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """With its key an encrypted telegram is read as one in clear text; one that was damaged is told by its place."""
    good = telegrams.luxembourg()
    damaged = bytearray(ciphered(good))
    damaged[200] ^= 1
    stream = ciphered(good)[100:] + ciphered(good, 8) + bytes(damaged) + ciphered(good, 9)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(stream), 37):
            yield stream[start : start + 37]

    rejected: list[Rejected] = []
    found = [reading async for reading in readings(chunks(), amsterdam, None, rejected.append, CipheredFramer(KEY))]
    assert [reading.energy_import_wh for reading in found] == [12_345, 12_345]
    size = len(ciphered(good))
    assert [(piece.position_bytes, piece.reason) for piece in rejected] == [
        (0, "TELEGRAM_CUT"),
        (2 * size - 100, "TELEGRAM_CIPHER"),
    ]


def test_another_meters_key_opens_nothing(telegrams: Any) -> None:
    """The tag tells: with a wrong key every telegram is refused, once each, and none is made of it."""
    stream = b"".join(ciphered(telegrams.luxembourg(), counter) for counter in range(3))
    found = framed(stream, [], key=bytes(16))
    assert [frame.reason for frame in found if isinstance(frame, BrokenFrame)] == ["TELEGRAM_CIPHER"] * 3
    assert len(found) == 3


def test_lost_bytes_cost_no_other_telegram(telegrams: Any) -> None:
    """A frame that lost bytes claims some of the next one, which is found all the same."""
    whole = ciphered(telegrams.luxembourg())
    found = framed(whole[:150] + whole[180:] + whole + whole, [])
    assert [type(frame) for frame in found] == [BrokenFrame, Telegram, Telegram]


@pytest.mark.parametrize(
    "content",
    [b"", b"\x30", b"\x20" + bytes(40), b"\x10" + bytes(40), b"\xff" + bytes(40), b"\x31" + bytes(40)],
)
def test_other_protection_is_refused(telegrams: Any, content: bytes) -> None:
    """What is not encrypted and authenticated with the first suite is not taken, and costs no other."""
    whole = ciphered(telegrams.luxembourg())
    frame = b"\xdb\x08" + TITLE + b"\x82" + len(content).to_bytes(2, "big") + content
    assert [type(frame) for frame in framed(frame + whole, [])] == [BrokenFrame, Telegram]


@given(st.data(), st.lists(st.integers(0, 1_500), max_size=12))
def test_frames_do_not_depend_on_chunks(telegrams: Any, data: st.DataObject, cuts: list[int]) -> None:
    """However a stream of whole, cut and disturbed frames arrives, the frames are the same."""
    whole = ciphered(telegrams.luxembourg())
    pieces = st.sampled_from([whole, whole[:90], whole[90:], b"\xdb", b"\xdb\x08", b"noise", whole[:13]])
    stream = b"".join(data.draw(st.lists(pieces, max_size=6)))
    assert framed(stream, cuts) == framed(stream, [])


def test_a_break_in_the_line_begins_anew(telegrams: Any) -> None:
    """After `finish` a half is not continued by what comes then."""
    whole = ciphered(telegrams.luxembourg())
    framer = CipheredFramer(KEY)
    assert framer.feed(whole[:90]) == []
    assert [type(frame) for frame in framer.finish()] == [BrokenFrame]
    assert [type(frame) for frame in framer.feed(whole)] == [Telegram]
    assert framer.finish() == []


def test_a_recording_reads_the_same_encrypted(recording: bytes, amsterdam: ZoneInfo) -> None:
    """Of a recording's telegrams, each encrypted, come the readings that come of them in clear text."""
    clear = TelegramFramer()
    telegrams = [frame.data for frame in clear.feed(recording) if isinstance(frame, Telegram)]
    stream = b"".join(ciphered(telegram, counter) for counter, telegram in enumerate(telegrams))
    opened = [frame.data for frame in framed(stream, []) if isinstance(frame, Telegram)]
    assert opened == telegrams
    assert reading_from_telegram(opened[-1], amsterdam).HasField("power_import_w")
