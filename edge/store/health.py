"""Health of modules: faults counted, bad slots in a row, quarantine."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from edge.domain.health import FaultCounts, ModuleHealth, SlotCounts

if TYPE_CHECKING:
    import duckdb

_COLUMNS = (
    "evaluations, faults, slot_ms, slot_evaluations, slot_faults, last_fault_slot_ms, bad_slots, runs_again_ms,"
    " quarantined_ms"
)


class HealthTable:
    """Reads and writes health through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def get(self, organization: str, digest: str) -> ModuleHealth:
        """Returns the health of one organization's module; that of one that never ran is blank."""
        row = self._cursor.execute(
            f"SELECT {_COLUMNS} FROM state.module_health WHERE organization = ? AND digest = ?", [organization, digest]
        ).fetchone()
        return _health(row) if row else ModuleHealth()

    def all(self) -> dict[tuple[str, str], ModuleHealth]:
        """Returns the health of every module that ever ran, by organization and digest."""
        rows = self._cursor.execute(f"SELECT organization, digest, {_COLUMNS} FROM state.module_health").fetchall()
        return {(organization, digest): _health(row) for organization, digest, *row in rows}

    def quarantined(self) -> frozenset[tuple[str, str]]:
        """Returns organization and digest of every module that is quarantined."""
        return frozenset(
            self._cursor.execute(
                "SELECT organization, digest FROM state.module_health WHERE quarantined_ms IS NOT NULL"
            ).fetchall()
        )

    def put(self, organization: str, digest: str, health: ModuleHealth) -> None:
        """Notes a module's health in place of what was noted before."""
        self._cursor.execute(
            "DELETE FROM state.module_health WHERE organization = ? AND digest = ?", [organization, digest]
        )
        last = health.last
        self._cursor.execute(
            "INSERT INTO state.module_health VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                organization,
                digest,
                health.evaluations,
                list(astuple(health.faults)),
                last and last.slot_ms,
                last and last.evaluations,
                last and list(astuple(last.faults)),
                health.last_fault_slot_ms,
                health.bad_slots,
                health.runs_again_ms,
                health.quarantined_ms,
            ],
        )


def _health(row: Any) -> ModuleHealth:
    evaluations, faults, slot_ms, slot_evaluations, slot_faults, *rest = row
    last = None if slot_ms is None else SlotCounts(slot_ms, slot_evaluations, FaultCounts(*slot_faults))
    return ModuleHealth(evaluations, FaultCounts(*faults), last, *rest)
