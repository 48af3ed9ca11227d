"""Actions on the wire: those in an inbox, and those that are only declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.action import Action, ActionState
from edge_sdk.manifest import Recommendation
from edge_sdk.wire.v1 import household_pb2 as pb

if TYPE_CHECKING:
    from edge_sdk.manifest import Action as DeclaredAction

_STATES = {
    ActionState.WAITING: pb.ACTION_STATE_WAITING,
    ActionState.DELIVERED: pb.ACTION_STATE_DELIVERED,
    ActionState.CANCELLED: pb.ACTION_STATE_CANCELLED,
}


def action_to_wire(action: Action) -> pb.Action:
    """Returns an action as its household sees it."""
    cause = action.cause
    wire = pb.Action(
        cursor=action.cursor,
        action_id=action.action_id,
        name=action.declared.name,
        cause=pb.Cause(
            organization=cause.organization,
            service=cause.service,
            purpose=cause.purpose,
            trigger=cause.trigger,
            module_version=cause.module_version,
            module_digest=cause.module_digest,
            consent_id=cause.consent_id,
            slot_ms=cause.slot_ms,
        ),
        created_ms=action.created_ms,
        expires_ms=action.expires_ms,
        state=_STATES[action.state],
    )
    content_to_wire(action.declared, wire)
    return wire


def content_to_wire(declared: DeclaredAction, wire: pb.Action | pb.OfferedAction) -> None:
    """Writes what an action says or commands into a message that has room for either."""
    if isinstance(declared, Recommendation):
        wire.recommendation.text.update(declared.text)
        return
    command = declared.command
    wire.appliance_command.appliance = declared.appliance
    if command.limit_w is not None:
        wire.appliance_command.limit_w = command.limit_w
    if command.on is not None:
        wire.appliance_command.on = command.on
