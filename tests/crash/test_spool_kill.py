from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from edge.gateway.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 5
WRITER = """
import itertools, pathlib, random, sys
from edge_sdk.wire.v1.meter_pb2 import Reading
from edge.gateway.spool import Spool

path, first, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
spool = Spool.open(path, 1_000_000, random.Random(seed))
for batch in itertools.count():
    size = 1 + (seed + batch) % 7
    spool.append(Reading(time_ms=first + index) for index in range(size))
    first += size
    print(first, flush=True)
"""


def write_until_killed(path: Path, first: int, chance: random.Random) -> int:
    """Returns one past the last reading that a writer, before it was killed, said it had appended."""
    arguments = [sys.executable, "-c", WRITER, str(path), str(first), str(chance.randrange(1000))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(chance.randrange(1, 60)):
            said = writer.stdout.readline()
        writer.kill()
        # What it said between the last line read and its end counts too; a line may be cut.
        rest = [line for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    return int(rest[-1] if rest else said)


def test_killed_gateway_keeps_what_it_appended(tmp_path: Path) -> None:
    """Readings whose append returned are there after SIGKILL, in order, in one spool, and at most one batch more."""
    path = tmp_path / "spool.db"
    chance = random.Random(20261123)
    first, ids = 0, set[str]()
    for _ in range(ROUNDS):
        appended = write_until_killed(path, first, chance)
        with Spool.open(path, 1_000_000, chance) as spool:
            readings = spool.batch(0, 1_000_000)
            ids.add(spool.id)
        times = [reading.time_ms for reading in readings]
        assert [reading.sequence for reading in readings] == list(range(1, len(times) + 1))
        assert times == list(range(len(times)))
        assert appended <= len(times) <= appended + 7
        first = len(times)
    assert len(ids) == 1


KILLS = 25
FORWARDER = """
import itertools, pathlib, random, sys
from edge_sdk.wire.v1.meter_pb2 import Reading
from edge.gateway.spool import Refusal, Spool

path, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2])
chance = random.Random(seed)
spool = Spool.open(path, 1_000_000, chance)
with open(sys.argv[3], "a", buffering=1) as said:
    for _ in itertools.count():
        size = chance.randrange(1, 6)
        spool.append(Reading(time_ms=1) for _ in range(size))
        said.write(f"kept {size}\\n")
        batch = spool.batch(0, chance.randrange(1, 9))
        for reading in batch:
            said.write(f"sent {reading.sequence}\\n")
        last = batch[chance.randrange(len(batch))].sequence
        # From here on the edge has them; the spool may be killed before it knows.
        said.write(f"durable {last}\\n")
        spool.acknowledge(last, [Refusal(last, "READING_TOO_OLD", "old")] if chance.random() < 0.1 else ())
        said.write(f"let go {last}\\n")
"""


def forward_until_killed(path: Path, said: Path, chance: random.Random) -> None:
    """Runs a spool that is filled and emptied, and kills it at a random moment of its work."""
    arguments = [sys.executable, "-c", FORWARDER, str(path), str(chance.randrange(10**6)), str(said)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    before_bytes = said.stat().st_size
    with subprocess.Popen(arguments, env=environment) as forwarder:
        while said.stat().st_size == before_bytes:
            assert forwarder.poll() is None
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.05))
        forwarder.kill()


def test_killed_gateway_neither_loses_nor_doubles(tmp_path: Path) -> None:
    """However often SIGKILL comes, and between whichever steps, no reading is lost and none is there twice.

    No number is skipped or used again, what was kept and not let go is there, and what was let go does not come back.
    """
    path, said = tmp_path / "spool.db", tmp_path / "said"
    said.touch()
    chance = random.Random(20261124)
    kept = let_go = durable = newest = 0
    for _ in range(KILLS):
        begin_bytes = said.stat().st_size
        forward_until_killed(path, said, chance)
        with said.open() as file:
            file.seek(begin_bytes)
            lines = [line.rsplit(" ", 1) for line in file if line.endswith("\n")]
        kept += sum(int(number) for word, number in lines if word == "kept")
        durable = max([durable, *(int(number) for word, number in lines if word == "durable")])
        let_go = max([let_go, *(int(number) for word, number in lines if word == "let go")])
        with Spool.open(path, 1_000_000, chance) as spool:
            waiting = [reading.sequence for reading in spool.batch(0, 1_000_000)]
            assert spool.dropped == 0
        # Where nothing waits, all that was kept has been let go.
        first, last = (waiting[0], waiting[-1]) if waiting else (kept + 1, kept)
        assert waiting == list(range(first, last + 1))
        # What was let go is gone; what is gone was durable.
        assert let_go < first <= durable + 1
        assert last >= newest
        # An append that was killed before it could say so may have been kept: at most one a kill.
        assert kept <= last <= kept + 5
        kept, newest = last, last
    assert let_go > 100
