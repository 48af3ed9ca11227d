"""Readings handed in as a time series: a column `time`, one of `household` if there are several, one a series.

Values are in the catalogue's units, and what the series is the difference of is the counter itself: Wh, or m3 of gas.
They are rounded to what a meter's registers hold: 1 W, 1 Wh, 0.1 V, 1 mA, 1 L.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge.domain.reading import Phase, Reading, ReadingLimits, SubMeterKind, SubReading, check_reading
from edge.errors import InvalidRequestError, ReadingError
from edge.services.window_table import HOUSEHOLD
from edge.settings import IngestSection
from edge_sdk.text import printable

if TYPE_CHECKING:
    from edge.services.input_table import InputTable

TIME: Final = "time"
ALONE: Final = "household"
"""What a household is called where the file names none."""

# Column: the register of a reading, and how many of its units one of the column's is.
_REGISTERS = {
    "power_import": ("power_import_w", 1),
    "power_export": ("power_export_w", 1),
    "energy_import": ("energy_import_wh", 1),
    "energy_export": ("energy_export_wh", 1),
    "tariff": ("tariff", 1),
}
_OF_PHASE = {"voltage_l": ("voltage_dv", 10), "current_l": ("current_ma", 1000)}
_COLUMNS = {*_REGISTERS, "power_net", "gas", *(f"{name}{phase}" for name in _OF_PHASE for phase in (1, 2, 3))}
_FOREVER_MS = 2**53
_BOUNDS = IngestSection()
_LIMITS = ReadingLimits(
    future_ms_max=_FOREVER_MS,
    past_ms_max=_FOREVER_MS,
    power_w_max=_BOUNDS.power_w_max,
    energy_wh_max=_BOUNDS.energy_wh_max,
    voltage_dv_max=_BOUNDS.voltage_dv_max,
    current_ma_max=_BOUNDS.current_ma_max,
    volume_l_max=_BOUNDS.volume_l_max,
)


@dataclass(frozen=True, slots=True)
class HouseholdReading:
    """A reading and whose it is."""

    household: str
    reading: Reading


def readings_of(table: InputTable) -> list[HouseholdReading]:
    """Returns a table's rows as readings, in its order.

    Raises:
        InvalidRequestError: a column is unknown, or a cell is not what its column holds; names it.
    """
    unknown = sorted(set(table.columns) - _COLUMNS - {TIME, HOUSEHOLD})
    if unknown:
        raise InvalidRequestError(
            f"{printable(table.name, chars_max=None)}: the column {printable(unknown[0])} is no series of readings.",
            advice=f"There are {', '.join(sorted(_COLUMNS))}. Those of the street and of the clock are made of these.",
            reason="INPUTS_INVALID",
        )
    if "power_net" in table.columns and {"power_import", "power_export"} & set(table.columns):
        raise InvalidRequestError(
            f"{printable(table.name, chars_max=None)} has power_net beside what it is the difference of.",
            advice="Leave out power_net.",
            reason="INPUTS_INVALID",
        )
    named = HOUSEHOLD in table.columns
    return [
        HouseholdReading(table.text(row, HOUSEHOLD) if named else ALONE, _reading(table, row))
        for row in range(len(table))
    ]


def _reading(table: InputTable, row: int) -> Reading:
    time_ms = table.time_ms(row, TIME)
    if not 0 <= time_ms < _FOREVER_MS:
        raise table.problem(row, TIME, "the time is not between 1970 and the far future")
    registers = {
        register: _register(table, row, column, factor)
        for column, (register, factor) in _REGISTERS.items()
        if column in table.columns
    }
    if "power_net" in table.columns and (net_w := _register(table, row, "power_net", 1)) is not None:
        registers |= {"power_import_w": max(net_w, 0), "power_export_w": max(-net_w, 0)}
    volume_l = _register(table, row, "gas", 1000) if "gas" in table.columns else None
    gas = () if volume_l is None else (SubReading(1, SubMeterKind.GAS, time_ms, volume_l=volume_l),)
    reading = Reading(row + 1, time_ms, **registers, phases=_phases(table, row), sub_readings=gas)
    try:
        check_reading(reading, _LIMITS, time_ms)
    except ReadingError as error:
        raise table.problem(row, TIME, error.message.rstrip(".")) from error
    return reading


def _phases(table: InputTable, row: int) -> tuple[Phase, ...]:
    phases = []
    for number in (1, 2, 3):
        named = {f"{name}{number}": said for name, said in _OF_PHASE.items() if f"{name}{number}" in table.columns}
        phases.append(
            Phase(**{register: _register(table, row, column, factor) for column, (register, factor) in named.items()})
        )
    return tuple(phases)


def _register(table: InputTable, row: int, column: str, factor: int) -> int | None:
    value = table.number(row, column)
    if math.isnan(value):
        return None
    if math.isinf(value):
        raise table.problem(row, column, "it is infinite")
    return round(value * factor)
