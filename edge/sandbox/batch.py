"""Runs a guest over many households in batches inside WebAssembly, with the same outcomes as one instance each.

A batch gets no more fuel than one evaluation may use, besides the driver's own. If it completes, all its households
together used no more than that, hence each of them did. If it ends early, those before the one at work have completed.
That one is evaluated by the plain path, which decides what becomes of it; so no fault is ever told by a batch.

What the completed ones used together is what is gone, less the driver's toll and what the one at work used up to its
trap, which the plain path tells. Where that is not known, because fuel or time ran out, those before it are evaluated
once more as a batch of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edge.errors import Category, SandboxError, ServerError
from edge.sandbox.driver import DriverModule
from edge.sandbox.evaluation import Evaluation, FaultCode
from edge.sandbox.guest import write_inputs
from edge.sandbox.instance import FaultError, call, limit, refill
from edge.sandbox.pace import Pace
from edge.sandbox.state import State
from edge.sandbox.toll import Toll

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.sandbox.driver import Driver
    from edge.sandbox.guest import Guest, Single
    from edge.sandbox.instance import Instance
    from edge.settings import SandboxLimits


class EvaluationStoppedError(ServerError):
    """An evaluation was given up because it was told to stop."""

    reason = "EDGE_STOPPING"
    category = Category.UNAVAILABLE
    default_advice = "Evaluate again when the edge is back."


class _Live(NamedTuple):
    """An instance at work, and its driver."""

    instance: Instance
    driver: Driver


class _Plan(NamedTuple):
    """What the batches of a guest need, whatever instance they run in."""

    state: State
    module: DriverModule
    toll: Toll


class _Part(NamedTuple):
    """What became of the first households of those that are left.

    Attributes:
        done: how many completed, whose outcomes the driver holds; 0 if their fuel is not known.
        fuel: what these used together.
        offender: the one after them, where the plain path decided on it.
    """

    done: int
    fuel: int
    offender: Single | None = None


class Batch:
    """A guest with the instance that its batches run in. For one thread at a time."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._plan: _Plan | None = None
        self._live: _Live | None = None
        self._pace = Pace(guest.limits.fuel_max)

    @property
    def limits(self) -> SandboxLimits:
        """What an evaluation may use."""
        return self._guest.limits

    def evaluate(self, inputs: NDArray[np.float64], *, stopped: Callable[[], bool] = bool) -> Evaluation:
        """Returns what each household's evaluation gave: what `Guest.evaluate` does.

        Args:
            inputs: one row of `input_samples` per household. Every NaN reaches the guest as the same bits.
            stopped: whether to give up; asked between batches, each of which takes the time of one evaluation or two.

        Raises:
            EvaluationStoppedError: it was told to give up.
            SandboxError: if the inputs have another shape or type, or the sandbox itself fails.
        """
        self._guest.check_inputs(inputs)
        outcomes, faults = np.zeros(len(inputs), np.int16), np.zeros(len(inputs), np.int8)
        fuel_total = done = 0
        while done < len(inputs):
            if stopped():
                raise EvaluationStoppedError("The evaluation was given up.")
            try:
                live = self._live = self._live or self._open()
            except FaultError as fault:
                if fault.code is not FaultCode.WALL_CLOCK:
                    faults[done:] = fault.code  # It meets them all, for it has not met their data.
                    break
                # The clock decides for one at a time: that an instance is made anew at all may be another's doing.
                part = _Part(0, 0, self._guest.evaluate_one(inputs[done]))
            else:
                part = self._run(live, inputs[done:])
                self._take_outcomes(live, part.done, outcomes[done:], faults[done:])
            fuel_total += part.fuel
            done += part.done
            if part.offender is not None:
                outcomes[done], faults[done] = part.offender.outcome, part.offender.fault
                fuel_total += part.offender.fuel
                done += 1
        return Evaluation(outcomes, faults, fuel_total)

    def _open(self) -> _Live:
        """Returns a new instance and its driver; plans them if there is no plan yet.

        Raises:
            FaultError: preparing the instance faulted.
        """
        guest = self._guest
        plan = self._plan = self._plan or self._make_plan()
        store = guest.new_store()
        instance = guest.prepare(store)
        # Only their sizes could depend on the machine: comparing the content of 4 MiB takes longer than all the rest.
        if plan.state.has_grown(instance):
            raise SandboxError("Two instances of a guest differ before they have met any data.")
        # The driver's memory may be larger than a guest's may become, so the limits are the guest's again afterwards.
        store.set_limits(memory_size=plan.module.layout.memory_bytes)
        driver = plan.module.attach(instance, instance.evaluate)
        limit(store, guest.limits, memories=2, tables=2)
        return _Live(instance, driver)

    def _make_plan(self) -> _Plan:
        guest = self._guest
        with guest.new_store() as store:
            instance = guest.prepare(store)
            state = State.of(instance, guest.exposed)
            module = DriverModule.make(guest.engine, state, address=instance.address, row_bytes=guest.input_bytes)
            store.set_limits(memory_size=module.layout.memory_bytes)
            return _Plan(state, module, Toll.measure(module, instance))

    def _run(self, live: _Live, rows: NDArray[np.float64]) -> _Part:
        """Evaluates the first of `rows`, as many as the pace says."""
        assert self._plan is not None
        state, module, toll = self._plan
        if self._pace.is_at_suspect:
            self._pace.suspect_evaluated()
            return _Part(0, 0, self._guest.evaluate_one(rows[0]))
        count = self._pace.rows(min(len(rows), module.layout.rows))
        fuel = self._pace.fuel(count)
        given = fuel + toll.base + count * toll.household
        ended = self._run_driver(live, rows[:count], given)
        done, left = int(live.driver.progress[0]), live.instance.store.get_fuel()
        if state.has_grown(live.instance):
            self._live = None
        used = given + 1 - left - toll.base - done * toll.household
        if ended is not None and ended.code is FaultCode.WALL_CLOCK:
            self._pace.ran_out_of_time(done)
        elif ended is not None and ended.code is FaultCode.TRAP and left and not ended.out_of_stack:
            return self._trapped(rows, done, used - toll.until_call)
        elif ended is not None:
            # A batch's stack is a little smaller: what ran out of it would have used more fuel by itself.
            self._pace.ran_out_of_fuel(done)
        elif left and used <= fuel:
            self._pace.completed(done, used, asked=count)
            return _Part(done, used)
        else:
            # It ended in debt, or was ended by growing and had used what was meant for the driver's own.
            self._pace.ran_out_of_fuel(done - 1)
        return _Part(0, 0)

    def _run_driver(self, live: _Live, rows: NDArray[np.float64], fuel: int) -> FaultError | None:
        driver, store = live.driver, live.instance.store
        write_inputs(driver.inputs[: len(rows)], rows)
        refill(store, fuel, self._guest.limits.evaluation_wall_s_max)
        try:
            call(store, driver.run, "run", len(rows))
        except FaultError as fault:
            return fault
        return None

    def _trapped(self, rows: NDArray[np.float64], done: int, used: int) -> _Part:
        """Evaluates the household that trapped after the first `done`; all together used `used`."""
        offender = self._guest.evaluate_one(rows[done])
        before = used - offender.fuel
        if done and (offender.fault is not FaultCode.TRAP or before > self._guest.limits.fuel_max):
            # The plain path ended otherwise, by the clock: that does not say what it used until the trap.
            self._pace.ran_out_of_fuel(done)
            return _Part(0, 0)
        return _Part(done, before if done else 0, offender)

    def _take_outcomes(self, live: _Live, count: int, outcomes: NDArray[np.int16], faults: NDArray[np.int8]) -> None:
        returned = live.driver.outcomes[:count]
        fine = (returned >= 0) & (returned <= self._guest.actions)
        outcomes[:count] = np.where(fine, returned, 0)
        faults[:count] = np.where(fine, FaultCode.NONE, FaultCode.BAD_OUTCOME)
