r"""Finds SML transmissions in a stream of bytes, wherever the stream begins, ends or is damaged.

A transmission runs from four times `0x1B` and `01 01 01 01` to four times `0x1B`, `1A`, the number of padding bytes and
a checksum. Four times `0x1B` within it is written twice (BSI TR-03109-1, SML 1.04, section 8). No I/O here.
"""

from __future__ import annotations

from edge.gateway.framing import BrokenFrame, Frame, Telegram

_ESCAPE = b"\x1b" * 4
_BEGIN = _ESCAPE + b"\x01" * 4
_MARK_BYTES = 8
_END = 0x1A


class SmlFramer:
    """Cuts a stream into frames. The frames do not depend on how the stream was cut into chunks.

    Args:
        size_bytes_max: a transmission that has not ended by then is given up, so that noise cannot fill the memory.
    """

    def __init__(self, size_bytes_max: int = 16_384) -> None:
        self._size_bytes_max = size_bytes_max
        self._piece = bytearray()
        self._position_bytes = 0
        self._searched_bytes = 0
        # What is no transmission, or the rest of one, is reported once, however long it is.
        self._told = False

    def feed(self, data: bytes) -> list[Frame]:
        """Takes the next bytes of the stream and returns the frames that they completed."""
        self._piece += data
        frames: list[Frame] = []
        while self._step(frames):
            pass
        return frames

    def finish(self) -> list[Frame]:
        """Returns the frame that the end of the stream cut, if any; what is fed later begins anew."""
        frames: list[Frame] = []
        if self._piece:
            self._break(len(self._piece), frames)
        self._told = False
        return frames

    def _step(self, frames: list[Frame]) -> bool:
        """Takes one step through the piece; returns whether there may be another."""
        if not self._piece.startswith(_BEGIN):
            return self._find_begin(frames)
        self._told = False
        escape = self._piece.find(_ESCAPE, max(self._searched_bytes, _MARK_BYTES))
        # The earliest place where an escape can stand.
        place = escape if escape >= 0 else max(_MARK_BYTES, len(self._piece) - len(_ESCAPE) + 1)
        if place + _MARK_BYTES > self._size_bytes_max:
            self._give_up(frames)
            return True
        self._searched_bytes = place
        if len(self._piece) < place + _MARK_BYTES:
            return False
        mark = bytes(self._piece[place + len(_ESCAPE) : place + _MARK_BYTES])
        if mark == _ESCAPE:
            self._searched_bytes = place + _MARK_BYTES
        elif mark[0] == _END:
            frames.append(Telegram(self._position_bytes, bytes(self._piece[: place + _MARK_BYTES])))
            self._drop(place + _MARK_BYTES)
        else:
            # Another one begins, or an escape that means nothing: bytes before it were lost.
            self._break(place, frames)
        return True

    def _find_begin(self, frames: list[Frame]) -> bool:
        begin = self._piece.find(_BEGIN)
        if begin > 0:
            self._break(begin, frames)
        elif begin < 0:
            # The last bytes may be the first ones of a beginning.
            excess = len(self._piece) - _MARK_BYTES + 1
            if excess > 0:
                self._break(excess, frames)
        return begin >= 0

    def _give_up(self, frames: list[Frame]) -> None:
        message = f"A telegram has not ended after {self._size_bytes_max} bytes."
        frames.append(BrokenFrame(self._position_bytes, "TELEGRAM_OVERSIZE", message))
        self._told = True
        # What remains of it has no beginning any more; the next one has.
        self._drop(_MARK_BYTES)

    def _break(self, size_bytes: int, frames: list[Frame]) -> None:
        if not self._told:
            cut = self._piece.startswith(_BEGIN)
            text = f"A telegram was cut after {size_bytes} bytes: its end is missing."
            if not cut:
                text = "A telegram was cut and its beginning is missing, or bytes stand here that belong to none."
            frames.append(BrokenFrame(self._position_bytes, "TELEGRAM_CUT", text))
            self._told = True
        self._drop(size_bytes)

    def _drop(self, size_bytes: int) -> None:
        del self._piece[:size_bytes]
        self._position_bytes += size_bytes
        self._searched_bytes = 0
