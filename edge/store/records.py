"""What one meter has delivered: how much, what was odd or refused, and what is missing between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge.domain.reading import Quality
from edge.domain.record import Gap, GapQuery, MeterRecord, SpoolRecord
from edge.domain.slot import day_of
from edge.store.engine import day_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from edge.store.engine import Engine

_MARKS = tuple(mark for mark in Quality if mark)
_GAPS = """
WITH seen AS ({seen}),
by_sequence AS (
    SELECT spool_id, sequence, lag(sequence) OVER spool AS before, time_ms, lag(time_ms) OVER spool AS before_ms
    FROM seen WINDOW spool AS (PARTITION BY spool_id ORDER BY sequence)
),
by_time AS (SELECT time_ms, lag(time_ms) OVER (ORDER BY time_ms) AS before_ms FROM seen WHERE kept)
SELECT spool_id, before + 1, sequence - 1, before_ms AS from_ms, time_ms FROM by_sequence WHERE sequence > before + 1
UNION ALL
SELECT '', 0, 0, before_ms, time_ms FROM by_time WHERE $longer_than_ms > 0 AND time_ms - before_ms > $longer_than_ms
ORDER BY 4, 1, 2 LIMIT $limit OFFSET $skip
"""
# A refused reading's own time may be nonsense; when it came says enough.
_SEEN = """
SELECT spool_id, sequence, time_ms, true AS kept FROM {day}.readings
    WHERE meter_id = $meter_id AND time_ms BETWEEN $from_ms AND $until_ms
UNION ALL SELECT spool_id, sequence, received_ms, false FROM {day}.refused
    WHERE meter_id = $meter_id AND received_ms BETWEEN $from_ms AND $until_ms
"""


class RecordReader:
    """Answers questions about one meter's readings, none of which names what a register said."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, meter_id: str, now_ms: int) -> MeterRecord:
        """Returns what is kept of a meter.

        Raises:
            StoreError: the database refused.
        """
        return self._engine.read_days(lambda cursor: self._record(cursor, meter_id, now_ms))

    def _record(self, cursor: duckdb.DuckDBPyConnection, meter_id: str, now_ms: int) -> MeterRecord:
        days = self._engine.days()
        if not days:
            return MeterRecord(0, 0, 0, 0, None, {}, {}, ())
        counted = ", ".join(f"count(*) FILTER (quality & {int(mark)} > 0)" for mark in _MARKS)
        summed = f"SELECT count(*), max(time_ms), {counted} FROM ({_every(days, 'readings')}) WHERE meter_id = ?"
        refused = (
            f"SELECT reason, count(*) FROM ({_every(days, 'refused')}) WHERE meter_id = ? GROUP BY ALL ORDER BY ALL"
        )
        taken = " UNION ALL ".join(
            f"SELECT meter_id, spool_id, sequence, received_ms FROM {day_name(day)}.{table}"
            for day in days
            for table in ("readings", "refused")
        )
        spools = f"""SELECT spool_id, max(sequence), max(received_ms) FROM ({taken}) WHERE meter_id = ?
            GROUP BY spool_id ORDER BY spool_id"""
        ((readings, newest_ms, *marks),) = _rows(cursor, summed, meter_id)
        by_reason = dict(_rows(cursor, refused, meter_id))
        by_spool = tuple(SpoolRecord(*row) for row in _rows(cursor, spools, meter_id))
        today, delay_ms_min = self._today(cursor, meter_id, now_ms)
        return MeterRecord(
            readings,
            today,
            newest_ms or 0,
            max((spool.received_ms for spool in by_spool), default=0),
            delay_ms_min,
            {str(mark.name): count for mark, count in zip(_MARKS, marks, strict=True) if count},
            by_reason,
            by_spool,
        )

    def gaps(self, meter_id: str, query: GapQuery, limit: int, skip: int) -> list[Gap]:
        """Returns what is missing between a meter's readings of a range of time, by when it begins; at most `limit`.

        Raises:
            StoreError: the database refused.
        """
        return self._engine.read_days(lambda cursor: self._gaps(cursor, meter_id, query, limit, skip))

    def _gaps(
        self, cursor: duckdb.DuckDBPyConnection, meter_id: str, query: GapQuery, limit: int, skip: int
    ) -> list[Gap]:
        # A reading is in the file of its day; one that was refused in that of the day it came.
        first, last = day_of(query.from_ms), day_of(query.until_ms)
        days = [day for day in self._engine.days() if first <= day <= last]
        if not days:
            return []
        seen = " UNION ALL ".join(_SEEN.format(day=day_name(day)) for day in days)
        values = {
            "meter_id": meter_id,
            "from_ms": query.from_ms,
            "until_ms": query.until_ms,
            "longer_than_ms": query.longer_than_ms,
            "limit": limit,
            "skip": skip,
        }
        return [Gap(*row) for row in cursor.execute(_GAPS.format(seen=seen), values).fetchall()]

    def _today(self, cursor: duckdb.DuckDBPyConnection, meter_id: str, now_ms: int) -> tuple[int, int | None]:
        day = day_of(now_ms)
        if day not in self._engine.days():
            return 0, None
        sql = f"SELECT count(*), min(received_ms - time_ms) FROM {day_name(day)}.readings WHERE meter_id = ?"
        ((count, delay_ms_min),) = _rows(cursor, sql, meter_id)
        return count, delay_ms_min


def _every(days: Iterable[int], table: str) -> str:
    return " UNION ALL BY NAME ".join(f"FROM {day_name(day)}.{table}" for day in days)


def _rows(cursor: duckdb.DuckDBPyConnection, sql: str, meter_id: str) -> list[tuple[Any, ...]]:
    return cursor.execute(sql, [meter_id]).fetchall()
