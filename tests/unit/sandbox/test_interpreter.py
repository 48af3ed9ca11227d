"""The interpreter is a second opinion: it comes to what native code comes to, outcome, fault and fuel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from edge.errors import SandboxError
from edge.sandbox.assemble import assemble
from edge.sandbox.dry_run import generate_inputs
from edge.sandbox.engine import Target
from edge.sandbox.evaluation import FaultCode
from edge.sandbox.sandbox import Sandbox
from edge.services.build import build, build_folder
from edge.settings import SandboxLimits
from edge_sdk.manifest import SECTION, parse_canonical_json
from edge_sdk.scaffold import MANIFEST_NAME, SOURCE_NAME, scaffold
from edge_sdk.wasm import custom_section
from tests.hostile.sample import samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from edge.sandbox.evaluation import MeasuredEvaluation
    from edge.sandbox.guest import Guest

ROOT = Path(__file__).resolve().parents[3]
LIMITS = SandboxLimits(fuel_max=1_000_000, evaluation_wall_s_max=30)
HOSTILE = {sample.name: sample for sample in samples() if not sample.refused}
EXAMPLES = [path.parent for path in sorted((ROOT / "examples").glob("*/trigger.toml"))]
# How deep a call may go is the size of machine frames: WebAssembly leaves it open, and so do the two.
STACK_DEEP = {name for name in HOSTILE if name.startswith("recursion")}

Pair: TypeAlias = "tuple[Sandbox, Sandbox]"
Guests: TypeAlias = "tuple[Guest, Guest]"

# Branches, arithmetic, conversions, remembering, vectors and calls through a table, by what it reads.
THOROUGH = """
(module
  (memory (export "memory") 1)
  (table 2 funcref) (elem (i32.const 0) $more $less)
  (type $to_f64 (func (param f64) (result f64)))
  (func $more (type $to_f64) (f64.sqrt (f64.mul (local.get 0) (f64.const 3))))
  (func $less (type $to_f64) (f64.nearest (f64.div (local.get 0) (f64.const 7))))
  (func (export "edge_inputs") (result i32) (i32.const 64))
  (func (export "evaluate") (result i32)
    (local $n i32) (local $x f64) (local $v v128)
    (loop $each
      (local.set $x (f64.load (i32.add (i32.const 64) (i32.shl (local.get $n) (i32.const 3)))))
      (local.set $v (f64x2.add (f64x2.mul (local.get $v) (f64x2.splat (f64.const 0.1))) (f64x2.splat (local.get $x))))
      (local.set $x (call_indirect (type $to_f64) (local.get $x) (f64.gt (local.get $x) (f64.const 100))))
      (f64.store (i32.const 8) (f64.min (f64.load (i32.const 8)) (f64.max (local.get $x) (f64.const -1e300))))
      (if (i64.eqz (i64.reinterpret_f64 (local.get $x)))
        (then (memory.fill (i32.const 200) (i32.const 1) (i32.const 99))))
      (br_if $each (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 4))))
    (local.set $n (i32.trunc_f64_s (f64x2.extract_lane 1 (local.get $v))))
    (i64.store (i32.const 16)
      (i64.xor (i64.reinterpret_f64 (local.get $x)) (i64.reinterpret_f64 (f64.load (i32.const 8)))))
    (i32.rem_s (i32.wrap_i64 (i64.rem_u (i64.load (i32.const 16)) (i64.const 1021))) (local.get $n))))
"""


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with Sandbox(LIMITS) as native, Sandbox(LIMITS, Target.INTERPRETER) as interpreter:
        yield native, interpreter


@pytest.fixture(scope="module")
def thorough(pair: Pair) -> Guests:
    return load(pair, assemble(THOROUGH, "thorough"), 4, 32_767)


def load(pair: Pair, wasm: bytes, samples: int, actions: int) -> Guests:
    native, interpreter = (
        sandbox.load(sandbox.compile(wasm), input_samples=samples, actions=actions) for sandbox in pair
    )
    return native, interpreter


def assert_same(guests: Guests, inputs: NDArray[np.float64]) -> MeasuredEvaluation:
    native, interpreted = (guest.evaluate(inputs) for guest in guests)
    for name in ("outcomes", "faults", "fuel"):
        assert getattr(native, name).tolist() == getattr(interpreted, name).tolist(), name
    assert native.fuel_total == sum(native.fuel.tolist())
    return native


def built(wasm: bytes) -> tuple[bytes, int, int]:
    """Returns a module with what its manifest says of inputs and actions."""
    payload = custom_section(wasm, SECTION)
    assert payload is not None
    manifest = parse_canonical_json(payload)
    return wasm, manifest.samples, len(manifest.action)


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_examples(pair: Pair, folder: Path) -> None:
    """Every example module comes to the same on generated inputs."""
    wasm, samples, actions = built(build_folder(folder))
    assert_same(load(pair, wasm, samples, actions), generate_inputs(samples, seed=3))


def test_scaffold(pair: Pair) -> None:
    """So does the module that `edge module new` begins with, which acts on some of them."""
    source = scaffold()
    wasm, samples, actions = built(build(source[MANIFEST_NAME], SOURCE_NAME, source[SOURCE_NAME].encode()))
    assert assert_same(load(pair, wasm, samples, actions), generate_inputs(samples, seed=3)).outcomes.any()


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile(pair: Pair, name: str) -> None:
    """A contained sample is contained the same way: same fault, same outcome, same fuel.

    Only where the stack runs out is the fuel until then another.
    """
    guests = load(pair, HOSTILE[name].module(), 4, 2)
    inputs = np.array([[1.0, 2.0, 3.0, 4.0], [np.nan] * 4, [-1.0, np.inf, 1e300, 5e-324]])
    if name not in STACK_DEEP:
        assert_same(guests, inputs)
        return
    for guest in guests:
        assert guest.evaluate(inputs).faults.tolist() == [FaultCode[HOSTILE[name].fault]] * len(inputs)


def test_thorough_is(thorough: Guests) -> None:
    """The guest of the next test acts, does nothing and traps, so that there is something to agree on."""
    evaluation = assert_same(thorough, generate_inputs(4, seed=1))
    assert {FaultCode.NONE, FaultCode.TRAP} <= set(evaluation.faults.tolist())
    assert len(set(evaluation.outcomes.tolist())) > 5


@given(bits=npst.arrays(np.uint64, st.tuples(st.integers(1, 8), st.just(4))))
def test_any_bits(thorough: Guests, bits: NDArray[np.uint64]) -> None:
    """Whatever the bits of the inputs: NaN with any payload, infinities, subnormals."""
    assert_same(thorough, bits.view(np.float64))


@given(
    inputs=npst.arrays(
        np.float64,
        st.tuples(st.integers(1, 8), st.just(4)),
        elements=st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True),
    )
)
def test_any_floats(thorough: Guests, inputs: NDArray[np.float64]) -> None:
    """Whatever the numbers, with the ordinary ones as likely as the odd."""
    assert_same(thorough, inputs)


def test_code_is_of_one_target(pair: Pair) -> None:
    """Code that was compiled for the one is not loaded by the other."""
    native, interpreter = pair
    wasm = assemble(THOROUGH, "thorough")
    for compiling, loading in ((native, interpreter), (interpreter, native)):
        with pytest.raises(SandboxError, match="cannot be loaded"):
            loading.load(compiling.compile(wasm), input_samples=4, actions=1)
