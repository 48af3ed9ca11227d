from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from edge.errors import SandboxError
from edge.sandbox.assemble import assemble
from edge.sandbox.compile import CompiledModule
from edge.sandbox.evaluation import ACTIONS_MAX, FaultCode
from edge.settings import SandboxLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.sandbox.guest import Guest
    from edge.sandbox.sandbox import Sandbox

# Spends fuel and takes branches by what it reads, and tries to remember the households before.
CURIOUS = """
  (global $seen (mut f64) (f64.const 0))
  (func (export "evaluate") (result i32)
    (local $n i32)
    (global.set $seen (f64.add (global.get $seen) (f64.load (i32.const 0))))
    (f64.store (i32.const 512) (f64.add (f64.load (i32.const 512)) (f64.load (i32.const 8))))
    (if (f64.gt (f64.load (i32.const 24)) (f64.const 0)) (then unreachable))
    (local.set $n (i32.trunc_sat_f64_u (f64.add (global.get $seen) (f64.load (i32.const 512)))))
    (loop $spend
      (if (local.get $n)
        (then (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $spend))))
    (i32.add (f64.gt (global.get $seen) (f64.const 10)) (f64.gt (f64.load (i32.const 512)) (f64.const 10))))
"""
rows = npst.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(4)), elements=st.floats(-5, 60, width=64))


def matrix(*households: list[float]) -> NDArray[np.float64]:
    return np.array(households, dtype=np.float64)


@pytest.fixture(scope="module")
def curious(load_wat: Callable[..., Guest]) -> Guest:
    return load_wat(CURIOUS)


@given(inputs=rows, seed=st.integers(0, 2**32 - 1))
def test_households_do_not_meet(curious: Guest, inputs: NDArray[np.float64], seed: int) -> None:
    """In any order, or alone, each household gets the same outcome, fault and fuel."""
    together = curious.evaluate(inputs)
    order = np.random.default_rng(seed).permutation(len(inputs))
    shuffled = curious.evaluate(inputs[order])
    for name in ("outcomes", "faults", "fuel"):
        expected = getattr(together, name)
        assert getattr(shuffled, name).tolist() == expected[order].tolist()
        alone = [getattr(curious.evaluate(row[np.newaxis]), name)[0] for row in inputs]
        assert alone == expected.tolist()


def test_two_households_in_either_order(curious: Guest) -> None:
    """The household after a costly or a faulting one is none the wiser."""
    costly, faulting, quiet = [50.0, 20.0, 0.0, 0.0], [1.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 0.0]
    forth = curious.evaluate(matrix(costly, faulting, quiet))
    back = curious.evaluate(matrix(quiet, faulting, costly))
    assert forth.outcomes.tolist() == back.outcomes.tolist()[::-1] == [2, 0, 0]
    assert forth.faults.tolist() == back.faults.tolist()[::-1] == [FaultCode.NONE, FaultCode.TRAP, FaultCode.NONE]
    assert forth.fuel.tolist() == back.fuel.tolist()[::-1]
    assert forth.fuel[0] > forth.fuel[2]


def test_threads_share_a_guest(curious: Guest) -> None:
    """Evaluations at the same time give what they give one after the other."""
    inputs = np.random.default_rng(7).uniform(0, 50, size=(100, 4)) * [1, 1, 1, 0]
    expected = curious.evaluate(inputs)
    with ThreadPoolExecutor(4) as threads:
        for evaluation in threads.map(curious.evaluate, [inputs] * 8):
            assert evaluation.outcomes.tolist() == expected.outcomes.tolist()
            assert evaluation.fuel.tolist() == expected.fuel.tolist()


def test_shapes_and_types(curious: Guest) -> None:
    """Outcomes, faults and fuel are one each per household, of the types that cross the sandbox's face."""
    for households in (0, 3):
        evaluation = curious.evaluate(np.zeros((households, 4)))
        arrays = (evaluation.outcomes, evaluation.faults, evaluation.fuel)
        assert [array.shape for array in arrays] == [(households,)] * 3
        assert [str(array.dtype) for array in arrays] == ["int16", "int8", "int64"]


def test_inputs_arrive_in_order(load_wat: Callable[..., Guest]) -> None:
    """The row stands at the address as little-endian f64, first sample first, whatever the layout of the matrix."""
    tests = [f"(i32.ne (i32.trunc_f64_s (f64.load (i32.const {8 * n}))) (i32.const {n + 1}))" for n in range(4)]
    wrong = f"(i32.or (i32.or {tests[0]} {tests[1]}) (i32.or {tests[2]} {tests[3]}))"
    guest = load_wat(f'(func (export "evaluate") (result i32) {wrong})')
    inputs = matrix([1, 2, 3, 4])
    assert guest.evaluate(inputs).outcomes.tolist() == [0]
    assert guest.evaluate(np.asfortranarray(np.repeat(inputs, 3, axis=0))).outcomes.tolist() == [0, 0, 0]
    assert guest.evaluate(inputs[:, ::-1]).outcomes.tolist() == [1]


def test_nan_has_one_spelling(load_wat: Callable[..., Guest]) -> None:
    """Sign and payload of a NaN do not reach the guest, and the caller's array is left as it was."""
    canonical = "(i64.eq (i64.load (i32.const 0)) (i64.const 0x7ff8000000000000))"
    guest = load_wat(f'(func (export "evaluate") (result i32) {canonical})')
    spellings = np.zeros((3, 4), dtype=np.uint64)
    spellings[:, 0] = [0x7FF8000000000000, 0xFFF8000000000000, 0x7FF0000000000123]
    inputs = spellings.view(np.float64)
    assert guest.evaluate(inputs).outcomes.tolist() == [1, 1, 1]
    assert inputs.view(np.uint64)[:, 0].tolist() == spellings[:, 0].tolist()


def counting_to(n: int) -> str:
    """Returns a loop of `n` rounds."""
    count = "(local.tee $n (i32.add (local.get $n) (i32.const 1)))"
    return f"(local $n i32) (loop $l (br_if $l (i32.lt_s {count} (i32.const {n}))))"


def test_fuel_is_that_of_evaluate_alone(load_wat: Callable[..., Guest]) -> None:
    """What preparing an instance uses is not counted: a long `_initialize` changes nothing."""
    evaluate = '(func (export "evaluate") (result i32) i32.const 1)'
    plain = load_wat(evaluate).evaluate(np.zeros((1, 4)))
    initialized = load_wat(f'{evaluate} (func (export "_initialize") {counting_to(1_000)})').evaluate(np.zeros((1, 4)))
    assert plain.fuel.tolist() == initialized.fuel.tolist() == [2]


@pytest.mark.parametrize("ending", ["i32.const 1", "i32.const 1 " + "nop " * 20 + "i32.const 1 drop " * 20])
def test_fuel_limit_is_exact(load_wat: Callable[..., Guest], ending: str) -> None:
    """An evaluation may use its limit to the last unit; with one unit less it faults, wherever the unit is used."""
    fields = f'(func (export "evaluate") (result i32) {counting_to(100)} {ending})'
    used = int(load_wat(fields).evaluate(np.zeros((1, 4))).fuel[0])
    enough = load_wat(fields, SandboxLimits(fuel_max=used)).evaluate(np.zeros((1, 4)))
    short = load_wat(fields, SandboxLimits(fuel_max=used - 1)).evaluate(np.zeros((1, 4)))
    assert (enough.faults.tolist(), enough.fuel.tolist()) == ([FaultCode.NONE], [used])
    assert (short.faults.tolist(), short.fuel.tolist()) == ([FaultCode.FUEL], [used - 1])
    assert (enough.outcomes.tolist(), short.outcomes.tolist()) == ([1], [0])


def test_wall_clock_is_the_second_line(load_wat: Callable[..., Guest]) -> None:
    """A loop that fuel would let run for years is stopped by the clock, and the next household evaluated."""
    spin = "(if (f64.ne (f64.load (i32.const 0)) (f64.const 0)) (then (loop br 0)))"
    limits = SandboxLimits(fuel_max=2**62, evaluation_wall_s_max=0.02)
    guest = load_wat(f'(func (export "evaluate") (result i32) {spin} i32.const 1)', limits)
    evaluation = guest.evaluate(matrix([1, 0, 0, 0], [0, 0, 0, 0]))
    assert evaluation.faults.tolist() == [FaultCode.WALL_CLOCK, FaultCode.NONE]
    assert evaluation.outcomes.tolist() == [0, 1]


def test_a_fault_touches_one_household(load_wat: Callable[..., Guest]) -> None:
    """Bad outcomes and traps of some leave the outcomes of the others."""
    guest = load_wat('(func (export "evaluate") (result i32) (i32.trunc_f64_s (f64.load (i32.const 0))))')
    evaluation = guest.evaluate(matrix([1] * 4, [3] * 4, [np.nan] * 4, [-1] * 4, [2] * 4))
    bad, none = FaultCode.BAD_OUTCOME, FaultCode.NONE
    assert evaluation.outcomes.tolist() == [1, 0, 0, 0, 2]
    assert evaluation.faults.tolist() == [none, bad, FaultCode.TRAP, bad, none]


def test_initialize_runs_before_inputs(load_wat: Callable[..., Guest]) -> None:
    """`_initialize` sees an input block of zeros, and what it sets is there at `evaluate`."""
    fields = """
      (global $initial (mut i64) (i64.const 9))
      (func (export "_initialize") (global.set $initial (i64.load (i32.const 0))))
      (func (export "evaluate") (result i32) (i64.eqz (global.get $initial)))
    """
    assert load_wat(fields).evaluate(matrix([5] * 4)).outcomes.tolist() == [1]


@pytest.mark.parametrize(
    "inputs",
    [np.zeros((1, 5)), np.zeros(4), np.zeros((1, 4), dtype=np.float32), np.zeros((1, 1, 4))],
    ids=["too wide", "one dimension", "float32", "three dimensions"],
)
def test_other_inputs_are_refused(curious: Guest, inputs: NDArray[np.float64]) -> None:
    """A matrix of another shape or type is a mistake of the caller, not padded or converted."""
    with pytest.raises(SandboxError, match="not float64 of shape"):
        curious.evaluate(inputs)


@pytest.mark.parametrize(("samples", "actions"), [(0, 1), (4_097, 1), (4, -1), (4, ACTIONS_MAX + 1)])
def test_sizes_out_of_range(sandbox: Sandbox, samples: int, actions: int) -> None:
    """A guest without inputs, with too many, or with outcomes beyond int16, is not loaded."""
    compiled = sandbox.compile(assemble("(module)", "test"))
    with pytest.raises(SandboxError, match="A guest cannot have"):
        sandbox.load(compiled, input_samples=samples, actions=actions)


@pytest.mark.parametrize(
    ("wat", "message"),
    [
        ("(module)", "exports no memory"),
        ('(module (memory (export "memory") 1))', "exports no function as `edge_inputs`"),
        ('(module (memory 1) (memory (export "memory") 1))', "cannot be instantiated"),
    ],
)
def test_not_admitted(sandbox: Sandbox, wat: str, message: str) -> None:
    """A module that should not have been admitted is not loaded: that is a mistake of the edge, and said at once."""
    compiled = sandbox.compile(assemble(wat, "test"))
    with pytest.raises(SandboxError, match=message):
        sandbox.load(compiled, input_samples=4, actions=1)


@pytest.mark.parametrize("signature", ["(result f64) f64.const 1", "(param i32) (result i32) i32.const 1"])
def test_not_admitted_by_type(load_wat: Callable[..., Guest], signature: str) -> None:
    """An `evaluate` of another type, which admission refuses, is never taken for an outcome."""
    guest = load_wat(f'(func (export "evaluate") {signature})')
    with pytest.raises(SandboxError):
        guest.evaluate(np.zeros((1, 4)))


def test_lower_limits_than_at_admission(load_wat: Callable[..., Guest]) -> None:
    """A module that does not fit limits lowered since is refused when loaded, not at a slot."""
    fields = '(func (export "evaluate") (result i32) i32.const 1)'
    with pytest.raises(SandboxError, match="cannot be instantiated") as error:
        load_wat(fields, replace(SandboxLimits(), memory_bytes_max=65535))
    assert "Admit the module again" in error.value.advice


@pytest.mark.parametrize("artefact", [b"", b"not an artefact", b"\x7fELF" + bytes(100)])
def test_not_an_artefact(sandbox: Sandbox, artefact: bytes) -> None:
    """Bytes that the compiler did not make are not loaded."""
    with pytest.raises(SandboxError, match="cannot be loaded"):
        sandbox.load(CompiledModule(artefact, 0.0, 0), input_samples=4, actions=1)
