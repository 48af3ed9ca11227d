"""Windows: what an evaluation sees, as dense matrices, each from one query for all households.

Sample i of a window that starts at s with resolution r stands for the time from s + i r up to s + (i + 1) r.

- A *mean* is over the readings in [start, end) of the sample; *last* is the newest of them.
- A *difference* is the counter at the sample's end less the counter at its start, where the counter at an instant is
  the newest reading in the r before it, that instant included. Without a reading on either side the sample is NaN, and
  also where one in between is below the counter at the start or above that at the end, for then the counter fell (the
  meter was exchanged): nothing is bridged.
- A household with several electricity meters has a value only where each of them has one: the sum, of voltages the
  mean, of tariffs the one they agree on. Gas is the sum over the M-Bus channels that said anything in the window.
- A neighbourhood sample is the sum, of voltages the mean, over the households that have a value; NaN where fewer than
  the group minimum do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edge.domain.meter import Meter, MeterKind
from edge.domain.reading import SubMeterKind
from edge.domain.slot import day_of
from edge.store.engine import Engine, day_name
from edge.store.readings import READING_ORDER
from edge.store.schema import TOTAL_EXPORT_WH, TOTAL_IMPORT_WH
from edge_sdk.catalogue import Aggregation, Extent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from edge.domain.window import WindowSpec

Matrix = NDArray[np.float64]
Found = dict[str, NDArray[np.generic]]


class _Together(Enum):
    """What the meters of one household, or the households of a neighbourhood, make together."""

    SUM = auto()
    MEAN = auto()
    AGREEMENT = auto()


@dataclass(frozen=True, slots=True)
class _Column:
    """How a base series is made of the tables: an expression over a row, and what to divide by for its unit."""

    expression: str
    divisor: int
    table: str = "readings"
    condition: str = "true"
    together: _Together = _Together.SUM
    channels: int = 1
    """How many counters of one meter the table tells apart."""

    @property
    def is_of_sub_meters(self) -> bool:
        """Whether it is about meters on the M-Bus, which may hang on any of a household's meters."""
        return self.table == "sub_readings"


_COLUMNS = {
    "power_import": _Column("power_import_w", 1),
    "power_export": _Column("power_export_w", 1),
    "power_net": _Column("power_import_w - coalesce(power_export_w, 0)", 1),
    "energy_import": _Column(TOTAL_IMPORT_WH, 1),
    "energy_export": _Column(TOTAL_EXPORT_WH, 1),
    "tariff": _Column("tariff", 1, together=_Together.AGREEMENT),
    "gas": _Column("volume_l", 1000, "sub_readings", f"kind = {int(SubMeterKind.GAS)}", channels=4),
    **{f"voltage_l{n}": _Column(f"l{n}_voltage_dv", 10, together=_Together.MEAN) for n in (1, 2, 3)},
    **{f"current_l{n}": _Column(f"l{n}_current_ma", 1000) for n in (1, 2, 3)},
}


class WindowReader:
    """Fills input matrices from the store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def matrix(
        self,
        specs: Sequence[WindowSpec],
        slot_ms: int,
        households: Sequence[str],
        meters: Sequence[Meter],
        group_min: int,
    ) -> dict[int, Matrix]:
        """Returns the window of each input that is made of readings.

        Args:
            specs: all inputs, in manifest order; those of the clock are left to the caller.
            slot_ms: the end of every window, unix ms UTC.
            households: the rows, in order.
            meters: every enrolled meter; neighbourhood series are over all their households.
            group_min: fewest households a neighbourhood sample may be made of.

        Returns:
            By place of the input: float64 of shape (households, samples), or (1, samples) for a neighbourhood series.

        Raises:
            StoreError: the database refused.
        """
        windows: dict[int, Matrix] = {}
        everyone = sorted({meter.household_id for meter in meters})
        with self._engine.reading() as cursor:
            for extent, names in ((Extent.HOUSEHOLD, list(households)), (Extent.NEIGHBOURHOOD, everyone)):
                places = [place for place, spec in enumerate(specs) if spec.series.extent is extent]
                if not places:
                    continue
                group = _Households(names, meters)
                cursor.register("wanted", group.meter_table())
                for place in places:
                    window = self._window(cursor, specs[place], slot_ms, group)
                    if extent is Extent.NEIGHBOURHOOD:
                        window = _over_all(window, group_min, _COLUMNS[specs[place].series.base_name].together)
                    windows[place] = window
                cursor.unregister("wanted")
        return windows

    def _window(
        self, cursor: duckdb.DuckDBPyConnection, spec: WindowSpec, slot_ms: int, households: _Households
    ) -> Matrix:
        column = _COLUMNS[spec.series.base_name]
        rows = len(households.meter_rows) * column.channels
        if spec.series.aggregation is Aggregation.DIFFERENCE:
            values = _differences(self._at_edges(cursor, spec, slot_ms, column), rows, spec.samples)
        else:
            values = _per_meter(self._in_samples(cursor, spec, slot_ms, column), "value", rows, spec.samples)
        return households.combine(values / column.divisor, column)

    def _in_samples(self, cursor: duckdb.DuckDBPyConnection, spec: WindowSpec, slot_ms: int, column: _Column) -> Found:
        mean = spec.series.aggregation is Aggregation.MEAN
        value = "avg(value)" if mean else f"arg_max(value, {READING_ORDER})"
        return self._aggregate(cursor, column, {"value": value}, (spec.start_ms(slot_ms), slot_ms), spec.resolution_ms)

    def _at_edges(self, cursor: duckdb.DuckDBPyConnection, spec: WindowSpec, slot_ms: int, column: _Column) -> Found:
        # Edge i is the end of the sample before: its readings are in (start + (i - 1) r, start + i r].
        bounds = (spec.start_ms(slot_ms) - spec.resolution_ms + 1, slot_ms + 1)
        values = {"value": f"arg_max(value, {READING_ORDER})", "lowest": "min(value)", "highest": "max(value)"}
        return self._aggregate(cursor, column, values, bounds, spec.resolution_ms)

    def _aggregate(
        self,
        cursor: duckdb.DuckDBPyConnection,
        column: _Column,
        values: dict[str, str],
        bounds: tuple[int, int],
        resolution_ms: int,
    ) -> Found:
        """Returns what `values` makes of each meter's readings in each `resolution_ms` from the first bound on."""
        from_ms, until_ms = bounds
        # A gas meter's own time may be up to a day before, or a little after, that of the reading that carries it.
        margin_days = 1 if column.is_of_sub_meters else 0
        channel = "channel" if column.is_of_sub_meters else "1"
        days = [
            f"SELECT meter_id, {channel} AS channel, time_ms, sequence, spool_id, {column.expression} AS value"
            f" FROM {day_name(day)}.{column.table}"
            f" WHERE time_ms >= {from_ms} AND time_ms < {until_ms} AND {column.condition}"
            for day in self._engine.days()
            if day_of(from_ms) - margin_days <= day <= day_of(until_ms) + margin_days
        ]
        if not days:
            return {name: np.empty(0) for name in ("row", "sample", *values)}
        selected = "".join(f", CAST({value} AS DOUBLE) AS {name}" for name, value in values.items())
        return cursor.execute(
            f"SELECT wanted.row * {column.channels} + channel - 1 AS row,"
            f" (time_ms - {from_ms}) // {resolution_ms} AS sample{selected}"
            f" FROM ({' UNION ALL '.join(days)}) JOIN wanted USING (meter_id) WHERE value IS NOT NULL GROUP BY 1, 2"
        ).fetchnumpy()


class _Households:
    """Rows of households, and which meters make up each."""

    def __init__(self, names: Sequence[str], meters: Sequence[Meter]) -> None:
        rows = {name: row for row, name in enumerate(names)}
        self._count = len(names)
        self._meters = [meter for meter in meters if meter.household_id in rows and meter.kind is not MeterKind.SUB]
        self.meter_rows = np.array([rows[meter.household_id] for meter in self._meters], dtype=np.int64)
        self._electric = np.array([meter.kind is MeterKind.ELECTRICITY for meter in self._meters], dtype=bool)

    def meter_table(self) -> pa.Table:
        """Returns the meters to look for, with their row in the per-meter matrix."""
        return pa.table(
            {
                "meter_id": pa.array([meter.meter_id for meter in self._meters], pa.string()),
                "row": pa.array(range(len(self._meters)), pa.int64()),
            }
        )

    def combine(self, per_meter: Matrix, column: _Column) -> Matrix:
        """Makes one row a household of those of its meters; NaN where one that counts has no value."""
        # Gas comes through whichever meter carries it, so a silent channel there says nothing about the others.
        counts = ~np.isnan(per_meter).all(axis=1) if column.is_of_sub_meters else self._electric
        rows, values = np.repeat(self.meter_rows, column.channels)[counts], per_meter[counts]
        if column.together is _Together.AGREEMENT:
            return self._agreed(rows, values)
        total = np.zeros((self._count, values.shape[1]))
        np.add.at(total, rows, values)
        meters = np.bincount(rows, minlength=self._count)[:, np.newaxis]
        if column.together is _Together.MEAN:
            total /= np.maximum(meters, 1)
        return np.where(meters > 0, total, np.nan)

    def _agreed(self, rows: NDArray[np.int64], values: Matrix) -> Matrix:
        lowest = np.full((self._count, values.shape[1]), np.inf)
        np.minimum.at(lowest, rows, values)
        highest = np.full((self._count, values.shape[1]), -np.inf)
        np.maximum.at(highest, rows, values)
        return np.where(lowest == highest, lowest, np.nan)


def _per_meter(found: Found, name: str, rows: int, samples: int) -> Matrix:
    matrix = np.full((rows, samples), np.nan)
    matrix[found["row"].astype(np.int64), found["sample"].astype(np.int64)] = found[name]
    return matrix


def _differences(found: Found, rows: int, samples: int) -> Matrix:
    counters, lowest, highest = (_per_meter(found, name, rows, samples + 1) for name in ("value", "lowest", "highest"))
    start, end = counters[:, :-1], counters[:, 1:]
    fell = (lowest[:, 1:] < start) | (highest[:, 1:] > end)
    return np.where(fell, np.nan, end - start)


def _over_all(window: Matrix, group_min: int, together: _Together) -> Matrix:
    measured = ~np.isnan(window)
    households = measured.sum(axis=0)
    total: Matrix = np.where(measured, window, 0.0).sum(axis=0)
    if together is _Together.MEAN:
        total /= np.maximum(households, 1)
    total[households < group_min] = np.nan
    return total[np.newaxis, :]
