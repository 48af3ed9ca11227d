"""What has become of files: days that were removed, files that were set aside, days that were rewritten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.store.progress import OF_READINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

_PROGRESS = """
SELECT meter_id, spool_id, max(last_sequence) AS last_sequence, max(received_ms) AS received_ms,
    max(newest_ms) AS newest_ms, arg_max_null(import_wh, newest_ms) AS import_wh,
    arg_max_null(export_wh, newest_ms) AS export_wh
FROM (SELECT * FROM state.progress UNION ALL BY NAME ({of_day})) GROUP BY meter_id, spool_id
"""


@dataclass(frozen=True, slots=True)
class RemovedDay:
    """A day whose readings were removed, with how many there had been."""

    day: int
    readings: int
    refused: int
    removed_ms: int


class HousekeepingTable:
    """Reads and writes it through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def note_removed(self, day: int, db: str, now_ms: int) -> RemovedDay:
        """Notes that a day's readings are about to go, and keeps how far each spool had come with them."""
        sql = f"SELECT (SELECT count(*) FROM {db}.readings), (SELECT count(*) FROM {db}.refused)"
        readings, refused = self._cursor.execute(sql).fetchall()[0]
        removed = RemovedDay(day, readings, refused, now_ms)
        progress = self._cursor.execute(_PROGRESS.format(of_day=OF_READINGS.format(day=db))).to_arrow_table()
        self._cursor.execute("DELETE FROM state.progress")
        self._cursor.register("incoming", progress)
        self._cursor.execute("INSERT INTO state.progress BY NAME SELECT * FROM incoming")
        self._cursor.unregister("incoming")
        self._cursor.execute("INSERT INTO state.removed_days VALUES (?, ?, ?, ?)", [day, readings, refused, now_ms])
        return removed

    def removed_days(self) -> set[int]:
        """Returns every day whose readings were removed."""
        return {row[0] for row in self._cursor.execute("SELECT day FROM state.removed_days").fetchall()}

    def removed_readings(self) -> tuple[int, int]:
        """Returns how many readings, and how many refused ones, were removed in all."""
        sql = "SELECT coalesce(sum(readings), 0)::BIGINT, coalesce(sum(refused), 0)::BIGINT FROM state.removed_days"
        stored, refused = self._cursor.execute(sql).fetchall()[0]
        return stored, refused

    def set_aside(self) -> set[str]:
        """Returns the names of the files that are known to have been set aside."""
        return {row[0] for row in self._cursor.execute("SELECT file FROM state.set_aside").fetchall()}

    def note_set_aside(self, files: Sequence[str], now_ms: int) -> None:
        """Notes files that were set aside."""
        self._cursor.execute("INSERT INTO state.set_aside SELECT unnest(?), ?", [list(files), now_ms])

    def rewritten_days(self) -> set[int]:
        """Returns the days whose files were rewritten after they were over."""
        return {row[0] for row in self._cursor.execute("SELECT day FROM state.rewritten_days").fetchall()}

    def note_rewritten(self, day: int, now_ms: int) -> None:
        """Notes that a day's files were rewritten."""
        self._cursor.execute("INSERT INTO state.rewritten_days VALUES (?, ?)", [day, now_ms])
