from __future__ import annotations

import threading

import pytest
import wasmtime

from edge.sandbox.assemble import assemble
from edge.sandbox.engine import make_engine
from edge.sandbox.ticker import TICK_S, Ticker, ticks_for
from edge.settings import SandboxLimits


def test_interrupts_an_endless_loop() -> None:
    """Code that fuel would let run for years ends at its deadline."""
    engine = make_engine(SandboxLimits())
    module = wasmtime.Module(engine, assemble('(module (func (export "f") (loop br 0)))', "test"))
    with Ticker(engine), wasmtime.Store(engine) as store:
        store.set_fuel(2**62)
        store.set_epoch_deadline(ticks_for(0.02))
        function = wasmtime.Instance(store, module, []).exports(store)["f"]
        assert isinstance(function, wasmtime.Func)
        with pytest.raises(wasmtime.Trap) as trap:
            function(store)
    assert trap.value.trap_code is wasmtime.TrapCode.INTERRUPT


def test_start_and_stop_can_be_repeated() -> None:
    """However often it is started it is one thread, and after a stop there is none."""
    before = threading.active_count()
    ticker = Ticker(make_engine(SandboxLimits()))
    ticker.start()
    ticker.start()
    assert threading.active_count() == before + 1
    ticker.stop()
    ticker.stop()
    assert threading.active_count() == before
    ticker.start()
    assert threading.active_count() == before + 1
    ticker.stop()


@pytest.mark.parametrize("wall_s", [0.001, TICK_S, 0.015, 1.0])
def test_deadline_is_not_early(wall_s: float) -> None:
    """A deadline leaves the time it is asked for even if the first tick comes at once."""
    assert (ticks_for(wall_s) - 1) * TICK_S >= wall_s
