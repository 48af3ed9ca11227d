from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

from edge.domain.spool import Spool
from edge.store.engine import day_name
from edge.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 8
SPOOLS = (Spool("m1", ""), Spool("m2", "a" * 32), Spool("m2", "b" * 32))
KEY_HEX = "5a" * 32
WRITER = """
import asyncio, pathlib, random, sys
from edge.domain.reading import Quality, SubMeterKind
from edge.domain.spool import Spool
from edge.store.store import Store
from tests.rows import Reading, StoredReading, SubReading, as_batches

QUARTER_MS = 900_000
SPOOLS = [Spool("m1", ""), Spool("m2", "a" * 32), Spool("m2", "b" * 32)]
chance = random.Random(int(sys.argv[3]))
store = Store.open(pathlib.Path(sys.argv[1]), sys.argv[2], memory_bytes_max=2**28, threads_max=1, write_queue_max=10)
newest = store.progress.read().durable

def row(spool, sequence):
    # A spool's days follow each other fast, so that many a commit makes a new file or falls between two.
    time_ms = 20_000 * 86_400_000 + (sequence // 4) * 13 * QUARTER_MS
    sub = SubReading(1, SubMeterKind.GAS, time_ms, volume_l=sequence)
    reading = Reading(sequence, time_ms, energy_import_wh=sequence, sub_readings=(sub,))
    return StoredReading(spool, time_ms, reading, Quality.GOOD, "READING_NEGATIVE" if sequence % 10 == 0 else None)

async def main():
    while True:
        rows = []
        for spool in chance.sample(SPOOLS, chance.randrange(1, 4)):
            first = newest.get(spool, 0) + 1
            newest[spool] = first + chance.randrange(12)
            rows += [row(spool, sequence) for sequence in range(first, newest[spool] + 1)]
        await store.append_readings(as_batches(rows))
        if chance.random() < 0.2:
            await store.sum_up_days()
        print(*(newest.get(spool, 0) for spool in SPOOLS), flush=True)

asyncio.run(main())
"""


def write_until_killed(folder: Path, chance: random.Random) -> list[int]:
    """Returns how far each spool had come, as a writer said before it was killed."""
    arguments = [sys.executable, "-c", WRITER, str(folder), KEY_HEX, str(chance.randrange(1000))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(chance.randrange(1, 20))]
        # It goes on meanwhile, so that the signal meets it anywhere in one of the next commits.
        with contextlib.suppress(subprocess.TimeoutExpired):
            writer.wait(chance.uniform(0, 0.02))
        writer.kill()
        # What it said between the last line read and its end counts too; a line may be cut.
        said += [line for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    return [int(number) for number in said[-1].split()]


def stored(store: Store) -> tuple[Counter[tuple[Spool, int]], Counter[tuple[Spool, int]]]:
    """Returns how often each reading is stored or refused, and how often each gas value is."""
    readings: Counter[tuple[Spool, int]] = Counter()
    subs: Counter[tuple[Spool, int]] = Counter()
    with store.readings._engine.reading() as cursor:
        for day in store.readings._engine.days():
            for table, found in (("readings", readings), ("refused", readings), ("sub_readings", subs)):
                sql = f"SELECT meter_id, spool_id, sequence FROM {day_name(day)}.{table}"
                found.update((Spool(*row[:2]), row[2]) for row in cursor.execute(sql).fetchall())
    return readings, subs


def test_killed_edge_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """After SIGKILL at any moment no acknowledged reading is lost, none is there twice, and no spool has a gap."""
    chance = random.Random(20261123)
    for _ in range(ROUNDS):
        acknowledged = write_until_killed(tmp_path, chance)
        store = Store.open(tmp_path, KEY_HEX, memory_bytes_max=2**28, threads_max=1, write_queue_max=10)
        readings, subs = stored(store)
        durable = store.progress.read().durable
        store.close()
        for spool, sequence in zip(SPOOLS, acknowledged, strict=True):
            assert durable.get(spool, 0) >= sequence
        complete = [(spool, sequence) for spool, last in durable.items() for sequence in range(1, last + 1)]
        assert readings == Counter(complete)
        # A reading and what its gas meter said are stored together.
        assert subs == Counter((spool, sequence) for spool, sequence in complete if sequence % 10)
