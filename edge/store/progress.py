"""How far each spool has come. Of a day that is over it is summed up beside the readings, which are then left alone.

A day's sum stands in the same file as its readings. Whatever is added to the day takes the sum away in the same
transaction, so it is either right or not there; where it is not there, the readings are gone through. What days that
were removed said stands in the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from edge.domain.reading import Counters
from edge.domain.spool import Spool
from edge.store.engine import day_name
from edge.store.schema import TOTAL_EXPORT_WH, TOTAL_IMPORT_WH

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from edge.store.engine import Engine

_OF_REMOVED = "SELECT * FROM state.progress ORDER BY newest_ms, spool_id"
_OF_SUM = "SELECT * FROM {day}.progress ORDER BY newest_ms, spool_id"
OF_READINGS = f"""
SELECT meter_id, spool_id, max(sequence) AS last_sequence, max(received_ms) AS received_ms, max(time_ms) AS newest_ms,
    arg_max_null(import_wh, newest) AS import_wh, arg_max_null(export_wh, newest) AS export_wh
FROM (
    SELECT meter_id, spool_id, sequence, received_ms, time_ms, {TOTAL_IMPORT_WH} AS import_wh,
        {TOTAL_EXPORT_WH} AS export_wh, time_ms::HUGEINT * 9223372036854775808 + sequence AS newest
    FROM {{day}}.readings
    UNION ALL SELECT meter_id, spool_id, sequence, received_ms, NULL, NULL, NULL, NULL FROM {{day}}.refused
) GROUP BY meter_id, spool_id ORDER BY newest_ms, spool_id
"""

_Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """What is on disk.

    Attributes:
        durable: the highest sequence of every spool that is stored or was refused.
        newest: time and counters of every meter's newest reading; of several at one time, the last of its spool.
        received_ms: when the last of all readings came, by the edge's clock; 0 if none did.
    """

    durable: dict[Spool, int]
    newest: dict[str, Counters]
    received_ms: int


class ProgressTable:
    """Reads how far each spool has come, and sums it up."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._without_sum: set[int] = set()

    def read(self) -> Progress:
        """Returns what is on disk.

        Raises:
            StoreError: the database refused.
        """
        return _progress(self._engine.read_days(self._rows))

    def _rows(self, cursor: duckdb.DuckDBPyConnection) -> list[_Row]:
        """Returns what each day says of each spool: days ascend, and so do times within each."""
        rows: list[_Row] = cursor.execute(_OF_REMOVED).fetchall()
        for day in self._engine.days():
            # Of one moment: the sum may be taken away between two questions.
            cursor.execute("BEGIN")
            rows += _rows(cursor, _OF_SUM, day) or _rows(cursor, OF_READINGS, day)
            cursor.execute("COMMIT")
        return rows

    def take_away(self, cursor: duckdb.DuckDBPyConnection, day: int) -> None:
        """Takes a day's sum away in the open transaction, which adds to the day."""
        if day not in self._without_sum:
            cursor.execute(f"DELETE FROM {day_name(day)}.progress")

    def note_added(self, day: int) -> None:
        """Notes that the transaction that added to a day has been committed."""
        self._without_sum.add(day)

    def sum_up(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Sums up every day but the newest, which is still being added to."""
        for day in self._engine.days()[:-1]:
            name = day_name(day)
            cursor.execute("BEGIN")
            if not cursor.execute(f"SELECT 1 FROM {name}.progress LIMIT 1").fetchall():
                cursor.execute(f"INSERT INTO {name}.progress BY NAME {OF_READINGS.format(day=name)}")
            cursor.execute("COMMIT")
            self._without_sum.discard(day)


def _progress(rows: Iterable[_Row]) -> Progress:
    durable: dict[Spool, int] = {}
    newest: dict[str, Counters] = {}
    last_ms = 0
    for meter_id, spool_id, sequence, received_ms, newest_ms, import_wh, export_wh in rows:
        spool = Spool(meter_id, spool_id)
        durable[spool] = max(sequence, durable.get(spool, 0))
        last_ms = max(received_ms, last_ms)
        if newest_ms is not None:
            # A later reading replaces an earlier one.
            newest[meter_id] = Counters(newest_ms, import_wh, export_wh)
    return Progress(durable, newest, last_ms)


def _rows(cursor: duckdb.DuckDBPyConnection, sql: str, day: int) -> list[_Row]:
    return cursor.execute(sql.format(day=day_name(day))).fetchall()
