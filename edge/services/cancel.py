"""Cancels what waits for households when the operator stops what made it, and enters it in their log.

What a household cancels itself, by withdrawing, stands in the entry of its withdrawal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.event import Event, EventKind, household_subject

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from edge.clock import Clock
    from edge.services.audit import AuditLog
    from edge.store.actions import Cancelled
    from edge.store.store import Transaction


class Cancellation:
    """Part of the transaction in which the operator's decision is recorded."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    def of_module(
        self, transaction: Transaction, because: EventKind, digest: str, organization: str | None = None
    ) -> None:
        """Cancels what waits of a module: one organization's, or everybody's."""
        self._record(transaction, because, transaction.actions.cancel_of_module(digest, organization))

    def of_organization(self, transaction: Transaction, because: EventKind, organization: str) -> None:
        """Cancels everything of an organization that waits."""
        self._record(transaction, because, transaction.actions.cancel_of_organization(organization))

    def of_triggers(self, transaction: Transaction, because: EventKind, trigger_keys: Collection[str]) -> None:
        """Cancels what waits of triggers, whatever their version."""
        self._record(transaction, because, transaction.actions.cancel_of_triggers(trigger_keys))

    def _record(self, transaction: Transaction, because: EventKind, cancelled: Sequence[Cancelled]) -> None:
        now_ms = self._clock.now_ms()
        events = [
            Event(
                EventKind.ACTIONS_CANCELLED,
                now_ms,
                (household_subject(item.household_id),),
                {"trigger": item.trigger_key, "actions": item.actions, "because": because.value},
            )
            for item in cancelled
        ]
        self._audit.record(transaction, events)
