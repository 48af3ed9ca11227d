"""An action: a recommendation to a household, or a command to one of its appliances, with its cause."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.domain.trigger import Trigger
    from edge_sdk.manifest import Action as DeclaredAction


class ActionState(StrEnum):
    """Where an action stands on its way to the household."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an action exists: who, by which code, under which consent, when."""

    organization: str
    service: str
    purpose: str
    trigger: str
    module_version: str
    module_digest: str
    consent_id: str
    slot_ms: int


@dataclass(frozen=True, slots=True)
class Action:
    """One outcome for one household, on its way or delivered.

    Attributes:
        cursor: its place in the inbox; ascends, 0 before it is stored.
        action_id: idempotency key; a trigger, slot and household have one action at most.
        declared: as the manifest declares it.
    """

    cursor: int
    action_id: str
    household_id: str
    trigger_key: str
    declared: DeclaredAction
    cause: Cause
    created_ms: int
    expires_ms: int
    state: ActionState


def action_id(trigger_key: str, slot_ms: int, household_id: str) -> str:
    """Returns the idempotency key; the same for every attempt to make the same action."""
    return hashlib.sha256(f"{trigger_key}\n{slot_ms}\n{household_id}".encode()).hexdigest()[:32]


def cause_of(trigger: Trigger, consent_id: str, slot_ms: int) -> Cause:
    """Returns why an action of `trigger` exists."""
    table = trigger.manifest.trigger
    return Cause(
        organization=trigger.organization,
        service=table.service,
        purpose=table.purpose,
        trigger=table.name,
        module_version=table.version,
        module_digest=trigger.module_digest,
        consent_id=consent_id,
        slot_ms=slot_ms,
    )
