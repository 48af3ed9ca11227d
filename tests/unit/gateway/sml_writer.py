"""Writes SML as meters do, byte by byte after SML 1.04, with values of our own. Shares no code with the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ESCAPE = b"\x1b\x1b\x1b\x1b"
WATT, WATT_HOUR, AMPERE, VOLT = 27, 30, 33, 35
NOTHING = b"\x01"


def crc16_x25(data: bytes) -> bytes:
    """CRC-16/X-25 bit by bit, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x8408 if crc & 1 else 0)
    return (crc ^ 0xFFFF).to_bytes(2, "little")


def octets(value: bytes) -> bytes:
    """An octet string of up to 14 bytes."""
    return bytes([len(value) + 1]) + value


def signed(value: int, size_bytes: int) -> bytes:
    """An integer with its type and length."""
    return bytes([0x50 | (size_bytes + 1)]) + value.to_bytes(size_bytes, "big", signed=True)


def unsigned(value: int, size_bytes: int) -> bytes:
    """An unsigned integer with its type and length."""
    return bytes([0x60 | (size_bytes + 1)]) + value.to_bytes(size_bytes, "big")


def listed(items: Iterable[bytes]) -> bytes:
    """A list; its length takes a second byte from 16 elements on."""
    elements = list(items)
    if len(elements) < 16:
        return bytes([0x70 | len(elements)]) + b"".join(elements)
    return bytes([0xF0 | (len(elements) >> 4), len(elements) & 0x0F]) + b"".join(elements)


def code(obis: str) -> bytes:
    """`1-0:16.7.0*255` as six bytes."""
    medium, _, rest = obis.partition("-")
    channel, _, rest = rest.partition(":")
    return bytes([int(medium), int(channel), *(int(part) for part in rest.replace("*", ".").split("."))])


def entry(obis: str, value: bytes, unit: int | None = None, scaler: int = 0, status: bytes = NOTHING) -> bytes:
    """A register as it stands in a list of values."""
    unit_bytes = NOTHING if unit is None else unsigned(unit, 1)
    scaler_bytes = NOTHING if unit is None else signed(scaler, 1)
    return listed([octets(code(obis)), status, NOTHING, unit_bytes, scaler_bytes, value, NOTHING])


def message(number: int, kind: int, body: bytes) -> bytes:
    """A message with its own checksum and end."""
    head = b"\x76" + octets(number.to_bytes(4, "big")) + unsigned(0, 1) + unsigned(0, 1)
    content = head + listed([unsigned(kind, 2), body])
    return content + b"\x63" + crc16_x25(content) + b"\x00"


def values(entries: Iterable[bytes], seconds: int = 186_286_663) -> bytes:
    """The message with the registers; `seconds` is the meter's own count."""
    server = octets(b"\x0a\x01TST\x00\x01\x02\x03\x04")
    sensor_time = listed([unsigned(1, 1), unsigned(seconds, 4)])
    names = [NOTHING, server, octets(code("1-0:98.10.255*255"))]
    return message(2, 0x0701, listed([*names, sensor_time, listed(entries), NOTHING, NOTHING]))


def transmission(*messages: bytes) -> bytes:
    """Escapes, padding and checksum around messages."""
    content = b"".join(messages)
    padding = -len(content) % 4
    content = (content + bytes(padding)).replace(ESCAPE, ESCAPE * 2)
    sealed = ESCAPE + b"\x01" * 4 + content + ESCAPE + bytes([0x1A, padding])
    return sealed + crc16_x25(sealed)


def telegram(*entries: bytes) -> bytes:
    """What a meter sends every second or so: opening, values, closing."""
    opening = message(
        1, 0x0101, listed([NOTHING, NOTHING, octets(b"\x00\x01"), octets(b"\x0a\x01TST"), NOTHING, NOTHING])
    )
    closing = message(3, 0x0201, listed([NOTHING]))
    return transmission(opening, values(entries), closing)
