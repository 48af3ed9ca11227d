from __future__ import annotations

import os
import random
import subprocess
import sys
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
