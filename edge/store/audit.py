"""The audit log's leaves: what was committed to, and for whom it can be opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry as stored."""

    index: int
    leaf_hash: bytes
    salt: bytes
    payload: bytes
    subjects: tuple[str, ...] = ()


class AuditTable:
    """Reads and appends leaves through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self.appended = 0
        """How many leaves this transaction has added so far."""

    def append(self, leaves: Sequence[Leaf]) -> None:
        """Adds leaves, whose indices go on from the last."""
        self.appended += len(leaves)
        self._insert(
            "audit",
            {
                "index": [leaf.index for leaf in leaves],
                "leaf_hash": [leaf.leaf_hash for leaf in leaves],
                "salt": [leaf.salt for leaf in leaves],
                "payload": [leaf.payload for leaf in leaves],
            },
        )
        pairs = [(subject, leaf.index) for leaf in leaves for subject in leaf.subjects]
        self._insert("audit_subjects", {"subject": [pair[0] for pair in pairs], "index": [pair[1] for pair in pairs]})

    def leaf_hashes(self) -> bytes:
        """Returns every leaf hash, in order, one after the other."""
        rows = self._cursor.execute("SELECT leaf_hash FROM state.audit ORDER BY index").fetchall()
        return b"".join(row[0] for row in rows)

    def of_subject(self, subject: str, from_index: int, limit: int) -> list[Leaf]:
        """Returns the entries that concern a subject, from an index on."""
        rows = self._cursor.execute(
            "SELECT index, leaf_hash, salt, payload FROM state.audit"
            " WHERE index IN (SELECT index FROM state.audit_subjects WHERE subject = ? AND index >= ?)"
            " ORDER BY index LIMIT ?",
            [subject, from_index, limit],
        ).fetchall()
        return [Leaf(*row) for row in rows]

    def count_of_kind(self, kind: str) -> int:
        """Returns how many entries record an event of this kind."""
        row = self._cursor.execute(
            "SELECT count(*) FROM state.audit WHERE json_extract_string(decode(payload), '$.kind') = ?", [kind]
        ).fetchone()
        return row[0] if row else 0

    def _insert(self, table: str, columns: dict[str, list[object]]) -> None:
        if not next(iter(columns.values())):
            return
        self._cursor.register("incoming", pa.table(columns))
        self._cursor.execute(f"INSERT INTO state.{table} BY NAME SELECT * FROM incoming")
        self._cursor.unregister("incoming")
