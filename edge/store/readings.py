"""Readings on disk: one encrypted file a day, appended to in groups."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from edge.domain.reading import Counters, Phase, Quality, Reading
from edge.domain.slot import day_of
from edge.store.engine import day_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from edge.store.engine import Engine

# `Reading.total_import_wh` and `total_export_wh`, as expressions over a row.
TOTAL_IMPORT_WH = (
    "coalesce(energy_import_wh, energy_import_t1_wh + coalesce(energy_import_t2_wh, 0), energy_import_t2_wh)"
)
TOTAL_EXPORT_WH = (
    "coalesce(energy_export_wh, energy_export_t1_wh + coalesce(energy_export_t2_wh, 0), energy_export_t2_wh)"
)
READING_ORDER = "(time_ms::HUGEINT * 9223372036854775808 + sequence)"
"""Orders a meter's readings by time, those at one time by sequence: which is newest never depends on chance."""

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

    meter_id: str
    received_ms: int
    reading: Reading
    quality: Quality
    refusal: str | None = None


class ReadingTable:
    """Writes readings and tells how far each meter has come."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, cursor: duckdb.DuckDBPyConnection, readings: Sequence[StoredReading]) -> None:
        """Commits `readings`, which hold each meter's in ascending sequence.

        A transaction can write to one day's file only. So that a crash between two of them leaves no gap in a meter's
        sequence, a meter's readings are committed in order, a day's run at a time.
        """
        for round_of_runs in _rounds(readings):
            for day, rows in sorted(round_of_runs.items()):
                self._commit(cursor, self._engine.attach_day(day), rows)

    def durable_sequences(self) -> dict[str, int]:
        """Returns the highest sequence of every meter that is stored or was refused."""
        newest: dict[str, int] = {}
        for meter_id, sequence in self._over_days(
            "SELECT meter_id, max(sequence) FROM (SELECT meter_id, sequence FROM {day}.readings"
            " UNION ALL SELECT meter_id, sequence FROM {day}.refused) GROUP BY meter_id"
        ):
            newest[meter_id] = max(sequence, newest.get(meter_id, 0))
        return newest

    def newest_counters(self) -> dict[str, Counters]:
        """Returns time and counters of the newest reading of every meter; of several at one time, the last sent."""
        rows = self._over_days(
            "SELECT meter_id, max(time_ms),"
            f" arg_max_null({TOTAL_IMPORT_WH}, {READING_ORDER}), arg_max_null({TOTAL_EXPORT_WH}, {READING_ORDER})"
            " FROM {day}.readings GROUP BY meter_id"
        )
        # Days ascend, so that a meter's later day replaces its earlier one.
        return {meter_id: Counters(time_ms, import_wh, export_wh) for meter_id, time_ms, import_wh, export_wh in rows}

    def count(self) -> tuple[int, int]:
        """Returns how many readings are stored and how many were refused."""
        rows = list(
            self._over_days("SELECT (SELECT count(*) FROM {day}.readings), (SELECT count(*) FROM {day}.refused)")
        )
        return sum(row[0] for row in rows), sum(row[1] for row in rows)

    def _over_days(self, sql: str) -> Iterator[tuple[Any, ...]]:
        with self._engine.reading() as cursor:
            for day in self._engine.days():
                yield from cursor.execute(sql.format(day=day_name(day))).fetchall()

    def _commit(self, cursor: duckdb.DuckDBPyConnection, day: str, rows: Sequence[StoredReading]) -> None:
        kept = [row for row in rows if row.refusal is None]
        refused = [row for row in rows if row.refusal is not None]
        cursor.execute("BEGIN")
        if kept:
            _insert(cursor, f"{day}.readings", _readings_table(kept))
        if any(row.reading.sub_readings for row in kept):
            _insert(cursor, f"{day}.sub_readings", _sub_readings_table(kept))
        if refused:
            _insert(cursor, f"{day}.refused", _refused_table(refused))
        cursor.execute("COMMIT")


def _day(row: StoredReading) -> int:
    # A refused reading's own time may be nonsense; it is filed under the day it came.
    return day_of(row.received_ms if row.refusal is not None else row.reading.time_ms)


def _rounds(readings: Sequence[StoredReading]) -> Iterator[dict[int, list[StoredReading]]]:
    """Yields, round by round, each meter's next run of readings of one day, grouped by that day."""
    by_meter: dict[str, list[StoredReading]] = {}
    for row in readings:
        by_meter.setdefault(row.meter_id, []).append(row)
    runs = [[(day, list(run)) for day, run in groupby(rows, key=_day)] for rows in by_meter.values()]
    for number in range(max((len(meter_runs) for meter_runs in runs), default=0)):
        round_of_runs: dict[int, list[StoredReading]] = {}
        for meter_runs in runs:
            if number < len(meter_runs):
                day, rows = meter_runs[number]
                round_of_runs.setdefault(day, []).extend(rows)
        yield round_of_runs


def _insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    cursor.register("incoming", rows)
    cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
    cursor.unregister("incoming")


def _readings_table(rows: Sequence[StoredReading]) -> pa.Table:
    columns: dict[str, pa.Array] = {
        "meter_id": pa.array([row.meter_id for row in rows], pa.string()),
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
            "meter_id": pa.array([row.meter_id for row, _ in pairs], pa.string()),
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
            "meter_id": pa.array([row.meter_id for row in rows], pa.string()),
            "sequence": pa.array([row.reading.sequence for row in rows], pa.int64()),
            "time_ms": pa.array([row.reading.time_ms for row in rows], pa.int64()),
            "received_ms": pa.array([row.received_ms for row in rows], pa.int64()),
            "reason": pa.array([row.refusal for row in rows], pa.string()),
        }
    )
