"""The types and lengths of an SML file, checked before it is read."""

from __future__ import annotations

from typing import Final

from edge.gateway.telegram import TelegramError

_MORE: Final = 0x80
_TYPE: Final = 0x70
_LIST: Final = 0x70
_LENGTH: Final = 0x0F
_END_OF_MESSAGE: Final = 0x00


def check_types(content: bytes) -> None:
    """Returns if no list claims more elements, and no value more bytes, than there are.

    The parser makes room for as many elements as a list claims. A few bytes could claim more than there is memory.

    Raises:
        TelegramError: `TELEGRAM_MALFORMED`.
    """
    place = 0
    while place < len(content):
        begin, kind, length = place, content[place] & _TYPE, content[place] & _LENGTH
        more = content[place] & _MORE
        place += 1
        while more:
            if place >= len(content):
                raise TelegramError("A telegram ends within a length.")
            length = (length << 4) | (content[place] & _LENGTH)
            more = content[place] & _MORE
            place += 1
        if content[begin] != _END_OF_MESSAGE and kind != _LIST:
            # The length of a value counts its own bytes too.
            place = max(place, begin + length)
            length = 0
        if length > len(content) - place or place > len(content):
            raise TelegramError("A telegram has a value or a list that is longer than itself.")
