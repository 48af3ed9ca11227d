"""Documents that the operator signed and the edge accepted, as they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


class DocumentTable:
    """Keeps every accepted policy and list of revocations; approvals are kept with the modules."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def newest(self, kind: str) -> bytes | None:
        """Returns the envelope of the newest document of a kind, or None."""
        row = self._cursor.execute(
            "SELECT envelope FROM state.documents WHERE kind = ? ORDER BY version DESC LIMIT 1", [kind]
        ).fetchone()
        return row[0] if row else None

    def insert(self, kind: str, version: int, envelope: bytes, accepted_ms: int) -> None:
        """Adds a document."""
        self._cursor.execute("INSERT INTO state.documents VALUES (?, ?, ?, ?)", [kind, version, envelope, accepted_ms])
