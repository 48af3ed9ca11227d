"""Evaluates triggers at their slots: the walk from consent to action.

At a slot, once its readings had time to arrive: the consenting households, one matrix of their windows, one batch in
the sandbox, and one transaction for everything that follows from it. A trigger and a slot have one run, whatever
happens between.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import structlog

from edge.domain.event import EventKind
from edge.domain.recording import input_block
from edge.errors import EdgeError
from edge.sandbox.batch import EvaluationStoppedError
from edge.services.agenda import Agenda
from edge.services.conclude import Conclusion, Evaluated
from edge.services.faults import counted
from edge.services.slot_inputs import SlotInputs
from edge.services.turn import Turn, runnable, turn_of
from edge_sdk.manifest import SLOT_STEP_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from edge.clock import Clock
    from edge.domain.recording import Matrix
    from edge.domain.trigger import Trigger
    from edge.domain.window import LocalTime
    from edge.metrics import Metrics
    from edge.sandbox.batch import Batch
    from edge.sandbox.evaluation import Evaluation
    from edge.services.audit import AuditLog
    from edge.services.dispatch import Dispatch
    from edge.services.documents import Documents
    from edge.services.load import Guests
    from edge.services.record import Recorder
    from edge.settings import EvaluationSection
    from edge.store.store import Store

_log = structlog.get_logger(__name__)
_STEP_MS = SLOT_STEP_S * 1000
_FAILURES_MAX = 3

T = TypeVar("T")


class Evaluator:
    """Runs what is due. One slot at a time, triggers by key, so that a replay meets the same order."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        documents: Documents,
        guests: Guests,
        dispatch: Dispatch,
        conclusion: Conclusion,
        recorder: Recorder,
        settings: EvaluationSection,
        local: LocalTime,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._audit = audit
        self._documents = documents
        self._guests = guests
        self._dispatch = dispatch
        self._conclusion = conclusion
        self._recorder = recorder
        self._settings = settings
        self._local = local
        self._clock = clock
        self._metrics = metrics
        self._agenda = Agenda(store, clock.now_ms())
        self._stopped: frozenset[str] = frozenset()
        self._closing = threading.Event()
        # A thread of its own: however many callers ask for something, slots do not wait behind them.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="edge-evaluator")

    async def run(self) -> None:
        """Evaluates every slot as it falls due, until cancelled. What a failed round owed stays open for the next.

        Raises:
            StoreError: round after round failed. That is not mended by waiting: whoever runs the edge starts it anew.
        """
        settle_ms = self._settings.settle_s * 1000
        failures = 0
        while True:
            now_ms = self._clock.now_ms() - settle_ms
            try:
                await self.evaluate_until(now_ms - now_ms % _STEP_MS)
                failures = 0
            except EdgeError as error:
                failures += 1
                _log.error("evaluation_round_failed", reason=error.reason, error=str(error), failures=failures)
                if failures == _FAILURES_MAX:
                    raise
            await self._clock.sleep_until(now_ms - now_ms % _STEP_MS + _STEP_MS + settle_ms)

    def close(self) -> None:
        """Ends what the sandbox has under way, within a batch. `run` must have been cancelled."""
        self._closing.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def evaluate_until(self, until_ms: int) -> None:
        """Evaluates every slot up to and including `until_ms` that is open, and notes those missed for too long.

        Raises:
            StoreError: the database refused to say what is due.
        """
        triggers = await self._runnable()
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
            if not await self._tried(trigger, slots[-1], self._leave_out(trigger, slots, EventKind.SLOTS_MISSED)):
                failed.add(trigger.run_key)
        # A shadow comes after the version that acts, and is compared with what that one did.
        for slot_ms, together in groupby(sorted(due, key=_slot_and_key), key=itemgetter(0)):
            meters = await self._store.read(lambda tables: tables.meters.all())
            inputs = SlotInputs(self._store.windows, meters, self._local, slot_ms)
            for _, trigger in together:
                if trigger.run_key in failed:
                    continue
                with self._metrics.evaluation_s.time():
                    if not await self._tried(trigger, slot_ms, self._evaluate(trigger, inputs)):
                        failed.add(trigger.run_key)
        await self._recorder.settled()

    async def _runnable(self) -> list[Trigger]:
        """Returns the triggers that run, and says so when the policy in force begins to stop some."""
        triggers, stopped = await self._store.read(
            lambda tables: runnable(tables, self._documents, self._clock.now_ms())
        )
        if stopped != self._stopped:
            _log.warning("triggers_not_permitted", triggers=sorted(stopped), policy=self._documents.policy_version)
            self._stopped = stopped
        return triggers

    async def _tried(self, trigger: Trigger, slot_ms: int, work: Awaitable[None]) -> bool:
        """Does `work`. One trigger's trouble is not the others': its slots stay open and are tried again, in order."""
        try:
            await work
        except EdgeError as error:
            _log.error(
                "evaluation_failed", trigger=trigger.run_key, slot_ms=slot_ms, reason=error.reason, error=str(error)
            )
            return False
        return True

    async def _evaluate(self, trigger: Trigger, seen: SlotInputs) -> None:
        slot_ms = seen.slot_ms
        turn = await self._turn(trigger, seen)
        if turn is not None and not turn.sits_out and not self._guests.has(trigger):
            await self._guests.get(trigger)
            turn = await self._turn(trigger, seen)  # compiling took its time, in which somebody may have withdrawn
        if turn is None:
            return  # It was stopped since the round began, and owes nothing from before it runs again.
        if turn.sits_out:
            await self._leave_out(trigger, [slot_ms], EventKind.SLOTS_SAT_OUT)
            return
        guest, households = await self._guests.get(trigger), turn.households
        windows, inputs, digest = await self._in_thread(partial(self._inputs, trigger, seen, turn))
        evaluation = await self._in_thread(partial(self._run, guest, inputs))
        if evaluation is None:
            _log.error("evaluation_over_time", trigger=trigger.run_key, slot_ms=slot_ms, households=len(inputs))
            await self._leave_out(trigger, [slot_ms], EventKind.SLOTS_MISSED)
            return
        faults = counted(evaluation.faults)
        # Scope neighbourhood: one evaluation speaks for every household.
        each = np.broadcast_to(evaluation.outcomes, len(households)).tolist()
        evaluated = Evaluated(trigger, slot_ms, households, each, len(inputs), faults, digest)
        acted = await self._store.write(lambda transaction: self._conclusion.write(transaction, evaluated), urgent=True)
        self._agenda.note_done(trigger, slot_ms)
        self._metrics.note_slot(trigger.run_key, len(inputs), asdict(faults), len(acted))
        self._dispatch.notify(acted)
        await self._recorder.record(trigger, slot_ms, households, windows, evaluation, digest, guest.limits)

    async def _turn(self, trigger: Trigger, seen: SlotInputs) -> Turn | None:
        now_ms = self._clock.now_ms()
        return await self._store.read(lambda tables: turn_of(tables, self._documents, trigger, seen, now_ms))

    def _run(self, guest: Batch, inputs: Matrix) -> Evaluation | None:
        """Returns what the evaluations gave; None if they took longer than others can be made to wait.

        Fuel does not bound that: there are instructions of one unit that take a hundred times as long as others.

        Raises:
            EvaluationStoppedError: the edge is stopping.
        """
        until_s = time.monotonic() + self._settings.slot_s_max
        try:
            return guest.evaluate(inputs, stopped=lambda: self._closing.is_set() or time.monotonic() > until_s)
        except EvaluationStoppedError:
            if self._closing.is_set():
                raise
            return None

    def _inputs(self, trigger: Trigger, seen: SlotInputs, turn: Turn) -> tuple[list[Matrix], Matrix, str]:
        """Returns the windows, the input blocks of them and their digest.

        The blocks are a row a household, or one row in all for scope neighbourhood.
        """
        _, tier = self._documents.policy().tier_of(trigger.organization)
        windows = seen.windows(trigger.manifest, turn.households, turn.agreed, tier.group_min)
        one_row = trigger.manifest.trigger.scope == "neighbourhood"
        rows = len(turn.households)
        inputs = input_block(windows, min(1, rows) if one_row else rows)
        return windows, inputs, salted_digest(inputs, self._audit.new_salt())

    async def _leave_out(self, trigger: Trigger, slots: list[int], why: EventKind) -> None:
        await self._store.write(
            lambda transaction: self._conclusion.write_left_out(transaction, trigger, slots, why), urgent=True
        )
        self._agenda.note_done(trigger, slots[-1])
        _log.warning(why.value, trigger=trigger.run_key, slots=len(slots))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def salted_digest(inputs: Matrix, salt: bytes) -> str:
    """Returns `hmac-sha256:SALT:DIGEST`, hexadecimal; whoever has the salt can check what the inputs were."""
    digest = hmac.new(salt, inputs.reshape(-1).view(np.uint8).data, hashlib.sha256)
    return f"hmac-sha256:{salt.hex()}:{digest.hexdigest()}"


def _slot_and_key(item: tuple[int, Trigger]) -> tuple[int, str]:
    return item[0], item[1].run_key
