"""Readings on disk: one encrypted file a day, appended to in groups."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa

from edge.domain.reading import Phase, Quality, Reading
from edge.domain.slot import day_of
from edge.store.engine import day_name
from edge.store.housekeeping import HousekeepingTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from edge.domain.spool import Spool
    from edge.store.engine import Engine
    from edge.store.progress import ProgressTable
    from edge.store.rollups import RollupTable

READING_ORDER = "row(time_ms, sequence, spool_id)"
"""Orders a meter's readings by time, then by sequence, then by spool: which is newest never depends on chance."""

_PLAIN = (
    "energy_import_t1_wh",
    "energy_import_t2_wh",
    "energy_import_wh",
    "energy_export_t1_wh",
    "energy_export_t2_wh",
    "energy_export_wh",
    "tariff",
    "power_import_w",
    "power_export_w",
    "power_failures",
    "long_power_failures",
    "demand_w",
    "peak_demand_w",
)
_OF_PHASE = ("power_import_w", "power_export_w", "voltage_dv", "current_ma", "voltage_sags", "voltage_swells")
_NO_PHASE = Phase()


@dataclass(frozen=True, slots=True)
class StoredReading:
    """A reading on its way into the store.

    Attributes:
        refusal: reason why it was refused, or None; a refused reading leaves only its number, time and reason.
    """

    spool: Spool
    received_ms: int
    reading: Reading
    quality: Quality
    refusal: str | None = None


class ReadingTable:
    """Writes readings."""

    def __init__(self, engine: Engine, progress: ProgressTable, rollups: RollupTable) -> None:
        self._engine = engine
        self._progress = progress
        self._rollups = rollups

    def append(self, cursor: duckdb.DuckDBPyConnection, readings: Sequence[StoredReading]) -> None:
        """Commits `readings`, which hold each spool's in ascending sequence.

        A transaction can write to one day's file only. So that a crash between two of them leaves no gap in a spool's
        sequence, a spool's readings are committed in order, a day's run at a time.
        """
        for round_of_runs in _rounds(readings):
            for day, rows in sorted(round_of_runs.items()):
                self._commit(cursor, day, rows)

    def count(self) -> tuple[int, int]:
        """Returns how many readings were ever stored and how many refused, those of removed days included."""
        return self._engine.read_days(self._count)

    def count_by_day(self) -> dict[int, int]:
        """Returns how many readings there are of each day that is kept."""

        def counts(cursor: duckdb.DuckDBPyConnection) -> dict[int, int]:
            found: dict[int, int] = {}
            for day in self._engine.days():
                row = cursor.execute(f"SELECT count(*) FROM {day_name(day)}.readings").fetchone()
                found[day] = int(row[0]) if row else 0
            return found

        return self._engine.read_days(counts)

    def _count(self, cursor: duckdb.DuckDBPyConnection) -> tuple[int, int]:
        removed = HousekeepingTable(cursor)
        stored, refused = removed.removed_readings()
        for day in set(self._engine.days()) - removed.removed_days():
            name = day_name(day)
            sql = f"SELECT (SELECT count(*) FROM {name}.readings), (SELECT count(*) FROM {name}.refused)"
            for of_day in cursor.execute(sql).fetchall():
                stored, refused = stored + of_day[0], refused + of_day[1]
        return stored, refused

    def _commit(self, cursor: duckdb.DuckDBPyConnection, day: int, rows: Sequence[StoredReading]) -> None:
        name = self._engine.attach_day(day)
        kept = [row for row in rows if row.refusal is None]
        refused = [row for row in rows if row.refusal is not None]
        sub_times_ms = (sub.time_ms for row in kept for sub in row.reading.sub_readings)
        self._rollups.take_away(cursor, day, (row.reading.time_ms for row in kept), sub_times_ms)
        cursor.execute("BEGIN")
        if kept:
            _insert(cursor, f"{name}.readings", _readings_table(kept))
        if any(row.reading.sub_readings for row in kept):
            _insert(cursor, f"{name}.sub_readings", _sub_readings_table(kept))
        if refused:
            _insert(cursor, f"{name}.refused", _refused_table(refused))
        self._progress.take_away(cursor, day)
        cursor.execute("COMMIT")
        self._progress.note_added(day)


def _day(row: StoredReading) -> int:
    # A refused reading's own time may be nonsense; it is filed under the day it came.
    return day_of(row.received_ms if row.refusal is not None else row.reading.time_ms)


def _rounds(readings: Sequence[StoredReading]) -> Iterator[dict[int, list[StoredReading]]]:
    """Yields, round by round, each spool's next run of readings of one day, grouped by that day."""
    by_spool: dict[Spool, list[StoredReading]] = {}
    for row in readings:
        by_spool.setdefault(row.spool, []).append(row)
    runs = [[(day, list(run)) for day, run in groupby(rows, key=_day)] for rows in by_spool.values()]
    for number in range(max((len(spool_runs) for spool_runs in runs), default=0)):
        round_of_runs: dict[int, list[StoredReading]] = {}
        for spool_runs in runs:
            if number < len(spool_runs):
                day, rows = spool_runs[number]
                round_of_runs.setdefault(day, []).extend(rows)
        yield round_of_runs


def _insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    cursor.register("incoming", rows)
    cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
    cursor.unregister("incoming")


def _readings_table(rows: Sequence[StoredReading]) -> pa.Table:
    columns: dict[str, pa.Array] = {
        "meter_id": pa.array([row.spool.meter_id for row in rows], pa.string()),
        "spool_id": pa.array([row.spool.spool_id for row in rows], pa.string()),
        "sequence": pa.array([row.reading.sequence for row in rows], pa.int64()),
        "time_ms": pa.array([row.reading.time_ms for row in rows], pa.int64()),
        "received_ms": pa.array([row.received_ms for row in rows], pa.int64()),
        "quality": pa.array([int(row.quality) for row in rows], pa.uint8()),
    }
    for name in _PLAIN:
        columns[name] = pa.array([getattr(row.reading, name) for row in rows], pa.int64())
    for number in range(max(len(row.reading.phases) for row in rows)):
        phases = [row.reading.phases[number] if number < len(row.reading.phases) else _NO_PHASE for row in rows]
        for name in _OF_PHASE:
            columns[f"l{number + 1}_{name}"] = pa.array([getattr(phase, name) for phase in phases], pa.int64())
    return pa.table(columns)


def _sub_readings_table(rows: Sequence[StoredReading]) -> pa.Table:
    pairs = [(row, sub) for row in rows for sub in row.reading.sub_readings]
    return pa.table(
        {
            "meter_id": pa.array([row.spool.meter_id for row, _ in pairs], pa.string()),
            "spool_id": pa.array([row.spool.spool_id for row, _ in pairs], pa.string()),
            "sequence": pa.array([row.reading.sequence for row, _ in pairs], pa.int64()),
            "channel": pa.array([sub.channel for _, sub in pairs], pa.uint8()),
            "kind": pa.array([int(sub.kind) for _, sub in pairs], pa.uint8()),
            "time_ms": pa.array([sub.time_ms for _, sub in pairs], pa.int64()),
            "volume_l": pa.array([sub.volume_l for _, sub in pairs], pa.int64()),
            "energy_wh": pa.array([sub.energy_wh for _, sub in pairs], pa.int64()),
        }
    )


def _refused_table(rows: Sequence[StoredReading]) -> pa.Table:
    return pa.table(
        {
            "meter_id": pa.array([row.spool.meter_id for row in rows], pa.string()),
            "spool_id": pa.array([row.spool.spool_id for row in rows], pa.string()),
            "sequence": pa.array([row.reading.sequence for row in rows], pa.int64()),
            "time_ms": pa.array([row.reading.time_ms for row in rows], pa.int64()),
            "received_ms": pa.array([row.received_ms for row in rows], pa.int64()),
            "reason": pa.array([row.refusal for row in rows], pa.string()),
        }
    )
