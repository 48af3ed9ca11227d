"""Turns what a HomeWizard device says of its meter into a reading.

Both versions of its local API have the same shape: an object of numbers, each there only if the meter has it, and a
list of the other meters. Version 2 has other names, and the meter's time.

Source: HomeWizard's API documentation, `/api/v1/data` and `/api/measurement`.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from edge.gateway.http_get import DeviceError
from edge.gateway.meter_time import meter_time_ms, unmarked_time_ms
from edge.gateway.quantities import HEAT_WH, VOLUME_L, integer, set_net_power
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading, SubMeter, SubMeterKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

# Field of the reading, factor to its unit, names in version 1 and 2.
_FIELDS: Final = (
    ("energy_import_wh", 1000, "total_power_import_kwh", "energy_import_kwh"),
    ("energy_import_t1_wh", 1000, "total_power_import_t1_kwh", "energy_import_t1_kwh"),
    ("energy_import_t2_wh", 1000, "total_power_import_t2_kwh", "energy_import_t2_kwh"),
    ("energy_export_wh", 1000, "total_power_export_kwh", "energy_export_kwh"),
    ("energy_export_t1_wh", 1000, "total_power_export_t1_kwh", "energy_export_t1_kwh"),
    ("energy_export_t2_wh", 1000, "total_power_export_t2_kwh", "energy_export_t2_kwh"),
    ("power_failures", 1, "any_power_fail_count", "any_power_fail_count"),
    ("long_power_failures", 1, "long_power_fail_count", "long_power_fail_count"),
    ("demand_w", 1, "active_power_average_w", "average_power_15m_w"),
    # Spelt so by the device.
    ("peak_demand_w", 1, "montly_power_peak_w", "monthly_power_peak_w"),
)
_NET_POWER: Final = ("active_power_w", "power_w")
_TARIFF: Final = ("active_tariff", "tariff")
# `{}` stands for the phase: `l1_`, or nothing where a device has a single one.
_PHASE_FIELDS: Final = (
    ("voltage_dv", 10, "active_voltage_{}v", "voltage_{}v"),
    ("current_ma", 1000, "active_current_{}a", "current_{}a"),
    ("voltage_sags", 1, "voltage_sag_{}count", "voltage_sag_{}count"),
    ("voltage_swells", 1, "voltage_swell_{}count", "voltage_swell_{}count"),
)
_PHASE_POWER: Final = ("active_power_{}w", "power_{}w")
_PHASES: Final = ("l1_", "l2_", "l3_")
_KINDS: Final[Mapping[str, SubMeterKind]] = {
    "gas_meter": SubMeterKind.SUB_METER_KIND_GAS,
    "water_meter": SubMeterKind.SUB_METER_KIND_WATER,
    "warm_water_meter": SubMeterKind.SUB_METER_KIND_WATER,
    "heat_meter": SubMeterKind.SUB_METER_KIND_HEAT,
    "inlet_heat_meter": SubMeterKind.SUB_METER_KIND_HEAT,
}
_SUB_METERS_MAX = 4


def reading_from_homewizard(answer: bytes, timezone: ZoneInfo, received_ms: int) -> Reading:
    """Returns what an answer says, exactly; `sequence` is left 0. What it does not say stays absent.

    Args:
        answer: the JSON of `/api/v1/data` or `/api/measurement`.
        timezone: where the meter hangs. Its times are local, and do not say whether summer or winter.
        received_ms: when it arrived, unix ms UTC: the reading's time unless the answer has the meter's own.

    Raises:
        DeviceError: `DEVICE_ANSWER_INVALID`.
    """
    values = _object(answer)
    reading = Reading()
    try:
        _fill(reading, values)
        if not reading.ListFields():
            raise _invalid("It holds no electricity register.")
        own_ms = _time_ms(values.get("timestamp"), timezone, received_ms)
        reading.time_ms = received_ms if own_ms is None else own_ms
        reading.sub_meters.extend(_sub_meters(values, timezone, received_ms))
    except (ValueError, ArithmeticError) as error:
        raise _invalid("A value is none that a meter can have.") from error
    return reading


def _object(answer: bytes) -> Mapping[str, Any]:
    try:
        values = json.loads(answer, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise _invalid("It is not JSON.") from error
    if not isinstance(values, dict):
        raise _invalid("It is not a JSON object.")
    return values


def _fill(reading: Reading, values: Mapping[str, Any]) -> None:
    for field, factor, *names in _FIELDS:
        _set(reading, field, _number(values, names), factor)
    tariff = _number(values, _TARIFF)
    if tariff in (1, 2):
        reading.tariff = int(tariff)
    net = _number(values, _NET_POWER)
    if net is not None:
        set_net_power(reading, integer(net, Decimal(1)))
    phases = [_phase(values, place) for place in _PHASES]
    if phases[0] == Phase() and (alone := _phase(values, "")) != Phase() and phases[1:] == [Phase(), Phase()]:
        phases[0] = alone
    while phases and not phases[-1].ListFields():
        phases.pop()
    reading.phases.extend(phases)


def _phase(values: Mapping[str, Any], place: str) -> Phase:
    phase = Phase()
    for field, factor, *names in _PHASE_FIELDS:
        _set(phase, field, _number(values, [name.format(place) for name in names]), factor)
    # Without a place these are the names of the power of all phases together.
    net = _number(values, [name.format(place) for name in _PHASE_POWER]) if place else None
    if net is not None:
        set_net_power(phase, integer(net, Decimal(1)))
    return phase


def _number(values: Mapping[str, Any], names: tuple[str, ...] | list[str]) -> Decimal | None:
    """Returns the first of `names` that has a number; null and what is missing are absent."""
    for name in names:
        value = values.get(name)
        if value is None:
            continue
        if not isinstance(value, Decimal):
            raise _invalid(f"`{name}` is not a number.")
        return value
    return None


def _set(message: Reading | Phase, field: str, value: Decimal | None, factor: int) -> None:
    if value is None:
        return
    number = integer(value, Decimal(factor))
    if field == "current_ma":
        # Signed by the direction of power, which a reading has elsewhere.
        number = abs(number)
    if number < 0:
        raise _invalid(f"{field} is negative.")
    setattr(message, field, number)


def _sub_meters(values: Mapping[str, Any], timezone: ZoneInfo, received_ms: int) -> list[SubMeter]:
    """Returns the other meters. The device numbers none: their channels follow the order of their ids."""
    listed = values.get("external") or []
    if not isinstance(listed, list):
        raise _invalid("`external` is not a list.")
    meters = [meter for meter in listed if isinstance(meter, dict)]
    if not meters:
        gas = {"value": values.get("total_gas_m3"), "timestamp": values.get("gas_timestamp")}
        meters = [{"type": "gas_meter", "unit": "m3", **gas}]
    found: list[SubMeter] = []
    for meter in sorted(meters, key=lambda meter: str(meter.get("unique_id"))):
        sub_meter = _sub_meter(meter, timezone, received_ms)
        if sub_meter is not None and len(found) < _SUB_METERS_MAX:
            sub_meter.channel = len(found) + 1
            found.append(sub_meter)
    return found


def _sub_meter(meter: Mapping[str, Any], timezone: ZoneInfo, received_ms: int) -> SubMeter | None:
    time_ms = _time_ms(meter.get("timestamp"), timezone, received_ms)
    value, unit = meter.get("value"), str(meter.get("unit"))
    if time_ms is None or not isinstance(value, Decimal):
        return None
    sub_meter = SubMeter(kind=_KINDS.get(str(meter.get("type")), SubMeterKind.SUB_METER_KIND_UNSPECIFIED))
    sub_meter.time_ms = time_ms
    if value < 0:
        raise _invalid("Another meter's counter is negative.")
    if unit in VOLUME_L:
        sub_meter.volume_l = integer(value, VOLUME_L[unit])
    elif unit in HEAT_WH:
        sub_meter.energy_wh = integer(value, HEAT_WH[unit])
    else:
        return None
    return sub_meter


def _time_ms(stamp: Any, timezone: ZoneInfo, received_ms: int) -> int | None:
    """Returns the unix time of `YYMMDDhhmmss`, a number, or of an ISO 8601 time; None if it is neither."""
    if isinstance(stamp, Decimal):
        return meter_time_ms(f"{int(stamp):012d}", timezone, received_ms)
    try:
        time = datetime.fromisoformat(str(stamp))
    except ValueError:
        return None
    if time.tzinfo is not None:
        return int(time.timestamp()) * 1000
    return unmarked_time_ms(time.replace(tzinfo=timezone), received_ms)


def _invalid(message: str) -> DeviceError:
    return DeviceError(
        f"The device's answer is no reading. {message}",
        reason="DEVICE_ANSWER_INVALID",
        advice="Check that the address is the meter's; bring its firmware up to date.",
    )
