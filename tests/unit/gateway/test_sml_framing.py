from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.gateway.framing import BrokenFrame, Frame, Telegram
from edge.gateway.sml_framing import SmlFramer
from tests.unit.gateway.sml_writer import ESCAPE, WATT_HOUR, entry, telegram, unsigned

WHOLE = telegram(entry("1-0:1.8.0*255", unsigned(79_139, 4), WATT_HOUR))
BEGIN = ESCAPE + b"\x01" * 4
SMALL = len(WHOLE)

# Pieces that streams are made of: whole ones, halves, and whatever looks like a mark.
pieces = st.sampled_from(
    [WHOLE, WHOLE[:70], WHOLE[70:], BEGIN, ESCAPE, ESCAPE + b"\x1a\x00", b"\x1b", b"\x01", b"noise"]
)


def framed(data: bytes, cuts: list[int], size_bytes_max: int = 16_384) -> list[Frame]:
    framer = SmlFramer(size_bytes_max)
    places = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    found = [frame for start, end in pairwise(places) for frame in framer.feed(data[start:end])]
    return found + framer.finish()


@given(st.lists(pieces, max_size=12), st.lists(st.integers(0, 1_500), max_size=20), st.sampled_from([SMALL, 16_384]))
def test_frames_do_not_depend_on_chunks(parts: list[bytes], cuts: list[int], size_bytes_max: int) -> None:
    """However a stream arrives, the frames are the same, and no two begin at one place."""
    data = b"".join(parts)
    found = framed(data, cuts, size_bytes_max)
    assert found == framed(data, [], size_bytes_max)
    positions = [frame.position_bytes for frame in found]
    assert positions == sorted(set(positions))


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_a_whole_one_is_found_between_noise(before: bytes, after: bytes) -> None:
    """Whatever stands before and behind it, unless it is itself escapes, a whole transmission is found as it is."""
    before, after = before.replace(b"\x1b", b"\x00"), after.replace(b"\x1b", b"\x00")
    found = framed(before + WHOLE + after, [])
    assert [frame for frame in found if isinstance(frame, Telegram)] == [Telegram(len(before), WHOLE)]
    assert len(found) == 1 + bool(before) + bool(after)


def test_one_that_does_not_end_is_given_up() -> None:
    """Memory stays bounded: what goes on too long is reported once, and the next one is found."""
    framer = SmlFramer(1_000)
    found = []
    for _ in range(50):
        found += framer.feed(b"\x00" * 100 if found or framer._piece else BEGIN)
        assert len(framer._piece) <= 1_100
    found += framer.feed(WHOLE)
    assert [type(frame) for frame in found] == [BrokenFrame, Telegram]
    assert isinstance(found[0], BrokenFrame)
    assert (found[0].reason, found[0].position_bytes) == ("TELEGRAM_OVERSIZE", 0)


def test_a_break_in_the_line_begins_anew() -> None:
    """After `finish` a half is not continued by what comes then."""
    framer = SmlFramer()
    assert framer.feed(WHOLE[:70]) == []
    (cut,) = framer.finish()
    assert isinstance(cut, BrokenFrame)
    assert cut.reason == "TELEGRAM_CUT"
    assert framer.feed(WHOLE) == [Telegram(70, WHOLE)]
    assert framer.finish() == []
