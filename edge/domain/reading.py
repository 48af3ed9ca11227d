"""What a meter's registers are called, what may be odd about a reading, and what a plausible one stays within."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

PHASES_MAX = 3
SUB_METERS_MAX = 4
TARIFFS = (1, 2)
"""Each energy counter has two tariffs, so an indicator says one of these or nothing."""

COUNTERS = (
    "energy_import_t1_wh",
    "energy_import_t2_wh",
    "energy_import_wh",
    "energy_export_t1_wh",
    "energy_export_t2_wh",
    "energy_export_wh",
)
POWERS = ("power_import_w", "power_export_w", "demand_w", "peak_demand_w")
FAILURES = ("power_failures", "long_power_failures")
OF_PHASE = ("power_import_w", "power_export_w", "voltage_dv", "current_ma", "voltage_sags", "voltage_swells")
"""What each phase has. A phase's register is named after it, such as `l1_voltage_dv`."""
COUNT_MAX = 2**32 - 1
"""Of what a meter counts one by one: failures, sags, swells."""


def phase_register(number: int, name: str) -> str:
    """Returns what a register of phase `number` (1 to 3) is called."""
    return f"l{number}_{name}"


REGISTERS = (
    *COUNTERS,
    "tariff",
    *POWERS,
    *FAILURES,
    *(phase_register(number, name) for number in range(1, PHASES_MAX + 1) for name in OF_PHASE),
)
"""Every register of a reading, besides its sequence and time."""


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
    """Older than a reading that came before it. It is compared with nothing else."""
    TIME_REPEATED = 4
    """Of the same time as the reading before: sent twice under two numbers, or a clock that stands still."""
    CLOCK_AHEAD = 8
    """More than `CLOCK_AHEAD_MS` later than the edge's clock when it came."""
    ENERGY_JUMP = 16
    """A counter rose by more than the highest plausible power brings in the time since the reading before."""


CLOCK_AHEAD_MS = 10_000
"""A meter's own clock may be off by some seconds; what is late may only have waited, so no clock is judged by that."""


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """What a plausible reading stays within.

    Attributes:
        future_ms_max: how far ahead of the edge's clock it may be.
        ahead_ms_max: up to so far ahead, one of the two clocks is taken to be wrong: it waits at its gateway.
        past_ms_max: how old it may be.
        raw_registers_max: registers kept as the meter said them; 0 keeps none.
        raw_chars_max: of one of them: code, value and unit together.
    """

    future_ms_max: int
    ahead_ms_max: int
    past_ms_max: int
    power_w_max: int
    energy_wh_max: int
    voltage_dv_max: int
    current_ma_max: int
    volume_l_max: int
    raw_registers_max: int
    raw_chars_max: int


@dataclass(frozen=True, slots=True)
class Counters:
    """A meter's newest reading, as far as the quality of the next one depends on it."""

    time_ms: int
    import_wh: int | None
    export_wh: int | None
