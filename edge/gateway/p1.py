"""Turns a DSMR telegram into a reading.

One list of registers serves every country, for an OBIS code means the same everywhere: DSMR 2.2 to 5 (Netherlands,
Luxembourg, Sweden, Finland), e-MUCS (Belgium). What differs is which of them a meter sends; what it does not send
stays absent.

Sources: DSMR P1 2.2, 4.0.7 and 5.0.2; e-MUCS P1 1.7; EN 13757-3 for the kinds of sub-meters.
"""

from __future__ import annotations

import logging
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from dsmr_parser.exceptions import ParseError
from dsmr_parser.parsers import CosemParser, MBusParser, TelegramParser, ValueParser

from edge.gateway.meter_time import meter_time_ms
from edge.gateway.quantities import (
    COUNT,
    CURRENT_MA,
    ENERGY_WH,
    HEAT_WH,
    POWER_W,
    VOLTAGE_DV,
    VOLUME_L,
    integer,
    set_net_power,
)
from edge.gateway.telegram import TelegramError, check_telegram
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading, SubMeter, SubMeterKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from edge.gateway.quantities import Factors

# The library logs what it also raises; where the program sets up no logging, that would go to standard error.
logging.getLogger("dsmr_parser").addHandler(logging.NullHandler())

_TIME = "1.0.0"
_TARIFF = "96.14.0"
_PEAK_DEMAND = "1.6.0"
_NET_POWER = "16.7.0"
# 0-0:17.0.0, the supply limit, is left out: meters send it in kW, kVA or A.
_REGISTERS: Final[Mapping[str, tuple[str, Factors]]] = {
    "1.8.1": ("energy_import_t1_wh", ENERGY_WH),
    "1.8.2": ("energy_import_t2_wh", ENERGY_WH),
    "1.8.0": ("energy_import_wh", ENERGY_WH),
    "2.8.1": ("energy_export_t1_wh", ENERGY_WH),
    "2.8.2": ("energy_export_t2_wh", ENERGY_WH),
    "2.8.0": ("energy_export_wh", ENERGY_WH),
    "1.7.0": ("power_import_w", POWER_W),
    "2.7.0": ("power_export_w", POWER_W),
    "96.7.21": ("power_failures", COUNT),
    "96.7.9": ("long_power_failures", COUNT),
    "1.4.0": ("demand_w", POWER_W),
}
_PHASES: Final[tuple[Mapping[str, tuple[str, Factors]], ...]] = tuple(
    {
        f"{group}1.7.0": ("power_import_w", POWER_W),
        f"{group}2.7.0": ("power_export_w", POWER_W),
        f"{group + 1}2.7.0": ("voltage_dv", VOLTAGE_DV),
        f"{group + 1}1.7.0": ("current_ma", CURRENT_MA),
        f"{group + 1}2.32.0": ("voltage_sags", COUNT),
        f"{group + 1}2.36.0": ("voltage_swells", COUNT),
    }
    for group in (2, 4, 6)
)

KNOWN_CODES: Final = frozenset(
    {
        _TIME,
        _TARIFF,
        _PEAK_DEMAND,
        "24.1.0",
        "24.2.1",
        "24.2.3",
        "24.3.0",
        *_REGISTERS,
        *(c for p in _PHASES for c in p),
    }
)
"""What a reading has a field for: the last three numbers of an OBIS code."""

_SUB_METER_KIND: Final[Mapping[int, SubMeterKind]] = {
    2: SubMeterKind.SUB_METER_KIND_ELECTRICITY,
    3: SubMeterKind.SUB_METER_KIND_GAS,
    4: SubMeterKind.SUB_METER_KIND_HEAT,
    6: SubMeterKind.SUB_METER_KIND_WATER,
    7: SubMeterKind.SUB_METER_KIND_WATER,
    10: SubMeterKind.SUB_METER_KIND_COLD,
    11: SubMeterKind.SUB_METER_KIND_COLD,
    12: SubMeterKind.SUB_METER_KIND_HEAT,
    21: SubMeterKind.SUB_METER_KIND_WATER,
    22: SubMeterKind.SUB_METER_KIND_WATER,
}

_EMPTY_REGISTER = re.compile(r"^[^(\r\n]+(?:\(\))+\r\n", re.MULTILINE)
_OBIS = re.compile(r"\d-\d:\d+\.\d+\.\d+")


def reading_from_telegram(telegram: bytes, timezone: ZoneInfo, *, received_ms: int | None = None) -> Reading:
    """Returns what a telegram says, exactly; `sequence` is left 0. What it does not say stays absent.

    Args:
        telegram: from `/` to the end of the checksum's line, with CRLF line ends, as `TelegramFramer` finds it.
        timezone: where the meter hangs. Its clock runs on the local time there.
        received_ms: stands in for the time of telegrams that have none (DSMR 2.2 and 3), unix ms UTC.

    Raises:
        TelegramError: `TELEGRAM_CRC`, `TELEGRAM_MALFORMED`, or `TELEGRAM_NO_TIME`.
    """
    check_telegram(telegram)
    try:
        text = _EMPTY_REGISTER.sub("", telegram.decode("ascii"))
        registers = vars(_PARSER.parse(text, throw_ex=True))
        reading = _electricity(registers)
        if not reading.ListFields():
            raise TelegramError("A telegram holds no electricity register.")
        reading.time_ms = _time_ms(registers, timezone, received_ms)
        reading.sub_meters.extend(_sub_meters(registers, timezone, reading.time_ms))
    # The library lets through what int, Decimal and indexing raise.
    except (ParseError, ArithmeticError, ValueError, IndexError) as error:
        raise TelegramError(f"A telegram cannot be understood{_place(error)}.") from error
    return reading


def _place(error: Exception) -> str:
    # Which register it is, and not what it says: the message goes into logs.
    code = _OBIS.search(str(error))
    return f" at register {code[0]}" if code else ""


def _electricity(registers: Mapping[str, Any]) -> Reading:
    reading = Reading()
    _fill(reading, _REGISTERS, registers)
    _settle_power(reading, registers.get(_NET_POWER))
    if (peak := registers.get(_PEAK_DEMAND)) is not None:
        _set(reading, "peak_demand_w", peak, POWER_W)
    # Text of four characters, S4 in the standard.
    tariff = registers.get(_TARIFF)
    if tariff is not None and tariff.value.lstrip("0") in ("1", "2"):
        reading.tariff = int(tariff.value)
    phases = [Phase() for _ in _PHASES]
    for phase, names in zip(phases, _PHASES, strict=True):
        _fill(phase, names, registers)
        _settle_power(phase)
    # A phase is known by its place, so one without values stays where a later one has some.
    while phases and not phases[-1].ListFields():
        phases.pop()
    reading.phases.extend(phases)
    return reading


def _settle_power(message: Reading | Phase, net: Any = None) -> None:
    """Makes import and export of what a meter has in one signed register: `net`, or an import below zero."""
    if not message.HasField("power_import_w") and net is not None and net.value is not None:
        if net.unit not in POWER_W:
            raise TelegramError(f"The unit {net.unit!r} is not one for power.")
        set_net_power(message, integer(net.value, POWER_W[net.unit]))
    elif message.power_import_w < 0:
        if message.power_export_w:
            raise TelegramError("A telegram has a negative import beside an export.")
        set_net_power(message, message.power_import_w)


def _fill(message: Reading | Phase, names: Mapping[str, tuple[str, Factors]], registers: Mapping[str, Any]) -> None:
    for code, (field, factors) in names.items():
        if (register := registers.get(code)) is not None:
            _set(message, field, register, factors)


def _set(message: Reading | Phase, field: str, register: Any, factors: Factors) -> None:
    if register.value is None:
        return
    factor = factors.get(register.unit)
    if factor is None:
        raise TelegramError(f"The unit {register.unit!r} is not one for {field}.")
    value = integer(register.value, factor)
    if field == "current_ma":
        # Some meters sign it by the direction of power, which a reading has elsewhere.
        value = abs(value)
    if value < 0 and field != "power_import_w":
        raise TelegramError(f"A register for {field} holds a negative value.")
    setattr(message, field, value)


def _sub_meters(registers: Mapping[str, Any], timezone: ZoneInfo, telegram_ms: int) -> list[SubMeter]:
    """Returns the sub-meters that say when they measured how much; one that is not connected does not."""
    sub_meters = []
    for device in sorted(registers.get("MBUS_DEVICES", ()), key=lambda device: int(device.channel_id)):
        register = getattr(device, "reading", None)
        if register is None or register.value is None:
            continue
        time_ms = meter_time_ms(register.datetime, timezone, telegram_ms)
        volume, heat = VOLUME_L.get(register.unit), HEAT_WH.get(register.unit)
        if time_ms is None or (volume is None and heat is None):
            continue
        if register.value < 0:
            raise TelegramError("The counter of a sub-meter holds a negative value.")
        sub_meters.append(
            SubMeter(
                channel=device.channel_id,
                kind=_kind(device),
                time_ms=time_ms,
                volume_l=None if volume is None else integer(register.value, volume),
                energy_wh=None if heat is None else integer(register.value, heat),
            )
        )
    return sub_meters


def _kind(device: Any) -> SubMeterKind:
    register = getattr(device, "kind", None)
    if register is None or register.value is None:
        return SubMeterKind.SUB_METER_KIND_UNSPECIFIED
    return _SUB_METER_KIND.get(int(register.value), SubMeterKind.SUB_METER_KIND_UNSPECIFIED)


def _time_ms(registers: Mapping[str, Any], timezone: ZoneInfo, received_ms: int | None) -> int:
    register = registers.get(_TIME)
    time_ms = None if register is None else meter_time_ms(register.value, timezone, received_ms)
    if time_ms is None:
        time_ms = received_ms
    if time_ms is None:
        raise TelegramError(
            "A telegram has no usable time.",
            reason="TELEGRAM_NO_TIME",
            advice="Meters of DSMR 2.2 and 3 send none: read them live, where the time of arrival stands in for it.",
        )
    return time_ms


def _pattern(code: str) -> str:
    """Returns what the library finds a register by; it ends in a group of the meter itself, channel 0."""
    return rf"^\d-0:{re.escape(code)}(?:\*\d+)?\([^\r\n]*\r\n"


def _specification() -> dict[str, Any]:
    """Returns the library's description of a telegram, with what a reading needs.

    Its own descriptions differ by country and lack registers that meters do send. Two parts of them are avoided: times
    as values, for it knows only Amsterdam's, and the log of power failures, whose parser grows with every telegram.
    """
    number, text = ValueParser(Decimal), ValueParser(str)
    codes = [*_REGISTERS, _NET_POWER, *(code for phase in _PHASES for code in phase)]
    parsers: list[tuple[str, str, Any]] = [(_pattern(code), code, CosemParser(number)) for code in codes]
    parsers += [
        (_pattern(_TIME), _TIME, CosemParser(text)),
        (_pattern(_TARIFF), _TARIFF, CosemParser(text)),
        (_pattern(_PEAK_DEMAND), _PEAK_DEMAND, MBusParser(text, number)),
        (r"^0-[1-4]:24\.1\.0\([^\r\n]*\r\n", "kind", CosemParser(number)),
        # 24.2.3 is Belgian gas, not corrected for temperature. DSMR 2.2 puts the value of 24.3.0 on a line of its own.
        (r"^0-[1-4]:24\.2\.[13]\([^\r\n]*\r\n", "reading", MBusParser(text, number)),
        (r"^0-[1-4]:24\.3\.0\([^\r\n]*\r\n[^\r\n]*\r\n", "reading", MBusParser(*[text] * 6, number)),
    ]
    objects = [
        {"obis_reference": pattern, "value_name": name, "value_parser": parser} for pattern, name, parser in parsers
    ]
    return {"checksum_support": False, "objects": objects}


_PARSER: Final = TelegramParser(_specification())
