"""A module: an organization's code with its manifest, and where it stands."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import rfc8785

if TYPE_CHECKING:
    from edge.domain.approval import Approval
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
    SUSPENDED = "suspended"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that admission found wrong."""

    check: str
    reason: str
    message: str
    advice: str = ""


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
                "findings": [
                    {"check": item.check, "reason": item.reason, "message": item.message, "advice": item.advice}
                    for item in self.findings
                ],
                "facts": self.facts,  # type: ignore[dict-item]
            }
        )

    @property
    def digest(self) -> str:
        """What an approval names."""
        return digest_of(self.canonical_json())


@dataclass(frozen=True, slots=True)
class Module:
    """What the edge knows of one upload.

    Attributes:
        manifest: None where admission could not read one.
        approval: the newest approval of this digest, if any.
        approval_version: of the newest approval of this organization's trigger of that name, whatever its digest; 0 if
            none.
    """

    digest: str
    organization: str
    uploaded_ms: int
    report_json: bytes
    admissible: bool
    manifest: Manifest | None
    approval: Approval | None
    suspended: bool
    revoked: bool
    approval_version: int

    @property
    def name(self) -> str:
        """The trigger's name, or nothing where there is no manifest."""
        return self.manifest.trigger.name if self.manifest else ""

    @property
    def version(self) -> str:
        """The trigger's version, or nothing where there is no manifest."""
        return self.manifest.trigger.version if self.manifest else ""

    def holds_leak_budget(self, now_ms: int) -> bool:
        """Whether it runs, or may come to run without a further approval: suspended, or not valid yet."""
        return (
            self.approval is not None
            and self.approval.version == self.approval_version
            and now_ms < self.approval.not_after_ms
            and not self.revoked
        )

    def state(self, now_ms: int) -> ModuleState:
        """Where it stands now."""
        if self.revoked:
            return ModuleState.REVOKED
        if not self.admissible:
            return ModuleState.REFUSED
        if self.approval is not None and self.approval.version < self.approval_version:
            return ModuleState.SUPERSEDED
        if self.approval is None or now_ms < self.approval.not_before_ms:
            return ModuleState.PENDING
        if not self.approval.is_valid_at(now_ms):
            return ModuleState.EXPIRED
        return ModuleState.SUSPENDED if self.suspended else ModuleState.ACTIVE
