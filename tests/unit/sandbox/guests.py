"""Guests for tests: compiled in this process, and made at random to carry state from household to household."""

from __future__ import annotations

from typing import TYPE_CHECKING

import wasmtime
from hypothesis import strategies as st

from edge.sandbox.assemble import assemble
from edge.sandbox.compile import CompiledModule
from edge.sandbox.engine import make_engine
from edge.sandbox.expose import ExposedState, expose
from edge.sandbox.guest import Guest

if TYPE_CHECKING:
    from edge.settings import SandboxLimits

ACTIONS = 2
SAMPLES = 4


def guest_of(engine: wasmtime.Engine, wat: str, limits: SandboxLimits, *, exposed: bool) -> Guest:
    """Returns the guest of a module, with its state exposed or as it was uploaded."""
    wasm, state = expose(assemble(wat, "test")) if exposed else (assemble(wat, "test"), ExposedState())
    artefact = bytes(wasmtime.Module(engine, wasm).serialize())
    compiled = CompiledModule(artefact, 0.0, 0, state)
    return Guest.load(engine, compiled, limits, input_samples=SAMPLES, actions=ACTIONS)


def engine_for(limits: SandboxLimits) -> wasmtime.Engine:
    """Returns an engine whose epoch nobody moves, so that no guest meets the wall clock."""
    return make_engine(limits)


# Each mixes something that outlives a call into $acc, and changes it by $acc. `{n}` is a small number.
_STEPS = (
    (
        "(local.set $acc (i32.add (i32.mul (local.get $acc) (i32.const 31))"
        " (i32.trunc_sat_f64_s (f64.load offset=64 (i32.const {n8})))))"
    ),
    (
        "(global.set $i32 (i32.add (global.get $i32) (local.get $acc)))"
        " (local.set $acc (i32.xor (local.get $acc) (global.get $i32)))"
    ),
    (
        "(global.set $i64 (i64.add (global.get $i64) (i64.extend_i32_s (local.get $acc))))"
        " (local.set $acc (i32.wrap_i64 (global.get $i64)))"
    ),
    (
        "(global.set $f32 (f32.add (global.get $f32) (f32.const 1.5)))"
        " (local.set $acc (i32.add (local.get $acc) (i32.trunc_sat_f32_s (global.get $f32))))"
    ),
    (
        "(global.set $f64 (f64.add (global.get $f64) (f64.convert_i32_s (local.get $acc))))"
        " (local.set $acc (i32.xor (local.get $acc) (i32.trunc_sat_f64_s (global.get $f64))))"
    ),
    (
        "(global.set $v128 (i32x4.add (global.get $v128) (i32x4.splat (local.get $acc))))"
        " (local.set $acc (i32x4.extract_lane 2 (global.get $v128)))"
    ),
    (
        "(if (ref.is_null (global.get $ref)) (then (global.set $ref (ref.func $three)))"
        " (else (local.set $acc (i32.add (local.get $acc) (i32.const 1))) (global.set $ref (ref.null func))))"
    ),
    (
        "(i32.store (call $near (local.get $acc)) (i32.add (i32.load (call $near (local.get $acc))) (i32.const {n})))"
        " (local.set $acc (i32.add (local.get $acc) (i32.load (call $near (local.get $acc)))))"
    ),
    (
        "(i64.store8 (i32.sub (i32.mul (memory.size) (i32.const 4096)) (i32.const 1)) (i64.const {n}))"
        " (local.set $acc (i32.add (local.get $acc) (i32.load (i32.const 4092))))"
    ),
    "(memory.fill (call $near (local.get $acc)) (local.get $acc) (i32.const {n}))",
    (
        "(table.set (i32.and (local.get $acc) (i32.const 3)) (ref.func $three))"
        " (local.set $acc (i32.add (local.get $acc) (ref.is_null (table.get (i32.const {n3})))))"
    ),
    (
        "(if (ref.is_null (table.get (i32.const {n3})))"
        " (then (local.set $acc (i32.add (local.get $acc) (i32.const 1)))))"
        " (table.set (i32.const {n3}) (ref.func $three))"
    ),
    "(table.fill (i32.const 0) (ref.null func) (i32.const {n3}))",
    "(local.set $acc (i32.add (local.get $acc) (call_indirect (result i32) (i32.and (local.get $acc) (i32.const 1)))))",
    "(local.set $acc (i32.add (local.get $acc) (memory.size)))",
    "(local.set $acc (i32.add (local.get $acc) (table.size)))",
    "(local.set $acc (i32.add (local.get $acc) (call $deep (i32.and (local.get $acc) (i32.const 63)))))",
    (
        "(local.set $n (i32.and (local.get $acc) (i32.const 1023)))"
        " (loop $spend (if (local.get $n) (then (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $spend))))"
    ),
)
# Each happens to some households only, because $acc then has certain bits.
_MISDEEDS = (
    "unreachable",
    "(loop $on (br $on))",
    "(drop (memory.grow (i32.const {n})))",
    "(drop (table.grow (ref.null func) (i32.const {n})))",
    "(drop (memory.grow (i32.const 1))) unreachable",
    "(drop (i32.div_s (i32.const 1) (i32.const 0)))",
    "(drop (call $deep (i32.const -1)))",
    "(drop (i32.load (i32.const -4)))",
    "(return (i32.const {n}))",
    "(return (i32.const -1))",
    "(global.set $i32 (i32.const 77)) (i32.store (i32.const 8) (i32.const 77)) unreachable",
)


def _filled(text: str, n: int) -> str:
    return text.replace("{n8}", str(8 * (n % SAMPLES))).replace("{n3}", str(n % 4)).replace("{n}", str(n))


@st.composite
def carrying_guests(draw: st.DrawFn) -> str:
    """A module that does its best to remember the households before, and misbehaves at some."""
    number = st.integers(0, 7)
    steps = [_filled(draw(st.sampled_from(_STEPS)), draw(number)) for _ in range(draw(st.integers(1, 8)))]
    for _ in range(draw(st.integers(0, 2))):
        misdeed, bits = _filled(draw(st.sampled_from(_MISDEEDS)), draw(number)), draw(number)
        guarded = f"(if (i32.eq (i32.and (local.get $acc) (i32.const 7)) (i32.const {bits})) (then {misdeed}))"
        steps.insert(draw(st.integers(0, len(steps))), guarded)
    prepared = _filled(draw(st.sampled_from(("", *_STEPS[1:7], *_STEPS[8:13]))), draw(number))
    memory = draw(st.sampled_from(("1", "1 3", '(data (i32.const 200) "\\01\\02\\03")', "8192 16384 (pagesize 1)")))
    declared = f'(memory (export "memory") {memory})'
    if memory.startswith("(data"):
        declared = f'(memory (export "memory") 1) {memory}'
    newline = "\n    "
    return f"""(module
  {declared}
  (table 4 8 funcref) (elem (i32.const 0) func $three $four)
  (elem declare func $three)
  (global $i32 (mut i32) (i32.const 5)) (global $i64 (mut i64) (i64.const -1))
  (global $f32 (mut f32) (f32.const 0.5)) (global $f64 (mut f64) (f64.const nan))
  (global $v128 (mut v128) (v128.const i32x4 1 2 3 4)) (global $ref (mut funcref) (ref.null func))
  (global $fixed i32 (i32.const 9))
  (func $three (result i32) i32.const 3)
  (func $four (result i32) (global.get $fixed))
  (func $near (param $at i32) (result i32) (i32.and (local.get $at) (i32.const 4092)))
  (func $deep (param $n i32) (result i32)
    (if (result i32) (local.get $n)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)))))
      (else (i32.const 0))))
  (func (export "_initialize") (local $acc i32) (local $n i32)
    {prepared})
  (func (export "edge_inputs") (result i32)
    (global.set $i64 (i64.add (global.get $i64) (i64.const 1)))
    i32.const 64)
  (func (export "evaluate") (result i32) (local $acc i32) (local $n i32)
    {_filled(_STEPS[0], 0)}
    {newline.join(steps)}
    (i32.and (i32.add (local.get $acc) (i32.add (memory.size) (table.size))) (i32.const 3))))"""
