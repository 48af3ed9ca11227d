"""The audit log's leaves: what was committed to, and for whom it can be opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

# A log of millions of entries is never in memory as so many Python objects.
_ROWS_AT_ONCE = 10_000


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
        self._cursor.execute("SELECT leaf_hash FROM state.audit ORDER BY index")
        parts = []
        while rows := self._cursor.fetchmany(_ROWS_AT_ONCE):
            parts.append(b"".join(row[0] for row in rows))
        return b"".join(parts)

    def of_subject(self, subject: str, from_index: int, until_index: int, limit: int) -> list[Leaf]:
        """Returns the entries that concern a subject, from one index up to, and without, another."""
        found = self._cursor.execute(
            "SELECT DISTINCT index FROM state.audit_subjects WHERE subject = ? AND index >= ? AND index < ?"
            " ORDER BY index LIMIT ?",
            [subject, from_index, until_index, limit],
        ).fetchall()
        indices = [row[0] for row in found]
        if not indices:
            return []
        # Entries lie in the file by index, so that bounds let most of it be passed over.
        rows = self._cursor.execute(
            "SELECT index, leaf_hash, salt, payload FROM state.audit"
            " WHERE index BETWEEN ? AND ? AND index IN (SELECT unnest(?)) ORDER BY index",
            [indices[0], indices[-1], indices],
        ).fetchall()
        return [Leaf(*row) for row in rows]

    def containing(self, *texts: str) -> list[Leaf]:
        """Returns the entries whose payload has each of `texts` in it, by index. It goes through all of the log."""
        conditions = " AND ".join(["contains(decode(payload), ?)"] * len(texts))
        rows = self._cursor.execute(
            f"SELECT index, leaf_hash, salt, payload FROM state.audit WHERE {conditions} ORDER BY index", list(texts)
        ).fetchall()
        return [Leaf(*row) for row in rows]

    def _insert(self, table: str, columns: dict[str, list[object]]) -> None:
        if not next(iter(columns.values())):
            return
        self._cursor.register("incoming", pa.table(columns))
        self._cursor.execute(f"INSERT INTO state.{table} BY NAME SELECT * FROM incoming")
        self._cursor.unregister("incoming")
