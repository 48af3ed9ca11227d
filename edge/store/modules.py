"""Modules as uploaded, their admission reports, approvals, suspensions and revocations."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from edge.domain.approval import Approval
from edge.domain.module import Module, ReportSummary
from edge_sdk.errors import ManifestError
from edge_sdk.manifest import Manifest, parse_canonical_json

if TYPE_CHECKING:
    import duckdb

_log = structlog.get_logger(__name__)

# An approval that was replaced, for the same module, before it began has never taken another's place.
# Reports stay where they are: one may have many kilobytes, and these rows are read every minute.
_SELECT = """
WITH own AS (SELECT organization, digest, max(version) AS version, arg_max(payload, version) AS payload,
                    arg_max(trigger, version) AS trigger, arg_max(mode, version) AS mode
             FROM state.approvals GROUP BY organization, digest),
     newest AS (SELECT organization, trigger, max(version) AS version FROM state.approvals GROUP BY ALL),
     superseded AS (SELECT own.organization, own.digest, min(newer.not_before_ms) AS from_ms
                    FROM own JOIN state.approvals newer USING (organization, trigger, mode)
                    WHERE newer.version > own.version AND NOT EXISTS
                        (SELECT 1 FROM state.approvals later
                         WHERE later.organization = newer.organization AND later.digest = newer.digest
                         AND later.mode = newer.mode AND later.version > newer.version
                         AND later.accepted_ms < newer.not_before_ms)
                    GROUP BY ALL),
     revoked AS (SELECT DISTINCT digest FROM state.revoked_modules)
SELECT m.digest, m.organization, m.uploaded_ms, m.report_digest, m.findings_count, m.first_reason, m.manifest,
       own.payload,
       EXISTS (SELECT 1 FROM state.suspensions s WHERE s.digest = m.digest AND s.organization = m.organization),
       revoked.digest IS NOT NULL,
       coalesce(newest.version, 0),
       EXISTS (SELECT 1 FROM state.organization_suspensions s WHERE s.organization = m.organization),
       superseded.from_ms
FROM state.modules m
LEFT JOIN own ON own.organization = m.organization AND own.digest = m.digest
LEFT JOIN newest ON newest.organization = m.organization AND newest.trigger = m.trigger
LEFT JOIN superseded ON superseded.organization = m.organization AND superseded.digest = m.digest
LEFT JOIN revoked ON revoked.digest = m.digest
"""
_NEWEST_FIRST = "ORDER BY m.uploaded_ms DESC, m.digest, m.organization"


class ModuleTable:
    """Reads and writes modules through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def get(self, digest: str, organization: str) -> Module | None:
        """Returns one organization's module, or None."""
        rows = self._select("WHERE m.digest = ? AND m.organization = ?", [digest, organization])
        return rows[0] if rows else None

    def with_digest(self, digest: str) -> list[Module]:
        """Returns the module of that digest of every organization that uploaded it, by the organizations' names."""
        return self._select("WHERE m.digest = ? ORDER BY m.organization", [digest])

    def page(
        self, limit: int, *, organization: str | None = None, after: tuple[int, str, str] | None = None
    ) -> list[Module]:
        """Returns at most `limit` modules, newest first.

        Args:
            limit: how many.
            organization: whose; everybody's if None.
            after: upload time, digest and organization of the last module of the page before.
        """
        conditions, parameters = ["true"], list[object]()
        if organization is not None:
            conditions.append("m.organization = ?")
            parameters.append(organization)
        if after is not None:
            conditions.append("(-m.uploaded_ms, m.digest, m.organization) > (?, ?, ?)")
            uploaded_ms, *names = after
            parameters += [-uploaded_ms, *names]
        return self._select(f"WHERE {' AND '.join(conditions)} {_NEWEST_FIRST} LIMIT ?", [*parameters, limit])

    def approved(self, now_ms: int) -> list[Module]:
        """Returns the modules whose approval stands, newest first: neither revoked nor replaced by a newer version.

        Of these some may be suspended, expired or not valid yet; no other module is active or can come to be without
        a further signature.
        """
        rows = self._select(
            f"WHERE coalesce(superseded.from_ms > ?, true) AND revoked.digest IS NULL {_NEWEST_FIRST}", [now_ms]
        )
        return [module for module in rows if module.approval is not None]

    def count(self, organization: str) -> int:
        """Returns how many modules an organization has here."""
        row = self._cursor.execute(
            "SELECT count(*) FROM state.modules WHERE organization = ?", [organization]
        ).fetchone()
        return row[0] if row else 0

    def report(self, digest: str, organization: str) -> bytes | None:
        """Returns the admission report of one organization's module, canonical JSON, or None."""
        row = self._cursor.execute(
            "SELECT report FROM state.modules WHERE digest = ? AND organization = ?", [digest, organization]
        ).fetchone()
        return row[0] if row else None

    def wasm(self, digest: str) -> bytes | None:
        """Returns the bytes as uploaded, or None."""
        row = self._cursor.execute(
            "SELECT wasm FROM state.modules WHERE digest = ? ORDER BY octet_length(wasm) DESC LIMIT 1", [digest]
        ).fetchone()
        return row[0] if row else None

    def insert(self, module: Module, report_json: bytes, wasm: bytes) -> None:
        """Adds an upload."""
        self._cursor.execute(
            "INSERT INTO state.modules BY NAME SELECT ? AS digest, ? AS organization, ? AS uploaded_ms, ? AS wasm,"
            " ? AS trigger, ? AS manifest, ? AS report, ? AS report_digest, ? AS findings_count, ? AS first_reason",
            [module.digest, module.organization, module.uploaded_ms, wasm, *_examined(module, report_json)],
        )

    def replace(self, module: Module, report_json: bytes, wasm: bytes) -> None:
        """Notes the report and the bytes of an upload that was examined again."""
        self._cursor.execute(
            "UPDATE state.modules SET wasm = ?, trigger = ?, manifest = ?, report = ?, report_digest = ?,"
            " findings_count = ?, first_reason = ? WHERE digest = ? AND organization = ?",
            [wasm, *_examined(module, report_json), module.digest, module.organization],
        )

    def approve(self, approval: Approval, envelope: bytes, accepted_ms: int) -> None:
        """Adds an approval; once it begins, its module takes the place of an earlier one of its trigger and mode."""
        self._cursor.execute(
            "INSERT INTO state.approvals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                approval.organization,
                approval.trigger,
                approval.version,
                approval.module_digest,
                approval.canonical_json(),
                envelope,
                accepted_ms,
                approval.mode.value,
                approval.not_before_ms,
            ],
        )

    def approval_envelope(self, organization: str, digest: str) -> bytes | None:
        """Returns the newest approval of a module as it was signed, or None."""
        row = self._cursor.execute(
            "SELECT envelope FROM state.approvals WHERE organization = ? AND digest = ? ORDER BY version DESC LIMIT 1",
            [organization, digest],
        ).fetchone()
        return row[0] if row else None

    def approval_envelopes(self, organization: str, trigger: str, limit: int) -> list[bytes]:
        """Returns the approvals of an organization's trigger as they were signed, newest first."""
        rows = self._cursor.execute(
            "SELECT envelope FROM state.approvals WHERE organization = ? AND trigger = ? ORDER BY version DESC LIMIT ?",
            [organization, trigger, limit],
        ).fetchall()
        return [row[0] for row in rows]

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
        return [_module(row) for row in self._cursor.execute(f"{_SELECT} {tail}", parameters).fetchall()]


def _examined(module: Module, report_json: bytes) -> list[object]:
    """Returns what an examination decides of a row: trigger, manifest, report and its summary."""
    manifest = module.manifest.canonical_json() if module.manifest else None
    report = module.report
    return [module.name or None, manifest, report_json, report.digest, report.findings_count, report.first_reason]


def _module(row: tuple[Any, ...]) -> Module:
    digest, organization, uploaded_ms, *report, manifest_json, approval_json = row[:8]
    suspended, revoked, approval_version, organization_suspended, superseded_from_ms = row[8:]
    manifest, approval = _parsed(digest, organization, manifest_json, approval_json)
    return Module(
        digest=digest,
        organization=organization,
        uploaded_ms=uploaded_ms,
        report=ReportSummary(*report),
        manifest=manifest,
        approval=approval,
        suspended=suspended,
        revoked=revoked,
        approval_version=approval_version,
        organization_suspended=organization_suspended,
        superseded_from_ms=superseded_from_ms,
    )


# These rows are read again and again, and what they hold does not change: parsing takes longer than reading.
@lru_cache(maxsize=1_024)
def _parsed(
    digest: str, organization: str, manifest_json: bytes | None, approval_json: bytes | None
) -> tuple[Manifest | None, Approval | None]:
    """Returns both, or neither where this release cannot read one: such a module does not run, and the others do."""
    try:
        return (
            None if manifest_json is None else parse_canonical_json(manifest_json),
            None if approval_json is None else Approval.model_validate_json(approval_json),
        )
    except (ManifestError, ValidationError) as error:
        _log.error("stored_module_unreadable", module=digest, organization=organization, error=type(error).__name__)
        return None, None
