"""What the audit log records."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import rfc8785


class EventKind(StrEnum):
    """Everything that leaves a trace."""

    METER_ENROLLED = "meter_enrolled"
    METER_RETIRED = "meter_retired"
    MODULE_UPLOADED = "module_uploaded"
    POLICY_ACCEPTED = "policy_accepted"
    APPROVAL_ACCEPTED = "approval_accepted"
    REVOCATIONS_ACCEPTED = "revocations_accepted"
    MODULE_SUSPENDED = "module_suspended"
    MODULE_RESUMED = "module_resumed"
    CONSENT_GRANTED = "consent_granted"
    CONSENT_REFUSED = "consent_refused"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    EVALUATION_RUN = "evaluation_run"
    SLOTS_MISSED = "slots_missed"
    SLOTS_SAT_OUT = "slots_sat_out"
    SHADOW_RUN = "shadow_run"
    MODULE_QUARANTINED = "module_quarantined"
    ORGANIZATION_SUSPENDED = "organization_suspended"
    ORGANIZATION_RESUMED = "organization_resumed"
    ACTION_CREATED = "action_created"
    ACTIONS_CANCELLED = "actions_cancelled"
    RELEASE = "release"
    READINGS_READ = "readings_read"
    READINGS_REMOVED = "readings_removed"
    ROLLUPS_REMOVED = "rollups_removed"
    FILES_SET_ASIDE = "files_set_aside"
    READINGS_EXPORTED = "readings_exported"
    BACKUP_MADE = "backup_made"
    BACKUP_RESTORED = "backup_restored"


OPERATOR_SUBJECT = "operator"


def household_subject(household_id: str) -> str:
    """Names a household as the subject of an event."""
    return f"household/{household_id}"


def organization_subject(organization: str) -> str:
    """Names an organization as the subject of an event."""
    return f"organization/{organization}"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the audit log.

    Attributes:
        subjects: whom it concerns: they, and no one else, are shown it opened.
        detail: JSON-like; never a reading.
    """

    kind: EventKind
    time_ms: int
    subjects: tuple[str, ...]
    detail: dict[str, object] = field(default_factory=dict)

    def canonical_json(self) -> bytes:
        """The bytes that are committed to (RFC 8785)."""
        return rfc8785.dumps(
            {
                "kind": self.kind.value,
                "time_ms": self.time_ms,
                "subjects": list(self.subjects),
                "detail": self.detail,  # type: ignore[dict-item]
            }
        )
