"""Shadows: what a version would have done beside the one that acts. Counted for the operator; nothing else follows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind
from edge.domain.shadow import ShadowSlot, compare
from edge.services.control import module_named

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from edge.domain.module import Module
    from edge.services.audit import AuditLog
    from edge.services.conclude import Evaluated
    from edge.store.evaluations import EvaluationRun
    from edge.store.store import Store, Tables, Transaction


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """What a module did as a shadow, slot by slot, newest first."""

    module: Module
    slots: Sequence[ShadowSlot]


class Shadows:
    """Counts what shadows decide, and shows it to the operator."""

    def __init__(self, store: Store, audit: AuditLog) -> None:
        self._store = store
        self._audit = audit

    def conclude(
        self, transaction: Transaction, evaluated: Evaluated, run: EvaluationRun, consenting: Collection[str]
    ) -> None:
        """Notes what a shadow decided for those who consent still, in the transaction that concludes its slot."""
        trigger, slot_ms = evaluated.trigger, evaluated.slot_ms
        declared = trigger.manifest.action
        decided = {
            household: declared[outcome - 1].name if outcome else None
            for household, outcome in zip(evaluated.households, evaluated.outcomes, strict=True)
            if household in consenting
        }
        ran = transaction.evaluations.evaluated_at(trigger.key, slot_ms)
        acted = transaction.actions.made_at(trigger.key, slot_ms) if ran else None
        told = {household: name for household, name in decided.items() if name is not None}
        slot = ShadowSlot(slot_ms, run.evaluations, run.faults, Counter(told.values()), compare(decided, acted))
        transaction.shadows.insert(trigger.organization, trigger.module_digest, slot, told)
        detail: dict[str, object] = {
            "trigger": trigger.run_key,
            "slot_ms": slot_ms,
            "module": trigger.module_digest,
            "inputs": run.input_digest.rpartition(":")[2],
            "evaluations": slot.evaluations,
            "faults": slot.faults,
            "outcomes": dict(slot.actions),
            "compared": slot.comparison.compared,
            "different": slot.comparison.different,
        }
        self._audit.record(transaction, [Event(EventKind.SHADOW_RUN, run.ran_ms, (OPERATOR_SUBJECT,), detail)])

    async def report(self, digest: str, organization: str = "") -> ShadowReport:
        """Returns what a module did as a shadow; no slots where it never was one.

        Raises:
            NotFoundError: no such module, or not of this organization.
            ConflictError: several organizations have uploaded it.
        """

        def work(tables: Tables) -> ShadowReport:
            module = module_named(tables, digest, organization)
            return ShadowReport(module, tables.shadows.slots(module.organization, module.digest))

        return await self._store.read(work)
