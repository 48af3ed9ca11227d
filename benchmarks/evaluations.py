"""How much faster batches are than an instance for each household, with inputs written and outcomes read, on one core.

The baseline is what a host does that isolates households in the plainest way: for each a new Store and a new Instance
of the compiled module, its inputs written into the memory, `evaluate` called; with the same fuel and epoch settings.
Both give the same outcomes, which is checked.

The guest sums 96 samples, eight at a time as an optimising compiler would, and compares. Two sizes of memory: 64 KiB,
the least that ordinary toolchains make, and 8 KiB, with pages of a byte.

    python benchmarks/evaluations.py
    python benchmarks/evaluations.py --flat     # the cost of a household from 100 to 100,000 of them
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np
import wasmtime

from edge.sandbox.assemble import assemble
from edge.sandbox.batch import Batch
from edge.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.sandbox.guest import Guest

SAMPLES = 96
MEMORIES = {"64 KiB": "1", "8 KiB": "8192 8192 (pagesize 1)"}
BASELINE_HOUSEHOLDS = 500
ROUNDS = 9


def guest_wat(memory: str) -> str:
    """Returns a module that says 1 where the mean of its window is above one half."""
    loads = "(f64.load (local.get $at))"
    for number in range(1, 8):
        loads = f"(f64.add {loads} (f64.load offset={8 * number} (local.get $at)))"
    return f"""(module
      (memory (export "memory") {memory})
      (func (export "edge_inputs") (result i32) i32.const 1024)
      (func (export "evaluate") (result i32) (local $at i32) (local $sum f64)
        (local.set $at (i32.const 1024))
        (loop $eight
          (local.set $sum (f64.add (local.get $sum) {loads}))
          (br_if $eight
            (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 64))) (i32.const {1024 + 8 * SAMPLES}))))
        (f64.gt (local.get $sum) (f64.const {SAMPLES / 2}))))"""


def one_instance_each(guest: Guest, inputs: NDArray[np.float64]) -> list[int]:
    """Evaluates each household the plainest way."""
    outcomes = []
    for row in inputs:
        store = wasmtime.Store(guest.engine)
        store.set_fuel(guest.limits.fuel_max)
        store.set_epoch_deadline(100)
        exports = guest.instantiable.instantiate(store).exports(store)
        exports["memory"].write(store, bytearray(row.tobytes()), 1024)
        outcomes.append(exports["evaluate"](store))
    return outcomes


def seconds(work: Callable[[], object]) -> float:
    """Returns how long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(sandbox: Sandbox, memory: str, households: int) -> dict[str, float]:
    """Returns the medians in microseconds per household, taken in turns, and their ratio."""
    compiled = sandbox.compile(assemble(guest_wat(memory), "guest"))
    guest = sandbox.load(compiled, input_samples=SAMPLES, actions=1)
    batch = Batch(guest)
    inputs = np.random.default_rng(1).random((households, SAMPLES))
    few = inputs[:BASELINE_HOUSEHOLDS]
    if one_instance_each(guest, few) != batch.evaluate(few).outcomes.tolist():
        raise SystemExit("the two give different outcomes")
    batch.evaluate(inputs)
    slow, fast = [], []
    for _ in range(ROUNDS):
        slow.append(seconds(lambda: one_instance_each(guest, few)) / len(few))
        fast.append(seconds(lambda: batch.evaluate(inputs)) / households)
    baseline, batched = statistics.median(slow) * 1e6, statistics.median(fast) * 1e6
    return {
        "baseline_us": round(baseline, 2),
        "batched_us": round(batched, 3),
        "ratio": round(baseline / batched, 1),
        "evaluations_per_s": round(1e6 / batched),
    }


def flatness(sandbox: Sandbox) -> dict[str, float]:
    """Returns the median microseconds per household for numbers of households, with a memory of 64 KiB."""
    guest = sandbox.load(
        sandbox.compile(assemble(guest_wat(MEMORIES["64 KiB"]), "guest")), input_samples=SAMPLES, actions=1
    )
    batch = Batch(guest)
    inputs = np.random.default_rng(1).random((100_000, SAMPLES))
    batch.evaluate(inputs[:1_000])
    costs = {}
    for households in (100, 1_000, 10_000, 100_000):
        rounds = max(3, min(200, 100_000 // households))
        times = [seconds(lambda: batch.evaluate(inputs[:households])) for _ in range(rounds)]  # noqa: B023 - called here
        costs[str(households)] = round(statistics.median(times) / households * 1e6, 3)
    return costs


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=10_000)
    parser.add_argument("--flat", action="store_true", help="the cost of a household for numbers of households")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with Sandbox() as sandbox:
        if arguments.flat:
            found: dict[str, object] = {"us_per_household": flatness(sandbox)}
        else:
            found = {name: compare(sandbox, memory, arguments.households) for name, memory in MEMORIES.items()}
    if arguments.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(name)
        for label, value in dict(figures).items():  # type: ignore[call-overload]
            print(f"  {label:>20}  {value}")


if __name__ == "__main__":
    main()
