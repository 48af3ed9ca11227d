from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np

from edge.domain.meter import Meter, MeterKind
from edge.domain.slot import DAY_MS
from edge.domain.window import WindowSpec
from edge.store.store import Store
from edge_sdk.catalogue import CATALOGUE

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 6
DAY = 20_000
KEY_HEX = "5a" * 32
MINUTES = 1_440
# Rolls up, adds late readings, and rewrites, over and over: a signal meets it at any step of each.
KEEPER = """
import asyncio, pathlib, sys
from edge.domain.reading import Quality
from edge.domain.slot import DAY_MS
from edge.domain.spool import Spool
from edge.store.store import Store
from tests.rows import Reading, StoredReading, as_batches

DAY = 20_000
store = Store.open(pathlib.Path(sys.argv[1]), sys.argv[2], memory_bytes_max=2**28, threads_max=1, write_queue_max=10)

def rows(first, count):
    for sequence in range(first, first + count):
        time_ms = DAY * DAY_MS + (sequence * 7 % 1440) * 60_000
        reading = Reading(sequence, time_ms, power_import_w=sequence % 1000, energy_import_wh=sequence % 1440)
        yield StoredReading(Spool("m1", ""), time_ms, reading, Quality.GOOD)

async def main():
    while True:
        newest = max(store.progress.read().durable.values(), default=0)
        await store.append_readings(as_batches(list(rows(newest + 1, 200))))
        print(newest + 200, flush=True)
        while await store.roll_up((DAY + 3) * DAY_MS):
            pass
        await store.rewrite_day(DAY, 0)

asyncio.run(main())
"""


def keep_until_killed(folder: Path, chance: random.Random) -> int:
    """Returns how many readings were acknowledged when the keeper was killed."""
    arguments = [sys.executable, "-c", KEEPER, str(folder), KEY_HEX]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout is not None
        said = [keeper.stdout.readline() for _ in range(chance.randrange(1, 3))]
        with contextlib.suppress(subprocess.TimeoutExpired):
            keeper.wait(chance.uniform(0, 0.8))
        keeper.kill()
        said += [line for line in keeper.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    return int(said[-1])


def windows(store: Store) -> list[bytes]:
    """Returns the windows of the day, as bytes."""
    specs = [WindowSpec(CATALOGUE[name], 96, 900_000) for name in ("power_import", "energy_import")]
    found = store.windows.matrix(specs, (DAY + 1) * DAY_MS, ["h1"], [Meter("m1", "h1", MeterKind.ELECTRICITY, 0)], 1)
    return [np.ascontiguousarray(found[place]).tobytes() for place in range(2)]


def test_killed_while_it_keeps_house(tmp_path: Path) -> None:
    """After SIGKILL at any step of rolling up or rewriting, no reading is lost or doubled and windows are right."""
    chance = random.Random(20261124)
    for _ in range(ROUNDS):
        acknowledged = keep_until_killed(tmp_path, chance)
        store = Store.open(tmp_path, KEY_HEX, memory_bytes_max=2**28, threads_max=1, write_queue_max=10)
        assert store.files.set_aside() == {}
        with store._engine.reading() as cursor:
            rows = cursor.execute(f"SELECT sequence FROM day_{DAY}.readings ORDER BY sequence").fetchall()
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        assert len(rows) >= acknowledged
        found = windows(store)
        # Of readings alone.
        with store._engine.gate.alone():
            store._engine.rollups.remove(DAY)
        assert windows(store) == found
        store.close()
