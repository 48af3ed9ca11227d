"""Windows: what an evaluation sees, as dense matrices; one query makes all that have a shape in common.

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

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from edge.domain.meter import Meter, MeterKind
from edge.store.samples import Extract, Matrix, SampleReader
from edge.store.series import COLUMNS, COUNTER, SUB_COUNTER, Column, Family, Together
from edge_sdk.catalogue import Extent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    from numpy.typing import NDArray

    from edge.domain.window import WindowSpec
    from edge.store.engine import Engine

_Shape = tuple[Family, int, int]


class WindowReader:
    """Fills input matrices from the store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._samples = SampleReader(engine)

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
        shapes: dict[_Shape, list[int]] = {}
        for place, spec in enumerate(specs):
            if spec.series.extent is not Extent.CLOCK:
                shape = (COLUMNS[spec.series.base_name].family, spec.samples, spec.resolution_ms)
                shapes.setdefault(shape, []).append(place)

        def windows_of(cursor: duckdb.DuckDBPyConnection) -> dict[int, Matrix]:
            windows: dict[int, Matrix] = {}
            for shape, places in shapes.items():
                asked = {place: specs[place] for place in places}
                windows |= self._windows(cursor, shape, asked, slot_ms, _Street(households, meters, group_min))
            return windows

        return self._engine.read_days(windows_of)

    def _windows(
        self,
        cursor: duckdb.DuckDBPyConnection,
        shape: _Shape,
        asked: dict[int, WindowSpec],
        slot_ms: int,
        street: _Street,
    ) -> dict[int, Matrix]:
        family, samples, resolution_ms = shape
        # The counter at a window's start is the newest reading in the resolution before it.
        before = 1 if family in (COUNTER, SUB_COUNTER) else 0
        names = tuple(dict.fromkeys(spec.series.base_name for spec in asked.values()))
        from_ms = slot_ms - (samples + before) * resolution_ms
        extract = Extract(family, names, from_ms, samples + before, resolution_ms)
        everyone = any(spec.series.extent is Extent.NEIGHBOURHOOD for spec in asked.values())
        meters = street.meters if everyone else street.meters_asked
        cursor.register("wanted", _meter_table(meters))
        found = self._samples.read(cursor, extract, len(meters) * family.channels)
        cursor.unregister("wanted")
        per_meter = {name: _per_meter(found, name, COLUMNS[name]) for name in names}
        return {
            place: street.combine(
                spec.series.extent, per_meter[spec.series.base_name], meters, COLUMNS[spec.series.base_name]
            )
            for place, spec in asked.items()
        }


class _Street:
    """The households asked for, and all there are, with the meters that make up each."""

    def __init__(self, asked: Sequence[str], meters: Sequence[Meter], group_min: int) -> None:
        self._asked = {name: row for row, name in enumerate(asked)}
        self._group_min = group_min
        self._everyone = {name: row for row, name in enumerate(sorted({meter.household_id for meter in meters}))}
        self.meters = [meter for meter in meters if meter.kind is not MeterKind.SUB]
        self.meters_asked = [meter for meter in self.meters if meter.household_id in self._asked]

    def combine(self, extent: Extent, per_meter: Matrix, meters: Sequence[Meter], column: Column) -> Matrix:
        """Makes one row a household asked for, or one of all, of those of the meters."""
        if extent is Extent.HOUSEHOLD:
            return _households(per_meter, meters, self._asked, column)
        window = _households(per_meter, meters, self._everyone, column)
        return _over_all(window, self._group_min, column.together)


def _meter_table(meters: Sequence[Meter]) -> pa.Table:
    return pa.table(
        {
            "meter_id": pa.array([meter.meter_id for meter in meters], pa.string()),
            "row": pa.array(range(len(meters)), pa.int64()),
        }
    )


def _per_meter(found: dict[str, Matrix], name: str, column: Column) -> Matrix:
    """Returns a series of each meter, in its unit."""
    if name in found:
        return found[name] / column.divisor
    if column.family in (COUNTER, SUB_COUNTER):
        return _differences(*(found[f"{name}_{part}"] for part in ("last", "lowest", "highest"))) / column.divisor
    return found[f"{name}_last"] / column.divisor


def _differences(counters: Matrix, lowest: Matrix, highest: Matrix) -> Matrix:
    start, end = counters[:, :-1], counters[:, 1:]
    fell = (lowest[:, 1:] < start) | (highest[:, 1:] > end)
    return np.where(fell, np.nan, end - start)


def _households(per_meter: Matrix, meters: Sequence[Meter], households: dict[str, int], column: Column) -> Matrix:
    """Makes one row a household of those of its meters; NaN where one that counts has no value."""
    row_of_meter = np.array([households.get(meter.household_id, -1) for meter in meters], dtype=np.int64)
    rows = np.repeat(row_of_meter, column.family.channels)
    # Gas comes through whichever meter carries it, so a silent channel there says nothing about the others.
    if column.family.is_of_sub_meters:
        counts = ~np.isnan(per_meter).all(axis=1)
    else:
        counts = np.array([meter.kind is MeterKind.ELECTRICITY for meter in meters], dtype=bool)
    counts &= rows >= 0
    rows, values = rows[counts], per_meter[counts]
    if column.together is Together.AGREEMENT:
        return _agreed(rows, values, len(households))
    total = np.zeros((len(households), values.shape[1]))
    np.add.at(total, rows, values)
    meters_each = np.bincount(rows, minlength=len(households))[:, np.newaxis]
    if column.together is Together.MEAN:
        total /= np.maximum(meters_each, 1)
    return np.where(meters_each > 0, total, np.nan)


def _agreed(rows: NDArray[np.int64], values: Matrix, households: int) -> Matrix:
    lowest = np.full((households, values.shape[1]), np.inf)
    np.minimum.at(lowest, rows, values)
    highest = np.full((households, values.shape[1]), -np.inf)
    np.maximum.at(highest, rows, values)
    return np.where(lowest == highest, lowest, np.nan)


def _over_all(window: Matrix, group_min: int, together: Together) -> Matrix:
    measured = ~np.isnan(window)
    households = measured.sum(axis=0)
    total: Matrix = np.where(measured, window, 0.0).sum(axis=0)
    if together is Together.MEAN:
        total /= np.maximum(households, 1)
    total[households < group_min] = np.nan
    return total[np.newaxis, :]
