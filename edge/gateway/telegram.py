"""A telegram of a P1 port: whether it is whole. What it says is for `edge.gateway.p1`."""

from __future__ import annotations

import re
from typing import Final

from edge.errors import EdgeError, Fault

_CHECKSUMMED = re.compile(rb"^(?:\d-0:1\.0\.0|\d-\d:0\.2\.8|0-0:96\.1\.4)\(", re.MULTILINE)


class TelegramError(EdgeError):
    """A telegram cannot be used: damaged on its way, not understood, or without a time."""

    reason = "TELEGRAM_MALFORMED"
    fault = Fault.METER
    default_advice = "One now and then is noise on the line; if many are, check the cable and the serial settings."

    def __init__(self, message: str, *, reason: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.reason = reason or type(self).reason


def check_telegram(telegram: bytes) -> None:
    """Returns if a telegram is as the meter sent it, as far as that can be told.

    Raises:
        TelegramError: `TELEGRAM_CRC`, or `TELEGRAM_MALFORMED` where it does not begin or end as one.
    """
    body, mark, checksum_line = telegram.partition(b"!")
    if not telegram.startswith(b"/") or not mark:
        raise TelegramError("A telegram must begin with `/` and end with `!`.")
    checksum = checksum_line.strip(b"\r\n").decode("ascii", errors="replace")
    if not checksum:
        if _CHECKSUMMED.search(body):
            raise TelegramError("A telegram has no checksum, though its version sends one.", reason="TELEGRAM_CRC")
        return
    computed = f"{crc16(body + mark):04X}"
    if computed != checksum.upper():
        message = f"A telegram was damaged: its checksum says {checksum}, its content {computed}."
        raise TelegramError(message, reason="TELEGRAM_CRC")


def crc16(data: bytes) -> int:
    """Returns the CRC-16/ARC of `data`, which closes a telegram (DSMR P1 5.0.2, section 6.2)."""
    crc = 0
    for byte in data:
        crc = (crc >> 8) ^ _CRC16_TABLE[(crc ^ byte) & 0xFF]
    return crc


def _crc16_entry(index: int) -> int:
    for _ in range(8):
        index = (index >> 1) ^ (0xA001 if index & 1 else 0)
    return index


_CRC16_TABLE: Final = tuple(_crc16_entry(index) for index in range(256))
