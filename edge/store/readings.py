"""Readings on disk: one encrypted file a day, appended to in groups."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from edge.domain.slot import DAY_MS, day_of
from edge.store.arrow import StoredBatch, kept_tables, refused_table
from edge.store.engine import day_name
from edge.store.housekeeping import HousekeepingTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb
    import pyarrow as pa

    from edge.domain.batch import Integers
    from edge.domain.spool import Spool
    from edge.store.engine import Engine
    from edge.store.progress import ProgressTable
    from edge.store.rollups import RollupTable

READING_ORDER = "row(time_ms, sequence, spool_id)"
"""Orders a meter's readings by time, then by sequence, then by spool: which is newest never depends on chance."""


class ReadingTable:
    """Writes readings."""

    def __init__(self, engine: Engine, progress: ProgressTable, rollups: RollupTable) -> None:
        self._engine = engine
        self._progress = progress
        self._rollups = rollups

    def append(self, cursor: duckdb.DuckDBPyConnection, batches: Sequence[StoredBatch]) -> None:
        """Commits `batches`, which hold each spool's readings in ascending sequence.

        A transaction can write to one day's file only. So that a crash between two of them leaves no gap in a spool's
        sequence, a spool's readings are committed in order, a day's run at a time.
        """
        for round_of_runs in _rounds(batches):
            for day, runs in sorted(round_of_runs.items()):
                self._commit(cursor, day, runs)

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

    def _commit(self, cursor: duckdb.DuckDBPyConnection, day: int, batches: Sequence[StoredBatch]) -> None:
        name = self._engine.attach_day(day)
        tables = kept_tables(batches)
        if any(batch.refused for batch in batches):
            tables["refused"] = refused_table(batches)
        self._rollups.take_away(cursor, day, _times_ms(tables.get("readings")), _times_ms(tables.get("sub_readings")))
        cursor.execute("BEGIN")
        for table, rows in tables.items():
            _insert(cursor, f"{name}.{table}", rows)
        self._progress.take_away(cursor, day)
        cursor.execute("COMMIT")
        self._progress.note_added(day)


def _times_ms(table: pa.Table | None) -> Integers:
    if table is None:
        return np.empty(0, np.int64)
    times_ms: Integers = table["time_ms"].to_numpy()
    return times_ms


def _runs(batch: StoredBatch) -> Iterator[tuple[int, StoredBatch]]:
    """Yields a batch's readings, in order, a day's run at a time."""
    days = batch.readings.time_ms // DAY_MS
    if batch.refused:
        # A refused reading's own time may be nonsense; it is filed under the day it came.
        days[list(batch.refused)] = day_of(batch.received_ms)
    if not days.size:
        return
    first, last = int(days.min()), int(days.max())
    if first == last:
        yield first, batch
        return
    edges = np.flatnonzero(np.diff(days)) + 1
    for begin, end in zip([0, *edges.tolist()], [*edges.tolist(), days.size], strict=True):
        yield int(days[begin]), batch.rows(begin, end)


def _rounds(batches: Sequence[StoredBatch]) -> Iterator[dict[int, list[StoredBatch]]]:
    """Yields, round by round, each spool's next run of readings of one day, grouped by that day."""
    by_spool: dict[Spool, list[tuple[int, StoredBatch]]] = {}
    for batch in batches:
        by_spool.setdefault(batch.spool, []).extend(_runs(batch))
    runs = [
        [(day, [run for _, run in of_day]) for day, of_day in groupby(spool_runs, key=lambda run: run[0])]
        for spool_runs in by_spool.values()
    ]
    for number in range(max(map(len, runs), default=0)):
        round_of_runs: dict[int, list[StoredBatch]] = {}
        for spool_runs in runs:
            if number < len(spool_runs):
                day, of_day = spool_runs[number]
                round_of_runs.setdefault(day, []).extend(of_day)
        yield round_of_runs


def _insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    cursor.register("incoming", rows)
    cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
    cursor.unregister("incoming")
