"""Finds DSMR telegrams in a stream of bytes, wherever the stream begins, ends or is damaged.

A telegram runs from `/` to the line that begins with `!` (DSMR P1 5.0.2, section 6.2; IEC 62056-21, section 6.3).
Neither may stand inside one, so `/` always begins a telegram, even where the one before was cut. No I/O here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

# `/`, or `!` and the rest of its line. A lost line end shows as `/` right after the checksum.
_MARK = re.compile(rb"/|!([^\n/]*)(?:\n|(?=/))")
# DSMR 2.2 and 3 end with a bare `!`; some meters pad the line with NUL.
_CHECKSUM_LINE = re.compile(rb"(?:[0-9A-Fa-f]{4})?[\r\0 ]*")
_BLANK = b" \t\r\n\0"


PIECES: Final = frozenset({"TELEGRAM_CUT", "TELEGRAM_OVERSIZE", "TELEGRAM_GARBAGE"})
"""Reasons of what is not a whole telegram."""


@dataclass(frozen=True, slots=True)
class Telegram:
    """A whole telegram. Its checksum is not checked yet.

    Attributes:
        position_bytes: where in the stream it began.
        data: of a P1 port: `/` to the end of the checksum's line, with CRLF line ends; of SML: a whole transmission.
    """

    position_bytes: int
    data: bytes


@dataclass(frozen=True, slots=True)
class BrokenFrame:
    """A piece of the stream that is not a whole telegram; reported once, however long it is.

    Attributes:
        position_bytes: where in the stream it began.
        reason: `TELEGRAM_CUT`, `TELEGRAM_CRC`, `TELEGRAM_CIPHER`, `TELEGRAM_OVERSIZE`, or `TELEGRAM_GARBAGE` for what
            is no telegram.
        message: what is wrong, for a person.
    """

    position_bytes: int
    reason: str
    message: str


Frame: TypeAlias = Telegram | BrokenFrame


class Framer(Protocol):
    """Cuts a stream into frames, however the stream was cut into chunks."""

    def feed(self, data: bytes) -> list[Frame]:
        """Takes the next bytes of the stream and returns the frames that they completed."""
        ...

    def finish(self) -> list[Frame]:
        """Returns the frames that the end of the stream completed or cut; what is fed later begins anew."""
        ...


class TelegramFramer:
    """Cuts a stream into frames. The frames do not depend on how the stream was cut into chunks.

    Args:
        size_bytes_max: a telegram that has not ended by then is given up, so that noise cannot fill the memory.
    """

    def __init__(self, size_bytes_max: int = 65_536) -> None:
        self._size_bytes_max = size_bytes_max
        self._piece = bytearray()
        self._position_bytes = 0
        self._searched_bytes = 0
        self._given_up = False

    def feed(self, data: bytes) -> list[Frame]:
        """Takes the next bytes of the stream and returns the frames that they completed."""
        self._piece += data
        frames: list[Frame] = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def finish(self) -> list[Frame]:
        """Returns the frame that the end of the stream completed or cut, if any; what is fed later begins anew."""
        self._skip_blank()
        size_bytes = len(self._piece)
        body, mark, rest = self._piece.partition(b"!")
        frame: Frame | None = None
        if mark:
            frame = self._ended(size_bytes, bytes(rest))
        elif body:
            frame = self._interrupted(size_bytes)
        self._drop(size_bytes)
        self._given_up = False
        return [] if frame is None else [frame]

    def _next(self) -> Frame | None:
        while True:
            self._skip_blank()
            mark = _MARK.search(self._piece, max(self._searched_bytes, self._began))
            if mark is None:
                return self._wait()
            if mark.end() - (mark[0] == b"/") > self._size_bytes_max and not self._given_up:
                return self._give_up()
            if mark[0] == b"/":
                frame: Frame | None = self._interrupted(mark.start())
                self._drop(mark.start())
                self._given_up = False
            else:
                frame = self._ended(mark.end(), mark[1])
                self._drop(mark.end())
            if frame is not None:
                return frame

    @property
    def _began(self) -> bool:
        return self._piece.startswith(b"/") and not self._given_up

    def _wait(self) -> BrokenFrame | None:
        exclamation = self._piece.find(b"!", self._searched_bytes)
        self._searched_bytes = exclamation if exclamation >= 0 else len(self._piece)
        if self._given_up:
            self._drop(len(self._piece))
        elif len(self._piece) > self._size_bytes_max:
            return self._give_up()
        return None

    def _give_up(self) -> BrokenFrame:
        """Reports the piece and forgets its bytes; everything up to the next `/` still belongs to it."""
        if self._began:
            message = f"A telegram has not ended after {self._size_bytes_max} bytes."
            frame = BrokenFrame(self._position_bytes, "TELEGRAM_OVERSIZE", message)
        else:
            frame = self._garbage()
        self._drop(self._size_bytes_max)
        self._given_up = True
        return frame

    def _interrupted(self, size_bytes: int) -> BrokenFrame | None:
        """Returns what to say of a piece of `size_bytes` without `!`, or None when it was said already."""
        if self._given_up:
            return None
        if not self._began:
            return self._garbage()
        message = f"A telegram was cut after {size_bytes} bytes: its end is missing."
        return BrokenFrame(self._position_bytes, "TELEGRAM_CUT", message)

    def _ended(self, size_bytes: int, checksum_line: bytes) -> Frame | None:
        """Returns the frame that the first `size_bytes` are, which end in `!` and `checksum_line`."""
        if self._given_up:
            return None
        if not self._began:
            message = f"A telegram was cut: its beginning is missing, {size_bytes} bytes of its end are there."
            return BrokenFrame(self._position_bytes, "TELEGRAM_CUT", message)
        if _CHECKSUM_LINE.fullmatch(checksum_line) is None:
            message = "After a telegram's `!` stands something else than four hexadecimal digits."
            return BrokenFrame(self._position_bytes, "TELEGRAM_CRC", message)
        lines = bytes(self._piece[:size_bytes]).rstrip(_BLANK) + b"\n"
        # A file often has LF where the meter sent CRLF, which is what the checksum was computed over.
        return Telegram(self._position_bytes, lines.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    def _garbage(self) -> BrokenFrame:
        return BrokenFrame(self._position_bytes, "TELEGRAM_GARBAGE", "Bytes stand here that belong to no telegram.")

    def _skip_blank(self) -> None:
        if not self._began:
            self._drop(len(self._piece) - len(self._piece.lstrip(_BLANK)))

    def _drop(self, size_bytes: int) -> None:
        del self._piece[:size_bytes]
        self._position_bytes += size_bytes
        self._searched_bytes = max(0, self._searched_bytes - size_bytes)
