"""A reading, as the edge keeps it, and the rule for what a reading may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from edge.errors import ReadingError

PHASES_MAX = 3
SUB_METERS_MAX = 4
TARIFFS = (None, 1, 2)
"""Each energy counter has two tariffs, so an indicator says one of these or nothing."""


class SubMeterKind(IntEnum):
    """What a meter on the M-Bus measures; numbered as on the wire."""

    UNSPECIFIED = 0
    GAS = 1
    WATER = 2
    HEAT = 3
    COLD = 4
    ELECTRICITY = 5


class Quality(IntFlag):
    """What is odd about a stored reading. Odd readings are kept and marked, never silently mended."""

    GOOD = 0
    COUNTER_BACKWARDS = 1
    """A counter is lower than in the reading before: the meter was exchanged or reset."""
    OUT_OF_ORDER = 2
    """Older than a reading that came before it."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of an electricity connection; None where nothing was measured."""

    power_import_w: int | None = None
    power_export_w: int | None = None
    voltage_dv: int | None = None
    current_ma: int | None = None
    voltage_sags: int | None = None
    voltage_swells: int | None = None


@dataclass(frozen=True, slots=True)
class SubReading:
    """What a meter on the M-Bus said, with its own time."""

    channel: int
    kind: SubMeterKind
    time_ms: int
    volume_l: int | None = None
    energy_wh: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a meter's registers said at one instant; None where nothing was measured. Absent is not zero."""

    sequence: int
    time_ms: int
    energy_import_t1_wh: int | None = None
    energy_import_t2_wh: int | None = None
    energy_import_wh: int | None = None
    energy_export_t1_wh: int | None = None
    energy_export_t2_wh: int | None = None
    energy_export_wh: int | None = None
    tariff: int | None = None
    power_import_w: int | None = None
    power_export_w: int | None = None
    phases: tuple[Phase, ...] = ()
    power_failures: int | None = None
    long_power_failures: int | None = None
    demand_w: int | None = None
    peak_demand_w: int | None = None
    sub_readings: tuple[SubReading, ...] = field(default=())

    @property
    def total_import_wh(self) -> int | None:
        """The import counter over all tariffs."""
        return _total(self.energy_import_wh, self.energy_import_t1_wh, self.energy_import_t2_wh)

    @property
    def total_export_wh(self) -> int | None:
        """The export counter over all tariffs."""
        return _total(self.energy_export_wh, self.energy_export_t1_wh, self.energy_export_t2_wh)


def _total(total: int | None, *tariffs: int | None) -> int | None:
    if total is not None:
        return total
    known = [value for value in tariffs if value is not None]
    return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """What a plausible reading stays within."""

    future_ms_max: int
    past_ms_max: int
    power_w_max: int
    energy_wh_max: int
    voltage_dv_max: int
    current_ma_max: int
    volume_l_max: int


def check_reading(reading: Reading, limits: ReadingLimits, now_ms: int) -> None:
    """Refuses a reading that cannot be true.

    Raises:
        ReadingError: from the future, too old, negative, or over what a meter can measure; names the field.
    """
    _check_time(reading.time_ms, limits, now_ms)
    for name in _COUNTERS:
        _check_range(name, getattr(reading, name), limits.energy_wh_max, "Wh")
    for name in _POWERS:
        _check_range(name, getattr(reading, name), limits.power_w_max, "W")
    if reading.tariff not in TARIFFS:
        raise ReadingError(
            f"tariff is {reading.tariff}, neither 1 nor 2.",
            advice="Leave out an indicator that says anything else.",
            reason="READING_IMPLAUSIBLE",
        )
    if len(reading.phases) > PHASES_MAX:
        raise ReadingError(f"It has more than {PHASES_MAX} phases.", reason="READING_IMPLAUSIBLE")
    for number, phase in enumerate(reading.phases, start=1):
        _check_range(f"L{number} power_import_w", phase.power_import_w, limits.power_w_max, "W")
        _check_range(f"L{number} power_export_w", phase.power_export_w, limits.power_w_max, "W")
        _check_range(f"L{number} voltage_dv", phase.voltage_dv, limits.voltage_dv_max, "dV")
        _check_range(f"L{number} current_ma", phase.current_ma, limits.current_ma_max, "mA")
    if len(reading.sub_readings) > SUB_METERS_MAX:
        raise ReadingError(f"It has more than {SUB_METERS_MAX} sub-meters.", reason="READING_IMPLAUSIBLE")
    for sub in reading.sub_readings:
        _check_sub_reading(sub, limits, now_ms)


_COUNTERS = (
    "energy_import_t1_wh",
    "energy_import_t2_wh",
    "energy_import_wh",
    "energy_export_t1_wh",
    "energy_export_t2_wh",
    "energy_export_wh",
)
_POWERS = ("power_import_w", "power_export_w", "demand_w", "peak_demand_w")


def _check_sub_reading(sub: SubReading, limits: ReadingLimits, now_ms: int) -> None:
    if not 1 <= sub.channel <= 4:
        raise ReadingError(f"M-Bus channel {sub.channel} is not 1 to 4.", reason="READING_IMPLAUSIBLE")
    if sub.time_ms - now_ms > limits.future_ms_max:
        raise ReadingError(f"M-Bus channel {sub.channel} is from the future.", reason="READING_FROM_FUTURE")
    _check_range(f"M-Bus channel {sub.channel} volume_l", sub.volume_l, limits.volume_l_max, "L")
    _check_range(f"M-Bus channel {sub.channel} energy_wh", sub.energy_wh, limits.energy_wh_max, "Wh")


def _check_time(time_ms: int, limits: ReadingLimits, now_ms: int) -> None:
    if time_ms - now_ms > limits.future_ms_max:
        raise ReadingError(
            f"Its time is {(time_ms - now_ms) / 1000:.0f} s ahead of the edge's clock, "
            f"more than {limits.future_ms_max / 1000:.0f} s.",
            advice="Set the meter's or the gateway's clock.",
            reason="READING_FROM_FUTURE",
        )
    if now_ms - time_ms > limits.past_ms_max:
        raise ReadingError(
            f"It is older than {limits.past_ms_max / 86_400_000:.0f} days.",
            advice="Set the meter's clock, or ask the operator to import old data.",
            reason="READING_TOO_OLD",
        )


def _check_range(name: str, value: int | None, maximum: int, unit: str) -> None:
    if value is None:
        return
    if value < 0:
        raise ReadingError(
            f"{name} is negative.",
            advice="Meters report what flows each way in registers of its own; check the gateway.",
            reason="READING_NEGATIVE",
        )
    if value > maximum:
        raise ReadingError(
            f"{name} is over {maximum} {unit}.",
            advice="Check the gateway's units; the operator can raise the limit in the settings.",
            reason="READING_IMPLAUSIBLE",
        )


@dataclass(frozen=True, slots=True)
class Counters:
    """A meter's newest reading, as far as the quality of the next one depends on it."""

    time_ms: int
    import_wh: int | None
    export_wh: int | None


def judge_quality(reading: Reading, before: Counters | None) -> Quality:
    """Compares a reading with the meter's newest one so far."""
    if before is None:
        return Quality.GOOD
    if reading.time_ms < before.time_ms:
        return Quality.OUT_OF_ORDER
    backwards = _fell(reading.total_import_wh, before.import_wh) or _fell(reading.total_export_wh, before.export_wh)
    return Quality.COUNTER_BACKWARDS if backwards else Quality.GOOD


def _fell(value: int | None, before: int | None) -> bool:
    return value is not None and before is not None and value < before
