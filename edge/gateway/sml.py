"""Turns an SML transmission of a German meter into a reading.

SML has a counter of seconds in place of a time, and few meters count them from an instant that is known. So a reading
has the time at which its transmission arrived, by the gateway's clock.

Sources: SML 1.04 (BSI TR-03109-1); IEC 62056-6-1 for the codes; IEC 62056-6-2 for the numbers of the units.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from edge.gateway.quantities import CURRENT_MA, ENERGY_WH, POWER_W, VOLTAGE_DV, integer, set_net_power
from edge.gateway.sml_file import Number, registers_of
from edge.gateway.telegram import TelegramError
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.gateway.quantities import Factors
    from edge.gateway.sml_file import Register

_HEAD_BYTES, _TAIL_BYTES, _CRC_BYTES = 8, 8, 2
_ESCAPE = b"\x1b" * 4
_UNITS: Final[Mapping[int | None, str]] = {27: "W", 30: "Wh", 33: "A", 35: "V"}
_POWER, _NET_POWER, _SERIAL = "0100010700ff", "0100100700ff", "0100600100ff"
_REGISTERS: Final[Mapping[str, tuple[str, Factors]]] = {
    "0100010800ff": ("energy_import_wh", ENERGY_WH),
    "0100010801ff": ("energy_import_t1_wh", ENERGY_WH),
    "0100010802ff": ("energy_import_t2_wh", ENERGY_WH),
    "0100020800ff": ("energy_export_wh", ENERGY_WH),
    "0100020801ff": ("energy_export_t1_wh", ENERGY_WH),
    "0100020802ff": ("energy_export_t2_wh", ENERGY_WH),
    "0100020700ff": ("power_export_w", POWER_W),
}
# Of L1, L2 and L3: net power, and the registers that say nothing of a direction.
_PHASES: Final[tuple[tuple[str, Mapping[str, tuple[str, Factors]]], ...]] = tuple(
    (
        f"0100{group + 15:02x}0700ff",
        {
            f"0100{group:02x}0700ff": ("power_import_w", POWER_W),
            f"0100{group + 1:02x}0700ff": ("power_export_w", POWER_W),
            f"0100{group + 10:02x}0700ff": ("current_ma", CURRENT_MA),
            f"0100{group + 11:02x}0700ff": ("voltage_dv", VOLTAGE_DV),
        },
    )
    for group in (21, 41, 61)
)
# DVS74 of DZG, made before that was mended: see _net_power_w.
_DVS_MAKER = b"\x0a\x01DZG"
_DVS_SERIALS = (range(42_000_000, 49_000_000), range(55_000_000, 59_000_000))
_INTEGER_BYTES = 4


def reading_from_sml(transmission: bytes, received_ms: int) -> Reading:
    """Returns what a transmission says; `sequence` is left 0. What it does not say stays absent.

    Args:
        transmission: from the first escape to the checksum, as `SmlFramer` finds it.
        received_ms: when it arrived, unix ms UTC.

    Raises:
        TelegramError: `TELEGRAM_CRC` or `TELEGRAM_MALFORMED`.
    """
    registers = registers_of(_content(transmission))
    reading = Reading()
    try:
        _fill_electricity(reading, registers)
    except ValueError as error:
        raise TelegramError(f"A telegram cannot be understood: it holds {error}.") from error
    if not reading.ListFields():
        raise TelegramError("A telegram holds no electricity register.")
    reading.time_ms = received_ms
    return reading


def _content(transmission: bytes) -> bytes:
    """Returns the messages in a transmission, without escapes, checksum and padding."""
    if crc16_x25(transmission[:-_CRC_BYTES]) != int.from_bytes(transmission[-_CRC_BYTES:], "little"):
        raise TelegramError("A telegram was damaged: its checksum does not hold.", reason="TELEGRAM_CRC")
    padding_bytes = transmission[-_CRC_BYTES - 1]
    content = transmission[_HEAD_BYTES : -_TAIL_BYTES - padding_bytes]
    return content.replace(_ESCAPE * 2, _ESCAPE)


def _fill_electricity(reading: Reading, found: Mapping[str, Register]) -> None:
    _fill(reading, _REGISTERS, found)
    net_w = _net_power_w(found)
    power_w = _value(_POWER, found.get(_POWER), POWER_W)
    if net_w is not None:
        set_net_power(reading, net_w)
    elif power_w is not None and power_w < 0:
        # EasyMeter has the net power there.
        set_net_power(reading, power_w)
    elif power_w is not None:
        reading.power_import_w = power_w
    phases = [Phase() for _ in _PHASES]
    for phase, (net_code, registers) in zip(phases, _PHASES, strict=True):
        _fill(phase, registers, found)
        if (net_w := _value(net_code, found.get(net_code), POWER_W)) is not None:
            set_net_power(phase, net_w)
    # A phase is known by its place, so one without values stays where a later one has some.
    while phases and not phases[-1].ListFields():
        phases.pop()
    reading.phases.extend(phases)


def _fill(
    message: Reading | Phase, registers: Mapping[str, tuple[str, Factors]], found: Mapping[str, Register]
) -> None:
    for code, (field, factors) in registers.items():
        value = _value(code, found.get(code), factors)
        if value is None:
            continue
        if field == "current_ma":
            # Some meters sign it by the direction of power, which a reading has elsewhere.
            value = abs(value)
        if value < 0:
            raise TelegramError(f"A register for {field} holds a negative value.")
        setattr(message, field, value)


def _value(code: str, register: Register | None, factors: Factors) -> int | None:
    if register is None or not isinstance(register.value, Number):
        return None
    factor = factors.get(_UNITS.get(register.unit))
    if factor is None:
        raise TelegramError(f"The unit {register.unit} is not the one of register {code}.")
    return integer(Decimal(register.value.value).scaleb(register.scaler), factor)


def _net_power_w(found: Mapping[str, Register]) -> int | None:
    """Returns the net power; that of a DZG DVS74 with an old firmware is mended.

    It writes 328.05 W as the two bytes 80 25 and calls them signed, which makes them -327.31 W. A negative power it
    always writes in four bytes. So in fewer there is none.
    """
    register = found.get(_NET_POWER)
    number = register.value if register is not None else None
    if register is not None and isinstance(number, Number) and number.value < 0 and _is_faulty(found):
        if number.size_bytes < _INTEGER_BYTES:
            number = Number(number.value + (1 << (8 * number.size_bytes)), number.size_bytes)
        register = replace(register, value=number)
    return _value(_NET_POWER, register, POWER_W)


def _is_faulty(found: Mapping[str, Register]) -> bool:
    register = found.get(_SERIAL)
    serial = register.value if register is not None else None
    if not isinstance(serial, bytes) or not serial.startswith(_DVS_MAKER):
        return False
    number = int.from_bytes(serial.removeprefix(_DVS_MAKER), "big")
    return any(number in serials for serials in _DVS_SERIALS)


def crc16_x25(data: bytes) -> int:
    """Returns the CRC-16/X-25 of `data`, which closes a transmission, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC16_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFF


def _crc16_entry(index: int) -> int:
    for _ in range(8):
        index = (index >> 1) ^ (0x8408 if index & 1 else 0)
    return index


_CRC16_TABLE: Final = tuple(_crc16_entry(index) for index in range(256))
