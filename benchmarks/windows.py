"""How much faster windows come of roll-ups than of readings.

Makes a day of readings in an encrypted store, takes the same windows of it before and after rolling it up, checks that
they are the same bit for bit, and prints the median of each and their ratio.

    python benchmarks/windows.py
    python benchmarks/windows.py --households 10000 --step 60
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from street import DAY, KEY_HEX, fill_day

from edge.domain.meter import Meter, MeterKind
from edge.domain.slot import DAY_MS
from edge.domain.window import WindowSpec
from edge.store.store import Store
from edge_sdk.catalogue import CATALOGUE

if TYPE_CHECKING:
    from edge.store.samples import Matrix

QUARTER_MS = 900_000
CASES = {
    "power_import, 96 x 15 min": (["power_import"], 96, QUARTER_MS),
    "energy_import, 96 x 15 min": (["energy_import"], 96, QUARTER_MS),
    "import and export, mean, 96 x 15 min": (["power_import", "power_export"], 96, QUARTER_MS),
    "the street's net power, 96 x 15 min": (["neighbourhood.power_net"], 96, QUARTER_MS),
    "power_import, 60 x 1 min": (["power_import"], 60, 60_000),
}
Medians = dict[str, tuple[float, dict[int, "Matrix"]]]


def measure(store: Store, meters: list[Meter], rounds: int) -> Medians:
    """Returns for each case the median time in ms, and what was found."""
    households = [meter.household_id for meter in meters]
    medians: Medians = {}
    for name, (series, samples, resolution_ms) in CASES.items():
        specs = [WindowSpec(CATALOGUE[each], samples, resolution_ms) for each in series]
        times_ms, found = [], {}
        for _ in range(rounds):
            began = time.perf_counter()
            found = store.windows.matrix(specs, (DAY + 1) * DAY_MS, households, meters, 2)
            times_ms.append((time.perf_counter() - began) * 1000)
        medians[name] = (statistics.median(times_ms), found)
    return medians


def main() -> None:
    """Runs it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--households", type=int, default=1_000)
    arguments.add_argument("--step", type=int, default=10, help="Seconds between two readings of a meter.")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    meters = [Meter(f"meter-{n}", f"home-{n}", MeterKind.ELECTRICITY, 0) for n in range(given.households)]
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder), KEY_HEX, memory_bytes_max=2**30, threads_max=2, write_queue_max=10)
        readings = fill_day(store, DAY, given.households, given.step)
        of_readings = measure(store, meters, given.rounds)
        began = time.perf_counter()
        while asyncio.run(store.roll_up((DAY + 3) * DAY_MS)):
            pass
        rolling_s = time.perf_counter() - began
        of_rollups = measure(store, meters, given.rounds)
        store.close()
    same = all(
        np.array_equal(found[place].view(np.int64), of_rollups[name][1][place].view(np.int64))
        for name, (_, found) in of_readings.items()
        for place in found
    )
    result = {
        "households": given.households,
        "readings": readings,
        "rolling_up_s": round(rolling_s, 2),
        "same_bit_for_bit": same,
        "cases": {
            name: {
                "readings_ms": round(slow_ms, 1),
                "rollups_ms": round(of_rollups[name][0], 1),
                "ratio": round(slow_ms / of_rollups[name][0], 1),
            }
            for name, (slow_ms, _) in of_readings.items()
        },
    }
    if given.json:
        print(json.dumps(result))
        return
    print(f"{given.households:,} households, {readings:,} readings; rolled up in {rolling_s:.1f} s")
    print(f"the same bit for bit: {same}")
    for name, case in result["cases"].items():  # type: ignore[attr-defined]
        print(f"  {name:38} readings {case['readings_ms']:8,.1f} ms  roll-ups {case['rollups_ms']:8,.1f} ms", end="")
        print(f"  ratio {case['ratio']:5.1f}")


if __name__ == "__main__":
    main()
