"""What is switched on works and what bounds an evaluation bounds it; `tests/hostile/test_proposals.py` has the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest
import wasmtime

from edge.sandbox.assemble import assemble
from edge.sandbox.engine import build_engine, configuration_for, make_engine
from edge.settings import SandboxLimits

LIMITS = SandboxLimits()


@pytest.fixture(scope="module")
def engine() -> wasmtime.Engine:
    return make_engine(LIMITS)


def run(engine: wasmtime.Engine, wat: str, *, fuel: int = 1_000_000) -> object:
    module = wasmtime.Module(engine, assemble(wat, "test"))
    with wasmtime.Store(engine) as store:
        store.set_fuel(fuel)
        store.set_epoch_deadline(1)
        function = wasmtime.Instance(store, module, []).exports(store)["f"]
        assert isinstance(function, wasmtime.Func)
        return function(store)


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ("(memory 1) (memory 1)", "i32.const 1"),
        ("(memory 8 (pagesize 1))", "memory.size (i32.const -7) i32.add"),
        ("(table 1 funcref)", "(ref.is_null (table.get 0 (i32.const 0)))"),
        ("(memory 1)", "(memory.fill (i32.const 0) (i32.const 1) (i32.const 9)) (i32.load8_u (i32.const 8))"),
        ("(func $two (result i32 i32) i32.const 3 i32.const 2)", "call $two i32.sub"),
        ("", "(i32x4.extract_lane 3 (i32x4.splat (i32.const 1)))"),
    ],
    ids=["multi-memory", "custom page sizes", "reference types", "bulk memory", "multi-value", "simd"],
)
def test_switched_on(engine: wasmtime.Engine, fields: str, result: str) -> None:
    """What compilers emit by default, and what the host itself needs, runs."""
    assert run(engine, f'(module {fields} (func (export "f") (result i32) {result}))') == 1


def test_nan_is_canonical(engine: wasmtime.Engine) -> None:
    """Arithmetic gives one NaN, whatever the bits of those it came from, so no processor's choice shows."""
    payload = "(f64.reinterpret_i64 (i64.const 0xfff8000000000123))"
    wat = f'(module (func (export "f") (result i64) (i64.reinterpret_f64 (f64.add {payload} (f64.const 1)))))'
    assert run(engine, wat) == 0x7FF8000000000000


def test_fuel_is_on(engine: wasmtime.Engine) -> None:
    """An endless loop ends when its fuel does."""
    with pytest.raises(wasmtime.Trap) as trap:
        run(engine, '(module (func (export "f") (loop br 0)))')
    assert trap.value.trap_code is wasmtime.TrapCode.OUT_OF_FUEL


def test_stack_is_limited() -> None:
    """A smaller stack ends a recursion at fewer frames, so the limit is the one that was set."""

    def frames(stack_bytes_max: int) -> int:
        engine = make_engine(SandboxLimits(stack_bytes_max=stack_bytes_max))
        module = wasmtime.Module(
            engine,
            assemble(
                '(module (global $n (export "n") (mut i32) (i32.const 0)) (func $f (export "f")'
                " (global.set $n (i32.add (global.get $n) (i32.const 1))) call $f))",
                "test",
            ),
        )
        with wasmtime.Store(engine) as store:
            store.set_fuel(10_000_000)
            store.set_epoch_deadline(1)
            exports = wasmtime.Instance(store, module, []).exports(store)
            function, count = exports["f"], exports["n"]
            assert isinstance(function, wasmtime.Func)
            assert isinstance(count, wasmtime.Global)
            with pytest.raises(wasmtime.Trap) as trap:
                function(store)
            assert trap.value.trap_code is wasmtime.TrapCode.STACK_OVERFLOW
            return int(count.value(store))

    assert 3 < frames(256 * 1024) / frames(64 * 1024) < 5


@pytest.mark.parametrize("setting", ["consume_fuel", "epoch_interruption"])
def test_code_compiled_without_a_bound_is_not_loaded(engine: wasmtime.Engine, setting: str) -> None:
    """Code that was compiled with one of these off, and would run without it, is refused."""
    ours = configuration_for(LIMITS)
    wasm = assemble("(module)", "test")
    wasmtime.Module.deserialize(engine, wasmtime.Module(build_engine(ours), wasm).serialize())
    unbounded = wasmtime.Module(build_engine(replace(ours, **{setting: False})), wasm).serialize()
    with pytest.raises(wasmtime.WasmtimeError):
        wasmtime.Module.deserialize(engine, unbounded)
