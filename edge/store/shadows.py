"""What shadows would have done, slot by slot, and how often they would have acted in a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from edge.domain.shadow import Comparison, ShadowSlot
from edge.domain.slot import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Collection

    import duckdb


class ShadowTable:
    """Reads and writes shadows' slots through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def insert(self, organization: str, digest: str, slot: ShadowSlot, households: Collection[str]) -> None:
        """Notes a slot, and the households that an action would have gone to; forgets those of days before."""
        self._cursor.execute(
            "INSERT INTO state.shadow_slots VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                organization,
                digest,
                slot.slot_ms,
                slot.evaluations,
                slot.faults,
                [{"name": name, "actions": actions} for name, actions in sorted(slot.actions.items())],
                slot.comparison.compared,
                slot.comparison.different,
            ],
        )
        self._cursor.execute(
            "DELETE FROM state.shadow_actions WHERE organization = ? AND digest = ? AND slot_ms < ?",
            [organization, digest, slot.slot_ms // DAY_MS * DAY_MS],
        )
        self._cursor.register("told", pa.table({"household_id": pa.array(sorted(households), pa.string())}))
        self._cursor.execute(
            "INSERT INTO state.shadow_actions SELECT ?, ?, household_id, ? FROM told",
            [organization, digest, slot.slot_ms],
        )
        self._cursor.unregister("told")

    def count_by_household(self, organization: str, digest: str, day: int) -> dict[str, int]:
        """Returns how many actions a shadow would have made per household at the slots of a UTC day."""
        rows = self._cursor.execute(
            "SELECT household_id, count(*) FROM state.shadow_actions WHERE organization = ? AND digest = ?"
            " AND slot_ms >= ? AND slot_ms < ? GROUP BY household_id",
            [organization, digest, day * DAY_MS, (day + 1) * DAY_MS],
        ).fetchall()
        return dict(rows)

    def slots(self, organization: str, digest: str) -> list[ShadowSlot]:
        """Returns every slot that a module ran at as a shadow, newest first."""
        rows = self._cursor.execute(
            "SELECT slot_ms, evaluations, faults, actions, compared, different FROM state.shadow_slots"
            " WHERE organization = ? AND digest = ? ORDER BY slot_ms DESC",
            [organization, digest],
        ).fetchall()
        return [
            ShadowSlot(slot_ms, evaluations, faults, _counts(actions), Comparison(compared, different))
            for slot_ms, evaluations, faults, actions, compared, different in rows
        ]


def _counts(actions: list[dict[str, int | str]]) -> dict[str, int]:
    return {str(item["name"]): int(item["actions"]) for item in actions}
