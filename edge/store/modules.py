"""Modules as uploaded, their admission reports, approvals, suspensions and revocations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.approval import Approval
from edge.domain.module import Module
from edge_sdk.manifest import parse_canonical_json

if TYPE_CHECKING:
    import duckdb

_SELECT = """
SELECT m.digest, m.organization, m.uploaded_ms, m.report, m.admissible, m.manifest,
       own.payload,
       EXISTS (SELECT 1 FROM state.suspensions s WHERE s.digest = m.digest AND s.organization = m.organization),
       EXISTS (SELECT 1 FROM state.revoked_modules r WHERE r.digest = m.digest),
       coalesce((SELECT max(version) FROM state.approvals a
                 WHERE a.organization = m.organization
                   AND a.trigger = json_extract_string(m.manifest::JSON, '$.trigger.name')), 0)
FROM (SELECT digest, organization, uploaded_ms, report, admissible, decode(manifest) AS manifest FROM state.modules) m
LEFT JOIN (SELECT organization, digest, arg_max(payload, version) AS payload FROM state.approvals GROUP BY 1, 2) own
  ON own.organization = m.organization AND own.digest = m.digest
"""


class ModuleTable:
    """Reads and writes modules through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def get(self, digest: str, organization: str) -> Module | None:
        """Returns one organization's module, or None."""
        rows = self._select("WHERE m.digest = ? AND m.organization = ?", [digest, organization])
        return rows[0] if rows else None

    def with_digest(self, digest: str) -> list[Module]:
        """Returns the module of that digest of every organization that uploaded it."""
        return self._select("WHERE m.digest = ?", [digest])

    def of_organization(self, organization: str) -> list[Module]:
        """Returns an organization's modules, newest first."""
        return self._select("WHERE m.organization = ? ORDER BY m.uploaded_ms DESC, m.digest", [organization])

    def all(self) -> list[Module]:
        """Returns every module, newest first."""
        return self._select("ORDER BY m.uploaded_ms DESC, m.digest", [])

    def wasm(self, digest: str) -> bytes | None:
        """Returns the bytes as uploaded, or None."""
        row = self._cursor.execute(
            "SELECT wasm FROM state.modules WHERE digest = ? ORDER BY octet_length(wasm) DESC LIMIT 1", [digest]
        ).fetchone()
        return row[0] if row else None

    def insert(self, module: Module, wasm: bytes) -> None:
        """Adds an upload."""
        self._cursor.execute(
            "INSERT INTO state.modules VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                module.digest,
                module.organization,
                module.uploaded_ms,
                wasm,
                module.manifest.canonical_json() if module.manifest else None,
                module.report_json,
                module.admissible,
            ],
        )

    def replace(self, module: Module, wasm: bytes) -> None:
        """Notes the report and the bytes of an upload that was examined again."""
        self._cursor.execute(
            "UPDATE state.modules SET report = ?, admissible = ?, wasm = ?, manifest = ?"
            " WHERE digest = ? AND organization = ?",
            [
                module.report_json,
                module.admissible,
                wasm,
                module.manifest.canonical_json() if module.manifest else None,
                module.digest,
                module.organization,
            ],
        )

    def approve(self, approval: Approval, envelope: bytes, accepted_ms: int) -> None:
        """Adds an approval; the module it names takes the place of an earlier one of the same trigger."""
        self._cursor.execute(
            "INSERT INTO state.approvals VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                approval.organization,
                approval.trigger,
                approval.version,
                approval.module_digest,
                approval.canonical_json(),
                envelope,
                accepted_ms,
            ],
        )

    def approval_envelope(self, organization: str, digest: str) -> bytes | None:
        """Returns the newest approval of a module as it was signed, or None."""
        row = self._cursor.execute(
            "SELECT envelope FROM state.approvals WHERE organization = ? AND digest = ? ORDER BY version DESC LIMIT 1",
            [organization, digest],
        ).fetchone()
        return row[0] if row else None

    def suspend(self, digest: str, organization: str) -> None:
        """Marks a module as stopped."""
        self.resume(digest, organization)
        self._cursor.execute("INSERT INTO state.suspensions VALUES (?, ?)", [digest, organization])

    def resume(self, digest: str, organization: str) -> None:
        """Takes the mark away."""
        self._cursor.execute(
            "DELETE FROM state.suspensions WHERE digest = ? AND organization = ?", [digest, organization]
        )

    def revoke(self, digests: tuple[str, ...]) -> None:
        """Marks digests as revoked, for good; those that are already stay so."""
        for digest in digests:
            self._cursor.execute(
                "INSERT INTO state.revoked_modules SELECT ? WHERE NOT EXISTS"
                " (SELECT 1 FROM state.revoked_modules WHERE digest = ?)",
                [digest, digest],
            )

    def _select(self, tail: str, parameters: list[object]) -> list[Module]:
        rows = self._cursor.execute(f"{_SELECT} {tail}", parameters).fetchall()
        return [
            Module(
                digest=digest,
                organization=organization,
                uploaded_ms=uploaded_ms,
                report_json=report,
                admissible=admissible,
                manifest=parse_canonical_json(manifest.encode()) if manifest is not None else None,
                approval=Approval.model_validate_json(approval) if approval is not None else None,
                suspended=suspended,
                revoked=revoked,
                approval_version=approval_version,
            )
            for (
                digest,
                organization,
                uploaded_ms,
                report,
                admissible,
                manifest,
                approval,
                suspended,
                revoked,
                approval_version,
            ) in rows
        ]
