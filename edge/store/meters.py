"""Enrolled meters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.meter import Meter, MeterKind

if TYPE_CHECKING:
    import duckdb


class MeterTable:
    """Reads and writes meters through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def get(self, meter_id: str) -> Meter | None:
        """Returns one meter, or None."""
        rows = self._select("WHERE meter_id = ?", [meter_id])
        return rows[0] if rows else None

    def all(self) -> list[Meter]:
        """Returns every meter, by id."""
        return self._select("ORDER BY meter_id", [])

    def of_household(self, household_id: str) -> list[Meter]:
        """Returns every meter that is, or was, a household's own, by id."""
        return self._select("WHERE household_id = ? ORDER BY meter_id", [household_id])

    def page(self, limit: int, after_meter_id: str) -> list[Meter]:
        """Returns at most `limit` meters, by id, that follow one; `after_meter_id` is empty for the first."""
        return self._select("WHERE meter_id > ? ORDER BY meter_id LIMIT ?", [after_meter_id, limit])

    def insert(self, meter: Meter) -> None:
        """Adds a meter that is not there yet."""
        self._cursor.execute(
            "INSERT INTO state.meters VALUES (?, ?, ?, ?, ?)",
            [meter.meter_id, meter.household_id, meter.kind.value, meter.enrolled_ms, meter.retired_ms],
        )

    def update(self, meter: Meter) -> None:
        """Notes since when a meter is retired."""
        self._cursor.execute(
            "UPDATE state.meters SET retired_ms = ? WHERE meter_id = ?", [meter.retired_ms, meter.meter_id]
        )

    def _select(self, tail: str, parameters: list[object]) -> list[Meter]:
        rows = self._cursor.execute(
            f"SELECT meter_id, household_id, kind, enrolled_ms, retired_ms FROM state.meters {tail}",
            parameters,
        ).fetchall()
        return [Meter(row[0], row[1], MeterKind(row[2]), row[3], row[4]) for row in rows]
