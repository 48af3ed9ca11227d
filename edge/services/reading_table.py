"""Readings handed in as a time series: a column `time`, one of `household` if there are several, one a series.

Values are in the catalogue's units, and what the series is the difference of is the counter itself: Wh, or m3 of gas.
They are rounded to what a meter's registers hold: 1 W, 1 Wh, 0.1 V, 1 mA, 1 L.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from edge.domain.batch import Column, ReadingBatch, SubReadings
from edge.domain.plausible import refusals
from edge.domain.reading import PHASES_MAX, ReadingLimits, SubMeterKind, phase_register
from edge.errors import InvalidRequestError
from edge.services.window_table import HOUSEHOLD
from edge.settings import IngestSection
from edge_sdk.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
for _phase in range(1, PHASES_MAX + 1):
    _REGISTERS[f"voltage_l{_phase}"] = (phase_register(_phase, "voltage_dv"), 10)
    _REGISTERS[f"current_l{_phase}"] = (phase_register(_phase, "current_ma"), 1000)
_COLUMNS = {*_REGISTERS, "power_net", "gas"}
_FOREVER_MS = 2**53
_BOUNDS = IngestSection()
_LIMITS = ReadingLimits(
    future_ms_max=_FOREVER_MS,
    ahead_ms_max=_FOREVER_MS,
    past_ms_max=_FOREVER_MS,
    power_w_max=_BOUNDS.power_w_max,
    energy_wh_max=_BOUNDS.energy_wh_max,
    voltage_dv_max=_BOUNDS.voltage_dv_max,
    current_ma_max=_BOUNDS.current_ma_max,
    volume_l_max=_BOUNDS.volume_l_max,
    raw_registers_max=_BOUNDS.raw_registers_max,
    raw_chars_max=_BOUNDS.raw_chars_max,
)


@dataclass(frozen=True, slots=True)
class HouseholdReading:
    """A row of the table.

    Attributes:
        row: which, from 0.
        registers: what the row says, by the names of `edge.domain.reading.REGISTERS`.
        volume_l: of gas; None if the row does not say.
    """

    household: str
    row: int
    time_ms: int
    registers: Mapping[str, int]
    volume_l: int | None


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
    readings = [_reading(table, row, table.text(row, HOUSEHOLD) if named else ALONE) for row in range(len(table))]
    for row, error in refusals(batch_of(readings), _LIMITS, now_ms=0).items():
        raise table.problem(row, TIME, error.message.rstrip(".")) from error
    return readings


def batch_of(readings: Sequence[HouseholdReading]) -> ReadingBatch:
    """Returns readings, numbered by their rows, as columns."""
    names = dict.fromkeys(name for reading in readings for name in reading.registers)
    gas = [(row, item.time_ms, item.volume_l) for row, item in enumerate(readings) if item.volume_l is not None]
    return ReadingBatch(
        sequence=np.array([reading.row + 1 for reading in readings], np.int64),
        time_ms=np.array([reading.time_ms for reading in readings], np.int64),
        registers={name: _column([reading.registers.get(name) for reading in readings]) for name in names},
        sub_readings=_gas(gas) if gas else None,
    )


def _gas(gas: Sequence[tuple[int, int, int]]) -> SubReadings:
    row, time_ms, volume_l = (np.array(column, np.int64) for column in zip(*gas, strict=True))
    ones = np.ones(row.size, np.int64)
    absent = Column(np.zeros(row.size, np.int64), np.zeros(row.size, np.bool_))
    return SubReadings(row, ones, ones * SubMeterKind.GAS, time_ms, Column(volume_l), absent)


def _column(values: Sequence[int | None]) -> Column:
    return Column(
        np.array([0 if value is None else value for value in values], np.int64),
        np.array([value is not None for value in values], np.bool_),
    )


def _reading(table: InputTable, row: int, household: str) -> HouseholdReading:
    time_ms = table.time_ms(row, TIME)
    if not 0 <= time_ms < _FOREVER_MS:
        raise table.problem(row, TIME, "the time is not between 1970 and the far future")
    said = {
        register: _register(table, row, column, factor)
        for column, (register, factor) in _REGISTERS.items()
        if column in table.columns
    }
    if "power_net" in table.columns and (net_w := _register(table, row, "power_net", 1)) is not None:
        said |= {"power_import_w": max(net_w, 0), "power_export_w": max(-net_w, 0)}
    registers = {register: value for register, value in said.items() if value is not None}
    volume_l = _register(table, row, "gas", 1000) if "gas" in table.columns else None
    return HouseholdReading(household, row, time_ms, registers, volume_l)


def _register(table: InputTable, row: int, column: str, factor: int) -> int | None:
    value = table.number(row, column)
    if math.isnan(value):
        return None
    if math.isinf(value):
        raise table.problem(row, column, "it is infinite")
    units = round(value * factor)
    # Anything beyond is implausible, and is said to be so once it is a number that a column can hold.
    return max(-_FOREVER_MS, min(units, _FOREVER_MS))
