"""Writes down what an evaluation came to: the run, the actions, and their entries in the log, all or none.

It runs in the transaction, where it asks again what may have changed since the evaluation began: whoever withdrew, and
whatever was stopped or is no longer permitted, counts as it is now.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.domain.action import Action, ActionState, action_id, cause_of
from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind, household_subject
from edge.domain.health import SlotCounts
from edge.services.triggers import consenting, running_triggers
from edge.store.evaluations import EvaluationRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.clock import Clock
    from edge.domain.health import FaultCounts
    from edge.domain.trigger import Trigger
    from edge.services.audit import AuditLog
    from edge.services.documents import Documents
    from edge.services.faults import FaultWatch
    from edge.services.shadow import Shadows
    from edge.settings import ActionsSection
    from edge.store.store import Transaction


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What evaluating one trigger at one slot gave.

    Attributes:
        outcomes: of each of `households`, 0 or the number of a declared action.
        evaluations: how many there were: one for all households in scope neighbourhood.
        input_digest: see `salted_digest` in `edge.services.evaluate`.
    """

    trigger: Trigger
    slot_ms: int
    households: tuple[str, ...]
    outcomes: Sequence[int]
    evaluations: int
    faults: FaultCounts
    input_digest: str


class Conclusion:
    """Turns outcomes into actions."""

    def __init__(
        self,
        audit: AuditLog,
        documents: Documents,
        watch: FaultWatch,
        shadows: Shadows,
        settings: ActionsSection,
        clock: Clock,
    ) -> None:
        self._audit = audit
        self._documents = documents
        self._watch = watch
        self._shadows = shadows
        self._settings = settings
        self._clock = clock

    def write(self, transaction: Transaction, evaluated: Evaluated) -> list[str]:
        """Writes it all and returns which households have an action now."""
        now_ms = self._clock.now_ms()
        trigger = evaluated.trigger
        counts = SlotCounts(evaluated.slot_ms, evaluated.evaluations, evaluated.faults)
        healthy = self._watch.note(transaction, trigger, counts)
        runs = healthy and trigger in self._documents.permitted(running_triggers(transaction, now_ms))
        acting = [name for name, outcome in zip(evaluated.households, evaluated.outcomes, strict=True) if outcome]
        # A shadow is compared also over those for whom it would do nothing.
        asked = None if trigger.shadow else acting
        still = consenting(transaction, trigger, now_ms, asked) if runs else {}
        actions = [
            self._action(evaluated, household, still[household], outcome, now_ms)
            for household, outcome in zip(evaluated.households, evaluated.outcomes, strict=True)
            if outcome and household in still and not trigger.shadow
        ]
        run = EvaluationRun(
            trigger_key=trigger.run_key,
            slot_ms=evaluated.slot_ms,
            module_digest=trigger.module_digest,
            evaluations=evaluated.evaluations,
            faults=evaluated.faults.total,
            actions=len(actions),
            input_digest=evaluated.input_digest,
            ran_ms=now_ms,
        )
        transaction.evaluations.insert(run)
        if trigger.shadow:
            self._shadows.conclude(transaction, evaluated, run, still)
            return []
        if actions:
            transaction.actions.insert(actions)
        self._audit.record(transaction, [_run_event(run, actions), *(_action_event(action) for action in actions)])
        return [action.household_id for action in actions]

    def write_left_out(self, transaction: Transaction, trigger: Trigger, slots: Sequence[int], why: EventKind) -> None:
        """Notes that a trigger was not evaluated at `slots`, ascending, and will not be."""
        detail: dict[str, object] = {
            "trigger": trigger.run_key,
            "module": trigger.module_digest,
            "first_slot_ms": slots[0],
            "last_slot_ms": slots[-1],
            "slots": len(slots),
        }
        event = Event(why, self._clock.now_ms(), (OPERATOR_SUBJECT,), detail)
        run = EvaluationRun(trigger.run_key, slots[-1], trigger.module_digest, 0, 0, 0, "", event.time_ms, slots[0])
        transaction.evaluations.insert(run)
        self._audit.record(transaction, [event])

    def _action(self, evaluated: Evaluated, household_id: str, consent_id: str, outcome: int, now_ms: int) -> Action:
        trigger, slot_ms = evaluated.trigger, evaluated.slot_ms
        return Action(
            cursor=0,
            action_id=action_id(trigger.key, slot_ms, household_id),
            household_id=household_id,
            trigger_key=trigger.key,
            declared=trigger.manifest.action[outcome - 1],
            cause=cause_of(trigger, consent_id, slot_ms),
            created_ms=now_ms,
            expires_ms=slot_ms + self._settings.valid_s * 1000,
            state=ActionState.WAITING,
        )


def _run_event(run: EvaluationRun, actions: Sequence[Action]) -> Event:
    counts = Counter(action.declared.name for action in actions)
    detail: dict[str, object] = {
        "trigger": run.trigger_key,
        "slot_ms": run.slot_ms,
        "module": run.module_digest,
        # The salt stays out: most inputs hold so little that an unsalted digest could be guessed.
        "inputs": run.input_digest.rpartition(":")[2],
        "evaluations": run.evaluations,
        "faults": run.faults,
        "outcomes": dict(counts),
    }
    return Event(EventKind.EVALUATION_RUN, run.ran_ms, (OPERATOR_SUBJECT,), detail)


def _action_event(action: Action) -> Event:
    detail: dict[str, object] = {
        "action": action.action_id,
        "name": action.declared.name,
        "organization": action.cause.organization,
        "trigger": action.cause.trigger,
        "module": action.cause.module_digest,
        "consent": action.cause.consent_id,
        "slot_ms": action.cause.slot_ms,
    }
    return Event(EventKind.ACTION_CREATED, action.created_ms, (household_subject(action.household_id),), detail)
