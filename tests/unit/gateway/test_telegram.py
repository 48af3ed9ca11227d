from __future__ import annotations

from edge.gateway.telegram import crc16


def test_crc16_is_arc() -> None:
    """The checksum is CRC-16/ARC, by its published check value."""
    assert crc16(b"123456789") == 0xBB3D
