"""Organizations whose everything the operator has stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Suspension:
    """The operator's decision to stop an organization."""

    reason: str
    suspended_ms: int


class OrganizationTable:
    """Reads and writes suspensions of organizations through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def suspended(self) -> dict[str, Suspension]:
        """Returns the suspension of each organization that is stopped, by its name."""
        rows = self._cursor.execute(
            "SELECT organization, reason, suspended_ms FROM state.organization_suspensions"
        ).fetchall()
        return {organization: Suspension(reason, suspended_ms) for organization, reason, suspended_ms in rows}

    def suspend(self, organization: str, suspension: Suspension) -> None:
        """Marks an organization as stopped."""
        self.resume(organization)
        self._cursor.execute(
            "INSERT INTO state.organization_suspensions VALUES (?, ?, ?)",
            [organization, suspension.reason, suspension.suspended_ms],
        )

    def resume(self, organization: str) -> None:
        """Takes the mark away."""
        self._cursor.execute("DELETE FROM state.organization_suspensions WHERE organization = ?", [organization])
