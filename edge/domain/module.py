"""A module: an organization's code with its manifest, and where it stands."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import rfc8785

from edge.domain.approval import Mode

if TYPE_CHECKING:
    from edge.domain.approval import Approval
    from edge.domain.health import ModuleHealth
    from edge_sdk.manifest import Manifest


def digest_of(content: bytes) -> str:
    """Returns `sha256:` and the hexadecimal digest."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


class ModuleState(StrEnum):
    """Where a module stands."""

    PENDING = "pending"
    """Not approved, or approved for a time that has not begun."""
    REFUSED = "refused"
    ACTIVE = "active"
    SHADOW = "shadow"
    """Approved to run beside the active version; nothing of it leaves."""
    QUARANTINED = "quarantined"
    """Approved, and stopped because it keeps faulting. To everybody but the operator it is active, or a shadow."""
    SUSPENDED = "suspended"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    EXPIRED = "expired"


RUNNING = (ModuleState.ACTIVE, ModuleState.SHADOW)
"""States in which a module is evaluated at its slots, unless it sits out or is quarantined."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why a module is not admissible.

    Attributes:
        check: which check found it: `size`, `structure`, `imports`, `manifest`, `tier`, `compile` or `dry_run`.
        reason: for a program, one word of the error catalogue.
        message: what is wrong and where, for a person; safe to show whatever the module contains, and bounded.
        advice: what to change.
    """

    check: str
    reason: str
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What there is to say of an admission report without reading it.

    Attributes:
        digest: over the report's bytes; what an approval names.
        findings_count: how much stands against the module; 0 if it is admissible.
        first_reason: of the first finding; empty if there is none.
    """

    digest: str
    findings_count: int
    first_reason: str

    @property
    def admissible(self) -> bool:
        """Whether nothing stands against the module."""
        return self.findings_count == 0


@dataclass(frozen=True, slots=True)
class AdmissionReport:
    """What the edge found when it admitted a module; the operator signs over its digest.

    Attributes:
        facts: what was measured and read, JSON-like: structure, compile cost, dry run, leak bound.
    """

    module_digest: str
    findings: tuple[Finding, ...]
    facts: dict[str, object]

    @property
    def admissible(self) -> bool:
        """Whether nothing stands against it."""
        return not self.findings

    def canonical_json(self) -> bytes:
        """The bytes that `digest` is over (RFC 8785)."""
        return rfc8785.dumps(
            {
                "module_digest": self.module_digest,
                "admissible": self.admissible,
                "findings": [asdict(item) for item in self.findings],
                "facts": self.facts,  # type: ignore[dict-item]
            }
        )

    def summary(self) -> ReportSummary:
        """What is kept beside the report."""
        first_reason = self.findings[0].reason if self.findings else ""
        return ReportSummary(digest_of(self.canonical_json()), len(self.findings), first_reason)


@dataclass(frozen=True, slots=True)
class Module:
    """What the edge knows of one upload, but for its bytes and its report, which may be long.

    Attributes:
        manifest: None where admission could not read one, or this release cannot.
        approval: the newest approval of this digest, if any.
        approval_version: of the newest approval of this organization's trigger of that name, whatever its digest; 0 if
            none.
        organization_suspended: whether everything of its organization is stopped.
        superseded_from_ms: since when a newer approval, of the same organization, trigger and mode, takes the place of
            its own; None if there is none.
    """

    digest: str
    organization: str
    uploaded_ms: int
    report: ReportSummary
    manifest: Manifest | None
    approval: Approval | None
    suspended: bool
    revoked: bool
    approval_version: int
    organization_suspended: bool = False
    superseded_from_ms: int | None = None

    @property
    def name(self) -> str:
        """The trigger's name, or nothing where there is no manifest."""
        return self.manifest.trigger.name if self.manifest else ""

    @property
    def version(self) -> str:
        """The trigger's version, or nothing where there is no manifest."""
        return self.manifest.trigger.version if self.manifest else ""

    @property
    def shadow(self) -> bool:
        """Whether it is approved to run as a shadow only."""
        return self.approval is not None and self.approval.mode is Mode.SHADOW

    def holds_leak_budget(self, now_ms: int) -> bool:
        """Whether it acts, or may come to act without a further approval: suspended, or not valid yet."""
        return (
            self.approval is not None
            and not self.shadow
            and not self._superseded(now_ms)
            and now_ms < self.approval.not_after_ms
            and not self.revoked
        )

    def state(self, now_ms: int) -> ModuleState:
        """Where it stands now by what was decided about it, which is what everybody may know."""
        if self.revoked:
            return ModuleState.REVOKED
        if not self.report.admissible:
            return ModuleState.REFUSED
        return self._approved_state(now_ms)

    def state_for_operator(self, now_ms: int, health: ModuleHealth) -> ModuleState:
        """Where it stands now, as only the operator may know: that it is quarantined depends on households' data."""
        state = self.state(now_ms)
        return ModuleState.QUARANTINED if health.quarantined and state in RUNNING else state

    def _approved_state(self, now_ms: int) -> ModuleState:
        if self._superseded(now_ms):
            return ModuleState.SUPERSEDED
        if self.approval is None or now_ms < self.approval.not_before_ms:
            return ModuleState.PENDING
        if not self.approval.is_valid_at(now_ms):
            return ModuleState.EXPIRED
        if self.suspended or self.organization_suspended:
            return ModuleState.SUSPENDED
        return ModuleState.SHADOW if self.shadow else ModuleState.ACTIVE

    def _superseded(self, now_ms: int) -> bool:
        return self.superseded_from_ms is not None and now_ms >= self.superseded_from_ms
