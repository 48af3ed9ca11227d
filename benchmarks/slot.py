"""What a slot with many triggers takes, and how much of it is spent outside the guests.

A real edge in this process, in simulated time: 10,000 households, each with a day of readings and consents, and 20
triggers that look at a day of quarter-hours each: four sets of windows, five triggers to each. About one household in a
hundred gets an action from each. Counted as inside is the time of the calls into WebAssembly, where the driver puts the
guest's memory back, copies inputs in and calls it. The rest is outside: consents, queries, copies, digests, outcomes,
actions, entries of the log, recordings for replay.

Two guests: `mean` compares the mean of its window, which is about as little as a guest can do; `forecast` smooths the
window with sixteen factors and goes by the one that would have foretold it best.

    python benchmarks/slot.py
    python benchmarks/slot.py --guest mean --households 1000 --json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import street as readings

import edge.sandbox.batch
from edge.domain.consent import Consent, ConsentState, SeriesTerms, Terms
from edge.domain.meter import Meter, MeterKind
from edge.domain.slot import DAY_MS
from edge.sandbox.assemble import assemble
from edge_sdk.builder import embed_manifest
from tests.unit.services.conftest import HEARD, SLOT_MS, START_MS, Street, make_manifest

SAMPLES = 96
WINDOWS = ("power_import", "energy_import", "power_net", "power_export")
FACTORS = 16
FIRST_SLOT_MS = START_MS + SLOT_MS

MEAN = f"""(local $at i32) (local $sum f64)
  (loop $each
    (local.set $sum (f64.add (local.get $sum) (f64.load (local.get $at))))
    (br_if $each (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const {8 * SAMPLES}))))
  (f64.gt (f64.div (local.get $sum) (f64.const {SAMPLES})) (f64.const {{threshold}}))"""
FORECAST = f"""(local $at i32) (local $k i32) (local $level f64) (local $off f64) (local $miss f64) (local $factor f64)
  (local $least f64) (local $best f64)
  (local.set $least (f64.const inf))
  (loop $factors
    (local.set $factor (f64.div (f64.convert_i32_s (local.tee $k (i32.add (local.get $k) (i32.const 1))))
      (f64.const {FACTORS + 1})))
    (local.set $level (f64.load (i32.const 0)))
    (local.set $miss (f64.const 0))
    (local.set $at (i32.const 8))
    (loop $each
      (local.set $off (f64.sub (f64.load (local.get $at)) (local.get $level)))
      (local.set $miss (f64.add (local.get $miss) (f64.mul (local.get $off) (local.get $off))))
      (local.set $level (f64.add (local.get $level) (f64.mul (local.get $factor) (local.get $off))))
      (br_if $each (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const {8 * SAMPLES}))))
    (if (f64.lt (local.get $miss) (local.get $least))
      (then (local.set $least (local.get $miss)) (local.set $best (local.get $level))))
    (br_if $factors (i32.lt_u (local.get $k) (i32.const {FACTORS}))))
  (f64.gt (local.get $best) (f64.const {{threshold}}))"""
# What about one household in a hundred is above. No counter of theirs makes a guest act.
GUESTS = {"mean": (MEAN, 1_530), "forecast": (FORECAST, 2_000)}


class Inside:
    """Adds up the time of the calls into WebAssembly."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._call = edge.sandbox.batch.call

    def __call__(self, *arguments: Any) -> object:
        """Calls a function of a guest's store."""
        began = time.perf_counter()
        try:
            return self._call(*arguments)
        finally:
            self.seconds += time.perf_counter() - began


def module(number: int, guest: str) -> bytes:
    """Returns the module of a trigger."""
    body, threshold = GUESTS[guest]
    wat = f"""(module (memory (export "memory") 1)
      (func (export "edge_inputs") (result i32) i32.const 0)
      (func (export "evaluate") (result i32) {body.format(threshold=threshold)}))"""
    manifest = make_manifest(
        name=f"trigger-{number}", series=WINDOWS[number % len(WINDOWS)], window="24h", resolution="15m", action=[HEARD]
    )
    return embed_manifest(assemble(wat, "guest"), manifest)


async def set_up(street: Street, households: int, triggers: int, guest: str) -> None:
    """Lets the households live there, with a day of readings, and the triggers run."""
    await street.set_policy()
    store = street.app._store  # noqa: SLF001 - what takes a household a call is done for thousands here
    day = START_MS // DAY_MS
    for each in (day - 1, day):
        readings.fill_day(store, each, households, 900)
    terms = Terms(
        "acme",
        "advice",
        "Say that the meter was heard.",
        frozenset(SeriesTerms(name, 86_400, 900) for name in WINDOWS),
        frozenset({"recommendation"}),
    )

    def populate(tables: Any) -> None:
        for number in range(households):
            name = f"h{number}"
            tables.meters.insert(Meter(f"meter-{number}", name, MeterKind.ELECTRICITY, 0))
            tables.consents.insert(Consent(f"c{number}", name, terms, ConsentState.GRANTED, 1, START_MS + 365 * DAY_MS))

    await store.write(populate)
    while await store.roll_up(START_MS):
        pass
    for number in range(triggers):
        await street.run_module(module(number, guest))


async def measure(folder: Path, households: int, triggers: int, guest: str, rounds: int) -> dict[str, Any]:
    """Returns the medians over some slots, the first left out: it loads the modules."""
    inside = Inside()
    edge.sandbox.batch.call = inside
    slots: list[tuple[float, float]] = []
    async with Street(folder) as street:
        await set_up(street, households, triggers, guest)
        for number in range(rounds + 1):
            began, before = time.perf_counter(), inside.seconds
            await street.advance(FIRST_SLOT_MS + number * SLOT_MS)
            slots.append((time.perf_counter() - began, inside.seconds - before))
        status = await (await street.operator()).status()
    evaluations = households * triggers
    total_s, inside_s = (statistics.median(column) for column in zip(*slots[1:], strict=True))
    return {
        "guest": guest,
        "households": households,
        "triggers": triggers,
        "evaluations": evaluations,
        "slot_s": round(total_s, 3),
        "inside_s": round(inside_s, 3),
        "outside_share": round(1 - inside_s / total_s, 3),
        "inside_us_per_evaluation": round(inside_s / evaluations * 1e6, 2),
        "outside_us_per_evaluation": round((total_s - inside_s) / evaluations * 1e6, 2),
        "actions_per_slot": round(status.actions / (rounds + 1)),
        "evaluations_done": status.evaluations,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=10_000)
    parser.add_argument("--triggers", type=int, default=20)
    parser.add_argument("--guest", choices=list(GUESTS), default="forecast")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(
            measure(
                Path(folder) / "street", arguments.households, arguments.triggers, arguments.guest, arguments.rounds
            )
        )
    if arguments.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:>28}  {value}")


if __name__ == "__main__":
    main()
