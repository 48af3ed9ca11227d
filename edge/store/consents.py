"""What households decided."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edge.domain.consent import Consent, ConsentState, SeriesTerms, Terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

_COLUMNS = (
    "consent_id, household_id, organization, service, purpose, series, action_kinds, decided, decided_ms, expires_ms,"
    " ended_ms"
)


class ConsentTable:
    """Reads and writes consents through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def get(self, household_id: str, consent_id: str) -> Consent | None:
        """Returns one consent of a household, or None."""
        rows = self._select("WHERE household_id = ? AND consent_id = ?", [household_id, consent_id])
        return rows[0] if rows else None

    def of_household(self, household_id: str) -> list[Consent]:
        """Returns all a household ever decided, newest first."""
        return self._select("WHERE household_id = ? ORDER BY decided_ms DESC, consent_id", [household_id])

    def in_force_of(
        self, identity: tuple[str, str, str], now_ms: int, households: Sequence[str] | None = None
    ) -> list[tuple[Terms, list[tuple[str, str]]]]:
        """Returns who consents now to what an organization's service does for a purpose.

        Thousands of households agree to the same terms, so they are told apart by the terms they agreed to.

        Args:
            identity: that of the terms: organization, service, purpose.
            now_ms: unix ms UTC.
            households: whom to ask about; everybody if left out.

        Returns:
            For each terms, household and consent of whoever agreed to them.
        """
        rows = self._cursor.execute(
            "SELECT series, action_kinds, list(household_id), list(consent_id) FROM state.consents"
            " WHERE organization = ? AND service = ? AND purpose = ? AND decided = ? AND expires_ms > ?"
            " AND (? IS NULL OR household_id IN (SELECT unnest(?::VARCHAR[]))) GROUP BY series, action_kinds",
            [*identity, ConsentState.GRANTED.value, now_ms, *[households and list(households)] * 2],
        ).fetchall()
        return [(_terms(identity, row[0], row[1]), list(zip(row[2], row[3], strict=True))) for row in rows]

    def in_force(self, now_ms: int) -> int:
        """Returns how many consents are in force."""
        row = self._cursor.execute(
            "SELECT count(*) FROM state.consents WHERE decided = ? AND expires_ms > ?",
            [ConsentState.GRANTED.value, now_ms],
        ).fetchone()
        return row[0] if row else 0

    def insert(self, consent: Consent) -> None:
        """Adds a decision."""
        terms = consent.terms
        self._cursor.execute(
            f"INSERT INTO state.consents ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                consent.consent_id,
                consent.household_id,
                terms.organization,
                terms.service,
                terms.purpose,
                [asdict(item) for item in sorted(terms.series, key=lambda item: item.name)],
                sorted(terms.action_kinds),
                consent.decided.value,
                consent.decided_ms,
                consent.expires_ms,
                consent.ended_ms,
            ],
        )

    def update(self, consent: Consent) -> None:
        """Notes what became of a consent."""
        self._cursor.execute(
            "UPDATE state.consents SET decided = ?, ended_ms = ? WHERE consent_id = ?",
            [consent.decided.value, consent.ended_ms, consent.consent_id],
        )

    def _select(self, tail: str, parameters: list[object]) -> list[Consent]:
        rows = self._cursor.execute(
            f"SELECT {_COLUMNS} FROM state.consents {tail}",
            parameters,
        ).fetchall()
        return [
            Consent(
                consent_id=row[0],
                household_id=row[1],
                terms=_terms((row[2], row[3], row[4]), row[5], row[6]),
                decided=ConsentState(row[7]),
                decided_ms=row[8],
                expires_ms=row[9],
                ended_ms=row[10],
            )
            for row in rows
        ]


def _terms(identity: tuple[str, str, str], series: list[dict[str, Any]], action_kinds: list[str]) -> Terms:
    return Terms(*identity, frozenset(SeriesTerms(**item) for item in series), frozenset(action_kinds))
