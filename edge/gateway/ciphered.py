"""Finds and decrypts the telegrams of P1 ports that encrypt, which are those of Luxembourg.

A frame is `0xDB`, the length and eight bytes of the meter's title, `0x82`, two bytes of length, and of that length:
the security control, a frame counter, the encrypted telegram and 12 bytes of AES-128-GCM tag (Luxmetering's P1
specification, section 3.2.5; general-glo-ciphering of DLMS). No I/O here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from dlms_cosem.exceptions import DecryptionError
from dlms_cosem.security import SecurityControlField, decrypt

from edge.gateway.framing import BrokenFrame, Frame, TelegramFramer

KEY_BYTES = 16
AUTHENTICATION_KEY: Final = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
"""The same for every meter, and public: it stands in the specification. What is secret is the other key."""

_HEAD = re.compile(rb"\xdb\x08(.{8})\x82(..)", re.DOTALL)
_HEAD_BYTES = 13
_BEGIN = 0xDB
_CONTROL_BYTES, _COUNTER_BYTES, _TAG_BYTES = 1, 4, 12
_ENCRYPTED_AND_AUTHENTICATED = b"\x30"


class CipheredFramer:
    """Cuts a stream into frames and decrypts them. The frames do not depend on how the stream was cut into chunks.

    Args:
        key: the meter's key, 16 bytes, which the grid operator hands out.
        size_bytes_max: what says that it is longer is no frame, so that noise cannot hold up what follows.
    """

    def __init__(self, key: bytes, size_bytes_max: int = 16_384) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._key = key
        self._size_bytes_max = size_bytes_max
        self._piece = bytearray()
        self._position_bytes = 0
        # What has no beginning is reported once, however long it is.
        self._told = False

    def feed(self, data: bytes) -> list[Frame]:
        """Takes the next bytes of the stream and returns the frames that they completed."""
        self._piece += data
        frames: list[Frame] = []
        while (head := self._next_head(frames)) is not None:
            size_bytes = _HEAD_BYTES + int.from_bytes(head[2], "big")
            if size_bytes > self._size_bytes_max:
                self._skip(1, frames)
            elif len(self._piece) < size_bytes:
                break
            else:
                self._open(head[1], size_bytes, frames)
        return frames

    def finish(self) -> list[Frame]:
        """Returns the frame that the end of the stream cut, if any; what is fed later begins anew."""
        frames: list[Frame] = []
        if self._piece:
            self._skip(len(self._piece), frames)
        self._told = False
        return frames

    def _next_head(self, frames: list[Frame]) -> re.Match[bytes] | None:
        """Drops what stands before the next frame, and returns that frame's beginning once it is whole."""
        head = _HEAD.search(self._piece)
        if head is not None:
            if head.start():
                self._skip(head.start(), frames)
            return _HEAD.match(self._piece)
        first = self._piece.find(_BEGIN, max(0, len(self._piece) - _HEAD_BYTES + 1))
        excess = len(self._piece) if first < 0 else first
        if excess:
            self._skip(excess, frames)
        return None

    def _open(self, title: bytes, size_bytes: int, frames: list[Frame]) -> None:
        content = bytes(self._piece[_HEAD_BYTES:size_bytes])
        telegram = self._decrypted(title, content)
        if telegram is None:
            message = "A telegram cannot be decrypted: the key is another meter's, or it was damaged on its way."
            frames.append(BrokenFrame(self._position_bytes, "TELEGRAM_CIPHER", message))
            # Where bytes were lost, the next frame begins within what this one claimed.
            self._told = True
            self._drop(1)
            return
        inner = TelegramFramer()
        frames += [
            replace(frame, position_bytes=self._position_bytes) for frame in [*inner.feed(telegram), *inner.finish()]
        ]
        self._told = False
        self._drop(size_bytes)

    def _decrypted(self, title: bytes, content: bytes) -> bytes | None:
        control, rest = content[:_CONTROL_BYTES], content[_CONTROL_BYTES:]
        if control != _ENCRYPTED_AND_AUTHENTICATED or len(rest) < _COUNTER_BYTES + _TAG_BYTES:
            return None
        try:
            plain: bytes = decrypt(
                security_control=SecurityControlField.from_bytes(control),
                system_title=title,
                invocation_counter=int.from_bytes(rest[:_COUNTER_BYTES], "big"),
                key=self._key,
                cipher_text=rest[_COUNTER_BYTES:],
                auth_key=AUTHENTICATION_KEY,
            )
        except DecryptionError:
            return None
        return plain

    def _skip(self, size_bytes: int, frames: list[Frame]) -> None:
        if not self._told:
            message = "A telegram was cut, or bytes stand here that belong to no encrypted telegram."
            frames.append(BrokenFrame(self._position_bytes, "TELEGRAM_CUT", message))
            self._told = True
        self._drop(size_bytes)

    def _drop(self, size_bytes: int) -> None:
        del self._piece[:size_bytes]
        self._position_bytes += size_bytes
