from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.gateway.framing import BrokenFrame, Frame, Telegram, TelegramFramer

WHOLE = b"/ABC5x\r\n\r\n1-0:1.7.0(00.378*kW)\r\n!12EF\r\n"
SIZE_BYTES_MAX = 100


def frames(*chunks: bytes, size_bytes_max: int = SIZE_BYTES_MAX) -> list[Frame]:
    framer = TelegramFramer(size_bytes_max)
    found = [frame for chunk in chunks for frame in framer.feed(chunk)]
    return found + framer.finish()


def shape(found: list[Frame]) -> list[tuple[int, str]]:
    return [(frame.position_bytes, frame.reason if isinstance(frame, BrokenFrame) else "") for frame in found]


def test_whole_telegrams_are_found_as_they_are() -> None:
    """Telegrams that follow each other come out byte for byte, each with its place in the stream."""
    assert frames(WHOLE + WHOLE) == [Telegram(0, WHOLE), Telegram(len(WHOLE), WHOLE)]


def test_every_kind_of_telegram_is_found(telegrams: Any) -> None:
    """DSMR 2.2 with its bare `!`, DSMR 4 and 5, Belgian, Luxembourg and Swedish telegrams come out of one stream."""
    kinds = [telegrams.dsmr22(), telegrams.dsmr4(), telegrams.dsmr5(), telegrams.belgian()]
    kinds += [telegrams.luxembourg(), telegrams.swedish()]
    found = frames(b"".join(kinds), size_bytes_max=65_536)
    assert [frame.data for frame in found if isinstance(frame, Telegram)] == kinds


def test_lf_becomes_crlf() -> None:
    """A file whose line ends were changed to LF gives the telegrams that the meter sent."""
    assert frames(WHOLE.replace(b"\r\n", b"\n")) == [Telegram(0, WHOLE)]


def test_last_telegram_needs_no_line_end() -> None:
    """A telegram whose checksum is the last thing in the stream is whole."""
    assert frames(WHOLE.rstrip()) == [Telegram(0, WHOLE)]


def test_padding_after_the_checksum_is_left_out() -> None:
    """The NUL that some meters send after the checksum does not spoil the telegram."""
    assert frames(WHOLE[:-2] + b"\0\r\n" + WHOLE)[0] == Telegram(0, WHOLE)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (WHOLE[20:] + WHOLE, [(0, "TELEGRAM_CUT"), (len(WHOLE) - 20, "")]),
        (WHOLE + WHOLE[:20], [(0, ""), (len(WHOLE), "TELEGRAM_CUT")]),
        (WHOLE[:20] + WHOLE, [(0, "TELEGRAM_CUT"), (20, "")]),
        (WHOLE[:-2] + WHOLE, [(0, ""), (len(WHOLE) - 2, "")]),
        (WHOLE + b"noise\r\nmore noise" + WHOLE, [(0, ""), (len(WHOLE), "TELEGRAM_GARBAGE"), (len(WHOLE) + 17, "")]),
        (b"noise", [(0, "TELEGRAM_GARBAGE")]),
        (b" \r\n\0\n" + WHOLE + b"\r\n\r\n", [(5, "")]),
        (WHOLE[:-6] + b"12XF\r\n" + WHOLE, [(0, "TELEGRAM_CRC"), (len(WHOLE), "")]),
        (WHOLE[:-4] + b"\r\n" + WHOLE, [(0, "TELEGRAM_CRC"), (len(WHOLE) - 2, "")]),
        (b"/" + b"x" * 5000 + WHOLE, [(0, "TELEGRAM_OVERSIZE"), (5001, "")]),
        (b"x" * 5000 + b"!12EF\r\n" + WHOLE, [(0, "TELEGRAM_GARBAGE"), (5007, "")]),
        (b"", []),
    ],
    ids=[
        "starts within",
        "ends within",
        "cut by the next",
        "line end lost",
        "noise between",
        "only noise",
        "blank around",
        "checksum not hexadecimal",
        "checksum short",
        "never ends",
        "never begins",
        "empty",
    ],
)
def test_what_is_broken_is_reported_once(stream: bytes, expected: list[tuple[int, str]]) -> None:
    """Each cut or strange piece is reported once, at its place, and the telegrams beside it are found."""
    assert shape(frames(stream)) == expected


def test_a_break_in_the_line_separates(telegrams: Any) -> None:
    """After `finish` the rest of another telegram is not taken for the rest of the one before."""
    telegram = telegrams.dsmr22()
    framer = TelegramFramer()
    found = framer.feed(telegram[:100]) + framer.finish() + framer.feed(telegram[100:] + telegram)
    assert shape(found) == [(0, "TELEGRAM_CUT"), (100, "TELEGRAM_CUT"), (len(telegram), "")]


def test_memory_stays_bounded() -> None:
    """A stream that never ends a telegram is not kept."""
    framer = TelegramFramer(SIZE_BYTES_MAX)
    for _ in range(100):
        framer.feed(b"/" + b"x" * 1000)
        assert len(framer._piece) <= SIZE_BYTES_MAX


LF = WHOLE.replace(b"\r\n", b"\n")
PIECES = st.one_of(
    st.sampled_from([WHOLE, WHOLE[:17], WHOLE[9:], LF, WHOLE[:-1], b"\r\n", b"/" + b"y" * 150]),
    st.lists(st.sampled_from(list(b"/!\r\nA1x \0")), max_size=130).map(bytes),
)


@given(st.lists(PIECES, max_size=8).map(b"".join), st.lists(st.integers(0, 300), max_size=20))
def test_chunks_do_not_matter(stream: bytes, cuts: list[int]) -> None:
    """However a stream is cut into chunks, also byte by byte, the same frames come out."""
    whole = frames(stream)
    edges = [0, *sorted(cuts), len(stream)]
    assert frames(*(stream[start:end] for start, end in itertools.pairwise(edges))) == whole
    assert frames(*(bytes([byte]) for byte in stream)) == whole


@given(st.lists(st.binary(max_size=60).map(lambda noise: noise.replace(b"/", b"").replace(b"!", b"")), max_size=6))
def test_noise_hides_no_telegram(noises: list[bytes]) -> None:
    """Every telegram between pieces of noise is found where it stands."""
    stream = b"".join(noise + WHOLE for noise in noises)
    found = [frame for frame in frames(stream) if isinstance(frame, Telegram)]
    assert [frame.data for frame in found] == [WHOLE] * len(noises)
    assert all(stream[frame.position_bytes :].startswith(WHOLE) for frame in found)
