from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from edge.errors import SandboxError
from edge.sandbox.batch import Batch, EvaluationStoppedError
from edge.sandbox.evaluation import FaultCode
from edge.sandbox.guest import Guest
from edge.sandbox.instance import FaultError, prepare
from edge.settings import SandboxLimits
from tests.unit.sandbox.guests import SAMPLES, carrying_guests, engine_for, guest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import wasmtime
    from numpy.typing import NDArray

    from edge.sandbox.evaluation import Evaluation
    from edge.sandbox.instance import Instance

LIMITS = SandboxLimits(fuel_max=3_000, evaluation_wall_s_max=60, memory_bytes_max=192 * 1024, table_elements_max=12)
ENGINE = engine_for(LIMITS)
# Few values, so that households resemble each other and what one leaves behind would fit the next.
rows = npst.arrays(
    np.float64, st.tuples(st.integers(1, 40), st.just(SAMPLES)), elements=st.sampled_from([0.0, 1, 2, 3, 7, 64, np.nan])
)


def told(evaluation: Evaluation) -> tuple[list[int], list[int], int]:
    return evaluation.outcomes.tolist(), evaluation.faults.tolist(), evaluation.fuel_total


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(wat=carrying_guests(), inputs=rows, seed=st.integers(0, 2**32 - 1), cut=st.integers(0, 40))
def test_batches_give_what_fresh_instances_give(wat: str, inputs: NDArray[np.float64], seed: int, cut: int) -> None:
    """Whatever a guest tries to carry over, in any order and any cut into batches: outcome, fault and fuel are those
    of the uploaded module in an instance of its own.
    """
    reference = guest_of(ENGINE, wat, LIMITS, exposed=False).evaluate(inputs)
    batch = Batch(guest_of(ENGINE, wat, LIMITS, exposed=True))
    assert told(batch.evaluate(inputs)) == told(reference)
    order = np.random.default_rng(seed).permutation(len(inputs))
    shuffled = batch.evaluate(inputs[order])
    assert shuffled.outcomes.tolist() == reference.outcomes[order].tolist()
    assert shuffled.faults.tolist() == reference.faults[order].tolist()
    assert shuffled.fuel_total == reference.fuel_total
    parts = [batch.evaluate(inputs[:cut]), batch.evaluate(inputs[cut:])]
    assert [*parts[0].outcomes, *parts[1].outcomes] == reference.outcomes.tolist()
    assert [*parts[0].faults, *parts[1].faults] == reference.faults.tolist()
    assert parts[0].fuel_total + parts[1].fuel_total == reference.fuel_total


# How a guest could leave a mark, and how the next evaluation could see it.
CARRIERS = {
    "global": ("(global.set $i (i32.const 1))", "(global.get $i)"),
    "v128 global": ("(global.set $v (v128.const i32x4 1 1 1 1))", "(v128.any_true (global.get $v))"),
    "funcref global": ("(global.set $r (ref.func $f))", "(i32.eqz (ref.is_null (global.get $r)))"),
    "memory before the inputs": ("(i32.store (i32.const 512) (i32.const 1))", "(i32.load (i32.const 512))"),
    "memory at the end": ("(i32.store (i32.const 65532) (i32.const 1))", "(i32.load (i32.const 65532))"),
    "data": ("(i32.store (i32.const 2000) (i32.const 0))", "(i32.eqz (i32.load (i32.const 2000)))"),
    "memory size": ("(drop (memory.grow (i32.const 1)))", "(i32.ne (memory.size) (i32.const 1))"),
    "table": ("(table.set (i32.const 1) (ref.func $f))", "(i32.eqz (ref.is_null (table.get (i32.const 1))))"),
    "table size": ("(drop (table.grow (ref.null func) (i32.const 1)))", "(i32.ne (table.size) (i32.const 2))"),
    "a mark before a trap": ("(global.set $i (i32.const 1)) unreachable", "(global.get $i)"),
    "a mark before fuel runs out": ("(global.set $i (i32.const 1)) (loop br 0)", "(global.get $i)"),
    "growth before a trap": ("(drop (memory.grow (i32.const 1))) unreachable", "(i32.ne (memory.size) (i32.const 1))"),
}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_two_households_in_either_order(load_wat: Callable[..., Guest], carrier: str) -> None:
    """A module that receives two households' readings in either order returns for each exactly what it returns alone,
    whichever way it tries to remember that there was one before.
    """
    mark, seen = CARRIERS[carrier]
    batch = Batch(
        load_wat(f"""
          (global $i (mut i32) (i32.const 0)) (global $v (mut v128) (v128.const i64x2 0 0))
          (global $r (mut funcref) (ref.null func)) (table 2 4 funcref) (elem declare func $f) (func $f)
          (data (i32.const 2000) "\\01")
          (func (export "evaluate") (result i32) (local $known i32)
            (local.set $known {seen})
            (if (f64.gt (f64.load (i32.const 0)) (f64.const 5)) (then {mark}))
            (i32.add (local.get $known) (f64.gt (f64.load (i32.const 8)) (f64.const 1))))""")
    )
    one, other = np.array([[9.0, 1, 1, 1]]), np.array([[0.0, 2, 2, 2]])
    expected = [batch.evaluate(row).outcomes[0] for row in (one, other)]
    assert expected == [0, 1]
    for several in (1, 3, 40):
        forth = batch.evaluate(np.concatenate([one, other] * several))
        back = batch.evaluate(np.concatenate([other, one] * several))
        assert forth.outcomes.tolist() == expected * several
        assert back.outcomes.tolist() == expected[::-1] * several


@pytest.mark.parametrize("households", [0, 1, 63, 64, 65, 2_000])
def test_any_number_of_households(load_wat: Callable[..., Guest], households: int) -> None:
    """No household is lost or repeated where batches meet."""
    fields = '(func (export "evaluate") (result i32) (i32.trunc_f64_s (f64.load (i32.const 0))))'
    inputs = np.random.default_rng(3).integers(0, 3, size=(households, 4)).astype(np.float64)
    evaluation = Batch(load_wat(fields)).evaluate(inputs)
    assert evaluation.outcomes.tolist() == inputs[:, 0].tolist()
    assert (str(evaluation.outcomes.dtype), str(evaluation.faults.dtype)) == ("int16", "int8")
    assert evaluation.fuel_total == 4 * households


def counting_to(sample: int) -> str:
    """Returns an `evaluate` that uses fuel by the number in a sample."""
    return f"""(func (export "evaluate") (result i32) (local $n i32)
        (local.set $n (i32.trunc_f64_s (f64.load (i32.const {8 * sample}))))
        (loop $l (br_if $l (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
        i32.const 1)"""


@pytest.mark.parametrize("heavy", [0, 1, 100, 299])
def test_fuel_is_exact_within_a_batch(load_wat: Callable[..., Guest], heavy: int) -> None:
    """Among many that use little, one that uses its limit to the last unit completes, and with a unit less faults."""
    inputs = np.ones((300, 4))
    inputs[heavy, 0] = 500
    used = load_wat(counting_to(0)).evaluate(inputs)
    worst = int(used.fuel.max())
    enough = Batch(load_wat(counting_to(0), SandboxLimits(fuel_max=worst))).evaluate(inputs)
    assert told(enough) == told(used)
    assert not enough.faults.any()
    short = Batch(load_wat(counting_to(0), SandboxLimits(fuel_max=worst - 1))).evaluate(inputs)
    assert np.flatnonzero(short.faults).tolist() == [heavy]
    assert short.faults[heavy] == FaultCode.FUEL
    assert short.fuel_total == used.fuel_total - 1


def test_the_wall_clock_touches_one_household(load_wat: Callable[..., Guest]) -> None:
    """A loop that fuel would let run for years is stopped by the clock; all others have their outcome."""
    spin = "(if (f64.ne (f64.load (i32.const 0)) (f64.const 0)) (then (loop br 0)))"
    limits = SandboxLimits(fuel_max=2**50, evaluation_wall_s_max=0.05)
    batch = Batch(load_wat(f'(func (export "evaluate") (result i32) {spin} i32.const 1)', limits))
    inputs = np.zeros((20, 4))
    inputs[11, 0] = 1
    evaluation = batch.evaluate(inputs)
    assert np.flatnonzero(evaluation.faults == FaultCode.WALL_CLOCK).tolist() == [11]
    assert evaluation.outcomes.tolist() == [1] * 11 + [0] + [1] * 8


def test_a_growing_guest_stays_within_its_limit(load_wat: Callable[..., Guest]) -> None:
    """The driver's memory is larger than a guest's may become; the guest's limit holds all the same."""
    fields = '(func (export "evaluate") (result i32) (i32.ne (memory.grow (i32.const 8)) (i32.const -1)))'
    limits = SandboxLimits(memory_bytes_max=8 * 65536)
    assert Batch(load_wat(fields, limits)).evaluate(np.zeros((5, 4))).outcomes.tolist() == [0] * 5
    wider = SandboxLimits(memory_bytes_max=9 * 65536)
    assert Batch(load_wat(fields, wider)).evaluate(np.zeros((5, 4))).outcomes.tolist() == [1] * 5


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ('(func (export "_initialize") unreachable)', FaultCode.TRAP),
        ('(func (export "_initialize") (loop br 0))', FaultCode.FUEL),
        ('(func (export "more")) (data (i32.const 65535) "ab")', FaultCode.TRAP),
    ],
)
def test_a_fault_before_any_data_meets_all(load_wat: Callable[..., Guest], fields: str, fault: FaultCode) -> None:
    """What cannot be prepared faults for each household, as it does one by one."""
    guest = load_wat(f'{fields} (func (export "evaluate") (result i32) i32.const 1)')
    inputs = np.zeros((3, 4))
    assert told(Batch(guest).evaluate(inputs)) == told(guest.evaluate(inputs)) == ([0] * 3, [fault] * 3, 0)


def test_recursion_beyond_the_stack_costs_what_it_costs_alone(load_wat: Callable[..., Guest]) -> None:
    """A batch has a little less stack. What recurses beyond it is charged as in an instance of its own, and so are
    those before it.
    """
    guest = load_wat("""(func $deep (result i32) (i32.add (i32.const 1) (call $deep)))
        (func (export "evaluate") (result i32)
          (if (f64.gt (f64.load (i32.const 0)) (f64.const 0)) (then (return (call $deep))))
          i32.const 1)""")
    inputs = np.zeros((40, 4))
    inputs[[0, 20, 21, 33], 0] = 1
    assert told(Batch(guest).evaluate(inputs)) == told(guest.evaluate(inputs))


def test_a_preparation_that_ends_at_its_deadline(
    load_wat: Callable[..., Guest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little of its time the preparation of an instance leaves, the host's own work on it is not interrupted:
    outcomes and fuel are those of an instance of its own.
    """
    guest = load_wat('(func (export "evaluate") (result i32) i32.const 1)')
    reference = told(guest.evaluate(np.zeros((100, 4))))

    def prepare_late(self: Guest, store: wasmtime.Store) -> Instance:
        instance = prepare(store, self.instantiable, self.input_bytes)
        store.set_epoch_deadline(0)
        return instance

    monkeypatch.setattr(Guest, "prepare", prepare_late)
    assert told(Batch(guest).evaluate(np.zeros((100, 4)))) == reference


def test_the_clock_at_a_preparation_touches_one_household(
    load_wat: Callable[..., Guest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That one household's growth has an instance made anew, and the clock then stops that, is nobody else's fault."""
    guest = load_wat("""(func (export "evaluate") (result i32)
        (if (f64.gt (f64.load (i32.const 0)) (f64.const 0)) (then (drop (memory.grow (i32.const 1))))) i32.const 1)""")
    inputs = np.zeros((30, 4))
    inputs[10, 0] = 1
    batch = Batch(guest)
    prepared: list[int] = []

    def interrupted_once(self: Guest, store: wasmtime.Store) -> Instance:
        prepared.append(1)
        if len(prepared) == 3:  # after the plan's and the first: the one after the growth
            raise FaultError(FaultCode.WALL_CLOCK)
        return prepare(store, self.instantiable, self.input_bytes)

    monkeypatch.setattr(Guest, "prepare", interrupted_once)
    assert told(batch.evaluate(inputs))[:2] == ([1] * 30, [0] * 30)


def test_it_gives_up_when_told(load_wat: Callable[..., Guest]) -> None:
    """An evaluation of a great many ends soon after it is told to stop, and the batch can be used again."""
    batch = Batch(load_wat('(func (export "evaluate") (result i32) i32.const 1)'))
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(EvaluationStoppedError):
        batch.evaluate(np.zeros((10, 4)), stopped=stopping.is_set)
    stopping.clear()
    assert batch.evaluate(np.zeros((10, 4)), stopped=stopping.is_set).outcomes.tolist() == [1] * 10


def test_other_inputs_are_refused(load_wat: Callable[..., Guest]) -> None:
    """A matrix of another shape or type is a mistake of the caller, not padded or converted."""
    batch = Batch(load_wat('(func (export "evaluate") (result i32) i32.const 1)'))
    with pytest.raises(SandboxError, match="not float64 of shape"):
        batch.evaluate(np.zeros((1, 5)))
