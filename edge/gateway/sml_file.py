"""Reads the messages of SML, as far as the registers in them: types, lengths, lists (SML 1.04, section 6). No I/O here.

A value begins with a byte that says its type and length; a list says how many elements follow it. A file is a row of
messages, and a message that brings registers is `GetList.Res`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from edge.gateway.telegram import TelegramError

_MORE, _TYPE, _LENGTH = 0x80, 0x70, 0x0F
_OCTETS, _BOOLEAN, _SIGNED, _UNSIGNED, _LIST = 0x00, 0x40, 0x50, 0x60, 0x70
_END_OF_MESSAGE = 0x00
_GET_LIST_RESPONSE = 0x0701
_DEPTH_MAX = 16


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number, and in how many bytes it was written."""

    value: int
    size_bytes: int


Value: TypeAlias = "Number | bytes | list[Value] | None"


@dataclass(frozen=True, slots=True)
class Register:
    """An entry of a list of values; None where it does not say.

    Attributes:
        unit: number of the unit (IEC 62056-6-2).
        scaler: the value counts in 10 to this power of the unit.
    """

    unit: int | None
    scaler: int
    value: Value


def registers_of(content: bytes) -> dict[str, Register]:
    """Returns the registers in the messages of `content`, in their order, by their codes in hexadecimal.

    Raises:
        TelegramError: `TELEGRAM_MALFORMED`.
    """
    reader, found = _Reader(content), dict[str, Register]()
    while not reader.ended:
        message = reader.value()
        # Transaction, group, what to do about errors, body, checksum, end.
        if not isinstance(message, list) or len(message) != 6 or message[5] != b"":
            raise TelegramError("A telegram holds something else than messages.")
        body = message[3]
        if not isinstance(body, list) or len(body) != 2 or not isinstance(body[0], Number):
            raise TelegramError("A telegram has a message without a body.")
        if body[0].value == _GET_LIST_RESPONSE:
            found.update(_registers_in(body[1]))
    return found


def _registers_in(response: Value) -> dict[str, Register]:
    # Client, server, name of the list, the meter's time, values, signature, the gateway's time.
    if not isinstance(response, list) or len(response) != 7 or not isinstance(response[4], list):
        raise TelegramError("A telegram has a list of registers of another shape.")
    found = {}
    for entry in response[4]:
        # Code, status, time, unit, scaler, value, signature.
        if not isinstance(entry, list) or len(entry) != 7 or not isinstance(entry[0], bytes):
            raise TelegramError("A telegram has a register of another shape.")
        unit, scaler = entry[3], entry[4]
        found[entry[0].hex()] = Register(
            unit=unit.value if isinstance(unit, Number) else None,
            scaler=scaler.value if isinstance(scaler, Number) else 0,
            value=entry[5],
        )
    return found


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    @property
    def ended(self) -> bool:
        return self._place >= len(self._content)

    def value(self, depth: int = 0) -> Value:
        """Returns the next value. The end of a message is an octet string without octets, which no value is."""
        begin = self._place
        first = self._byte()
        kind, length = first & _TYPE, first & _LENGTH
        more = first & _MORE
        while more:
            byte = self._byte()
            length, more = (length << 4) | (byte & _LENGTH), byte & _MORE
            if length > len(self._content):
                raise TelegramError("A telegram has a value or a list that is longer than itself.")
        if kind == _LIST:
            if depth == _DEPTH_MAX:
                raise TelegramError("A telegram has lists within lists without an end.")
            return [self.value(depth + 1) for _ in range(length)]
        if first == _END_OF_MESSAGE:
            return b""
        # The length of a value counts its own bytes too.
        octets = self._octets(begin + length - self._place)
        return _scalar(kind, octets)

    def _byte(self) -> int:
        return self._octets(1)[0]

    def _octets(self, size_bytes: int) -> bytes:
        end = self._place + size_bytes
        if size_bytes < 0 or end > len(self._content):
            raise TelegramError("A telegram ends within a value.")
        octets = self._content[self._place : end]
        self._place = end
        return octets


def _scalar(kind: int, octets: bytes) -> Value:
    if kind in (_SIGNED, _UNSIGNED):
        return Number(int.from_bytes(octets, "big", signed=kind == _SIGNED), len(octets))
    if kind == _OCTETS:
        return octets or None
    if kind == _BOOLEAN:
        return None
    raise TelegramError("A telegram has a value of a type that does not exist.")
