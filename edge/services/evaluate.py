"""Evaluates triggers at their slots: the walk from consent to action.

At a slot, once its readings had time to arrive: the consenting households, one matrix of their windows, one batch in
the sandbox, and one transaction for everything that follows from it. The transaction looks at the consents again, so
that a household that withdraws meanwhile gets nothing. A trigger and a slot have one run, whatever happens between.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import structlog

from edge.domain.action import Action, ActionState, action_id, cause_of
from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind, household_subject
from edge.domain.slot import day_of
from edge.domain.trigger import Trigger, active_trigger
from edge.domain.window import LocalTime, clock_window, window_specs
from edge.errors import EdgeError
from edge.services.agenda import Agenda
from edge.store.evaluations import EvaluationRun
from edge_sdk.catalogue import Extent
from edge_sdk.manifest import SLOT_STEP_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from numpy.typing import NDArray

    from edge.clock import Clock
    from edge.domain.meter import Meter
    from edge.metrics import Metrics
    from edge.sandbox.guest import Evaluation
    from edge.services.audit import AuditLog
    from edge.services.dispatch import Dispatch
    from edge.services.documents import Documents
    from edge.services.load import Guests
    from edge.settings import ActionsSection, EvaluationSection
    from edge.store.store import Store, Tables, Transaction

_log = structlog.get_logger(__name__)
_STEP_MS = SLOT_STEP_S * 1000


@dataclass(frozen=True, slots=True)
class _Batch:
    """Who is evaluated and under which consent, in the order of the matrix's rows."""

    households: tuple[str, ...]
    meters: tuple[Meter, ...]


class Evaluator:
    """Runs what is due. One slot at a time, triggers by key, so that a replay meets the same order."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        documents: Documents,
        guests: Guests,
        dispatch: Dispatch,
        settings: EvaluationSection,
        actions: ActionsSection,
        local: LocalTime,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._audit = audit
        self._documents = documents
        self._guests = guests
        self._dispatch = dispatch
        self._settings = settings
        self._actions = actions
        self._local = local
        self._clock = clock
        self._metrics = metrics
        self._agenda = Agenda(store, clock.now_ms())

    async def run(self) -> None:
        """Evaluates every slot as it falls due, until cancelled."""
        settle_ms = self._settings.settle_s * 1000
        while True:
            now_ms = self._clock.now_ms() - settle_ms
            await self.evaluate_until(now_ms - now_ms % _STEP_MS)
            await self._clock.sleep_until(now_ms - now_ms % _STEP_MS + _STEP_MS + settle_ms)

    async def evaluate_until(self, until_ms: int) -> None:
        """Evaluates every slot up to and including `until_ms` that is open, and notes those missed for too long."""
        active = await self._store.read(lambda tables: _active(tables, self._clock.now_ms()))
        triggers = self._documents.permitted(active)
        self._guests.keep_only(triggers)
        due: list[tuple[int, Trigger]] = []
        missed: list[tuple[Trigger, list[int]]] = []
        for trigger, slots in await self._agenda.open_slots(triggers, until_ms):
            fresh = [slot for slot in slots if slot >= until_ms - self._settings.catch_up_s_max * 1000]
            if len(fresh) < len(slots):
                missed.append((trigger, slots[: len(slots) - len(fresh)]))
            due += [(slot, trigger) for slot in fresh]
        failed: set[str] = set()
        for trigger, slots in missed:
            if not await self._tried(trigger, slots[-1], self._note_missed(trigger, slots)):
                failed.add(trigger.key)
        for slot_ms, trigger in sorted(due, key=lambda item: (item[0], item[1].key)):
            if trigger.key in failed:
                continue
            with self._metrics.evaluation_s.time():
                if not await self._tried(trigger, slot_ms, self._evaluate(trigger, slot_ms)):
                    failed.add(trigger.key)

    async def _tried(self, trigger: Trigger, slot_ms: int, work: Awaitable[None]) -> bool:
        """Does `work`. One trigger's trouble is not the others': its slots stay open and are tried again, in order."""
        try:
            await work
        except EdgeError as error:
            _log.error("evaluation_failed", trigger=trigger.key, slot_ms=slot_ms, reason=error.reason, error=str(error))
            return False
        return True

    async def _evaluate(self, trigger: Trigger, slot_ms: int) -> None:
        guest = await self._guests.get(trigger)
        now_ms = self._clock.now_ms()
        batch = await self._store.read(lambda tables: _batch(tables, trigger, slot_ms, now_ms))
        inputs = await asyncio.to_thread(self._inputs, trigger, slot_ms, batch)
        evaluation = await asyncio.to_thread(guest.evaluate, inputs)
        acted = await self._store.write(
            lambda transaction: self._conclude(transaction, trigger, slot_ms, batch, inputs, evaluation), urgent=True
        )
        self._agenda.note_done(trigger, slot_ms)
        self._metrics.evaluations.labels(trigger.key).inc(len(inputs))
        self._metrics.faults.labels(trigger.key).inc(_faults(evaluation))
        self._metrics.actions.labels(trigger.key).inc(len(acted))
        self._dispatch.notify(acted)

    def _inputs(self, trigger: Trigger, slot_ms: int, batch: _Batch) -> NDArray[np.float64]:
        """Returns the input blocks: one row a household, or one row in all for scope neighbourhood."""
        specs = window_specs(trigger.manifest)
        one_row = trigger.manifest.trigger.scope == "neighbourhood"
        rows = min(1, len(batch.households)) if one_row else len(batch.households)
        _, tier = self._documents.policy().tier_of(trigger.organization)
        windows = self._store.windows.matrix(specs, slot_ms, batch.households, batch.meters, tier.group_min)
        blocks = []
        for place, spec in enumerate(specs):
            window = (
                np.array([clock_window(spec, slot_ms, self._local)])
                if spec.series.extent is Extent.CLOCK
                else windows[place]
            )
            blocks.append(np.broadcast_to(window, (rows, spec.samples)) if len(window) != rows else window)
        return np.ascontiguousarray(np.concatenate(blocks, axis=1), dtype=np.float64)

    def _conclude(
        self,
        transaction: Transaction,
        trigger: Trigger,
        slot_ms: int,
        batch: _Batch,
        inputs: NDArray[np.float64],
        evaluation: Evaluation,
    ) -> list[str]:
        now_ms = self._clock.now_ms()
        # Whoever withdrew, and whatever was stopped meanwhile, counts as it is now.
        module = transaction.modules.get(trigger.module_digest, trigger.organization)
        runs = module is not None and active_trigger(module, now_ms) == trigger
        still = _consenting(transaction, trigger, now_ms) if runs else {}
        # Scope neighbourhood: one evaluation speaks for every household.
        outcomes = np.broadcast_to(evaluation.outcomes, len(batch.households)).tolist()
        actions = [
            self._action(trigger, slot_ms, household, still[household], outcome, now_ms)
            for household, outcome in zip(batch.households, outcomes, strict=True)
            if outcome and household in still
        ]
        run = EvaluationRun(
            trigger_key=trigger.key,
            slot_ms=slot_ms,
            module_digest=trigger.module_digest,
            evaluations=len(inputs),
            faults=_faults(evaluation),
            actions=len(actions),
            input_digest=salted_digest(inputs.tobytes(), self._audit.new_salt()),
            ran_ms=now_ms,
        )
        transaction.evaluations.insert(run)
        if actions:
            transaction.actions.insert(actions)
        self._audit.record(transaction, [_run_event(run, actions), *(_action_event(action) for action in actions)])
        return [action.household_id for action in actions]

    def _action(
        self, trigger: Trigger, slot_ms: int, household_id: str, consent_id: str, outcome: int, now_ms: int
    ) -> Action:
        return Action(
            cursor=0,
            action_id=action_id(trigger.key, slot_ms, household_id),
            household_id=household_id,
            trigger_key=trigger.key,
            declared=trigger.manifest.action[outcome - 1],
            cause=cause_of(trigger, consent_id, slot_ms),
            created_ms=now_ms,
            expires_ms=slot_ms + self._actions.valid_s * 1000,
            state=ActionState.WAITING,
        )

    async def _note_missed(self, trigger: Trigger, slots: list[int]) -> None:
        detail: dict[str, object] = {
            "trigger": trigger.key,
            "module": trigger.module_digest,
            "first_slot_ms": slots[0],
            "last_slot_ms": slots[-1],
            "slots": len(slots),
        }
        event = Event(EventKind.SLOTS_MISSED, self._clock.now_ms(), (OPERATOR_SUBJECT,), detail)
        run = EvaluationRun(trigger.key, slots[-1], trigger.module_digest, 0, 0, 0, "", event.time_ms)

        def work(transaction: Transaction) -> None:
            transaction.evaluations.insert(run)
            self._audit.record(transaction, [event])

        await self._store.write(work, urgent=True)
        self._agenda.note_done(trigger, slots[-1])
        _log.warning("slots_missed", trigger=trigger.key, slots=len(slots))


def salted_digest(inputs: bytes, salt: bytes) -> str:
    """Returns `hmac-sha256:SALT:DIGEST`, hexadecimal; whoever has the salt can check what the inputs were."""
    return f"hmac-sha256:{salt.hex()}:{hmac.new(salt, inputs, hashlib.sha256).hexdigest()}"


def _faults(evaluation: Evaluation) -> int:
    return int(np.count_nonzero(evaluation.faults))


def _active(tables: Tables, now_ms: int) -> list[Trigger]:
    triggers = (active_trigger(module, now_ms) for module in tables.modules.all())
    return [trigger for trigger in triggers if trigger is not None]


def _consenting(tables: Tables, trigger: Trigger, now_ms: int) -> dict[str, str]:
    """Returns the consent of each household that permits the trigger, by household."""
    needed = trigger.terms
    consents = tables.consents.granted(needed.organization, needed.service)
    return {consent.household_id: consent.consent_id for consent in consents if consent.permits(needed, now_ms)}


def _batch(tables: Tables, trigger: Trigger, slot_ms: int, now_ms: int) -> _Batch:
    meters = tuple(tables.meters.all())
    consent_ids = _consenting(tables, trigger, now_ms)
    spent = tables.actions.count_by_household(trigger.key, day_of(slot_ms))
    most = trigger.manifest.trigger.max_actions_per_day
    measured = {meter.household_id for meter in meters}
    households = tuple(sorted(name for name in consent_ids if name in measured and spent.get(name, 0) < most))
    # Who did not consent is in nobody's sum either.
    return _Batch(households, tuple(meter for meter in meters if meter.household_id in consent_ids))


def _run_event(run: EvaluationRun, actions: Sequence[Action]) -> Event:
    counts = Counter(action.declared.name for action in actions)
    detail: dict[str, object] = {
        "trigger": run.trigger_key,
        "slot_ms": run.slot_ms,
        "module": run.module_digest,
        # Without its salt: few inputs have so much in them that they cannot be guessed.
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
