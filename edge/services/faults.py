"""Watches how often modules fault: bad slots in a row cost a module slots, and in the end it is quarantined.

What it knows goes to the operator alone. Whether a module faults depends on households' data, and a module could fault
on purpose to signal; so no answer to an organization may depend on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import structlog

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind
from edge.domain.health import FaultCounts, ModuleHealth, SlotCounts, after_slot
from edge.sandbox.evaluation import FaultCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from edge.clock import Clock
    from edge.domain.module import Module
    from edge.domain.trigger import Trigger
    from edge.metrics import Metrics
    from edge.services.audit import AuditLog
    from edge.services.cancel import Cancellation
    from edge.settings import FaultsSection
    from edge.store.store import Store, Tables, Transaction

_log = structlog.get_logger(__name__)


def counted(codes: NDArray[np.int8]) -> FaultCounts:
    """Returns how often each fault is among the sandbox's codes."""
    counts = np.bincount(codes, minlength=len(FaultCode))
    return FaultCounts(**{code.name.lower(): int(counts[code]) for code in FaultCode if code is not FaultCode.NONE})


def health_of(tables: Tables, trigger: Trigger) -> ModuleHealth:
    """Returns the health of the module that a trigger runs."""
    return tables.health.get(trigger.organization, trigger.module_digest)


class FaultWatch:
    """Notes what each slot came to, in the transaction that concludes it, and decides what follows."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        cancellation: Cancellation,
        settings: FaultsSection,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._audit = audit
        self._cancellation = cancellation
        self._settings = settings
        self._clock = clock
        self._metrics = metrics

    async def health(self, modules: Iterable[Module]) -> list[ModuleHealth]:
        """Returns the health of each of `modules`, in their order. For the operator."""
        known = await self._store.read(lambda tables: tables.health.all())
        return [known.get((module.organization, module.digest), ModuleHealth()) for module in modules]

    def note(self, transaction: Transaction, trigger: Trigger, slot: SlotCounts) -> bool:
        """Counts a slot, and stops the module if that was one bad slot too many; returns whether it may still act."""
        health = after_slot(health_of(transaction, trigger), slot, trigger.manifest.trigger.every_s, self._settings)
        transaction.health.put(trigger.organization, trigger.module_digest, health)
        if not health.quarantined:
            return True
        because = EventKind.MODULE_QUARANTINED
        self._cancellation.of_module(transaction, because, trigger.module_digest, trigger.organization)
        detail: dict[str, object] = {
            "organization": trigger.organization,
            "trigger": trigger.run_key,
            "module": trigger.module_digest,
            "slot_ms": slot.slot_ms,
            "bad_slots": health.bad_slots,
        }
        # Not a subject: the organization.
        self._audit.record(transaction, [Event(because, self._clock.now_ms(), (OPERATOR_SUBJECT,), detail)])
        transaction.after_commit(lambda: self._tell(trigger, health))
        return False

    def _tell(self, trigger: Trigger, health: ModuleHealth) -> None:
        self._metrics.quarantines.labels(trigger.run_key).inc()
        _log.warning("module_quarantined", trigger=trigger.run_key, bad_slots=health.bad_slots)
