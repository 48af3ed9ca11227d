"""Readings that were refused: of each its number, time and reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.store.engine import day_name

if TYPE_CHECKING:
    import duckdb

    from edge.domain.spool import Spool
    from edge.store.engine import Engine


@dataclass(frozen=True, slots=True)
class RefusedReading:
    """A reading that was refused, and why."""

    sequence: int
    reason: str
    message: str


class RefusedTable:
    """Reads what was refused."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_spool(self, spool: Spool, after: int, until: int, limit: int) -> list[RefusedReading]:
        """Returns a spool's refused readings after one sequence up to another, ascending; at most the newest `limit`.

        Raises:
            StoreError: the database refused.
        """

        def found(cursor: duckdb.DuckDBPyConnection) -> list[RefusedReading]:
            days = self._engine.days()
            if not days:
                return []
            every_day = " UNION ALL ".join(f"FROM {day_name(day)}.refused" for day in days)
            sql = f"""SELECT sequence, reason, message FROM ({every_day})
                WHERE meter_id = ? AND spool_id = ? AND sequence > ? AND sequence <= ? ORDER BY sequence DESC LIMIT ?"""
            rows = cursor.execute(sql, [*spool, after, until, limit]).fetchall()
            return [RefusedReading(*row) for row in reversed(rows)]

        return self._engine.read_days(found)
