from __future__ import annotations

import os
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.gateway.spool import Refusal, Spool
from edge.gateway.spool_error import SpoolCopyError, SpoolError
from edge_sdk.errors import Fault
from edge_sdk.wire.v1.meter_pb2 import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


CHANCE = random.Random(1)


def opened(path: Path, readings_max: int) -> Spool:
    return Spool.open(path, readings_max, CHANCE)


def made(*times_ms: int) -> list[Reading]:
    return [Reading(time_ms=time_ms) for time_ms in times_ms]


def times(readings: list[Reading]) -> list[int]:
    return [reading.time_ms for reading in readings]


def sequences(readings: list[Reading]) -> list[int]:
    return [reading.sequence for reading in readings]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


def test_readings_come_back_in_order(path: Path) -> None:
    """What was appended comes back as it was, numbered from 1 for an edge that has nothing."""
    readings = [Reading(time_ms=5, power_import_w=0), Reading(time_ms=6, energy_import_wh=7)]
    with opened(path, 10) as spool:
        spool.append(readings)
        spool.agree(0, CHANCE)
        assert spool.batch(0, 10) == [
            Reading(sequence=1, time_ms=5, power_import_w=0),
            Reading(sequence=2, time_ms=6, energy_import_wh=7),
        ]


def test_batches_follow_each_other(path: Path) -> None:
    """A batch holds at most its limit and begins after the sequence given."""
    with opened(path, 10) as spool:
        spool.append(made(1, 2, 3))
        spool.agree(0, CHANCE)
        assert sequences(spool.batch(0, 2)) == [1, 2]
        assert sequences(spool.batch(2, 2)) == [3]
        assert spool.batch(3, 2) == []


def test_state_survives_reopening(path: Path) -> None:
    """Id, readings and what was acknowledged are the same after closing and opening; no number is used twice."""
    with opened(path, 10) as spool:
        spool_id = spool.id
        spool.append(made(1, 2))
        spool.batch(0, 10)
        spool.acknowledge(2)
    with opened(path, 10) as spool:
        assert (spool.id, spool.pending()) == (spool_id, 0)
        spool.append(made(3))
        assert sequences(spool.batch(0, 10)) == [3]


def test_every_spool_has_an_id_of_its_own(tmp_path: Path) -> None:
    """The id is 32 lower-case hexadecimal characters, made with the file from the randomness handed in."""
    ids = set()
    for seed in range(200):
        path = tmp_path / f"{seed}.db"
        with Spool.open(path, 10, random.Random(seed)) as spool:
            ids.add(spool.id)
            assert re.fullmatch(r"[0-9a-f]{32}", spool.id)
        if seed > 5:
            path.unlink()
    assert len(ids) == 200


def test_agreeing_drops_what_the_edge_has(path: Path) -> None:
    """Readings whose acknowledgement was lost with the connection are not sent again."""
    with opened(path, 10) as spool:
        spool.append(made(1, 2, 3))
        spool.agree(0, CHANCE)
        spool.batch(0, 10)
        spool.agree(2, CHANCE)
        assert times(spool.batch(2, 10)) == [3]


def test_edge_that_lost_its_store_is_served(path: Path) -> None:
    """An edge that knows less than it acknowledged is sent what waits, in ascending sequence."""
    with opened(path, 10) as spool:
        spool.append(made(1, 2, 3))
        spool.agree(0, CHANCE)
        spool.batch(0, 2)
        spool.acknowledge(2)
        spool.agree(0, CHANCE)
        assert sequences(spool.batch(0, 10)) == [3]


def test_restored_copy_loses_nothing(path: Path, tmp_path: Path) -> None:
    """An old copy that was put back becomes a new spool: readings that the edge never saw are not taken for sent."""
    with opened(path, 10) as spool:
        spool.append(made(1, 2))
        spool.agree(0, CHANCE)
        spool.batch(0, 10)
        spool.acknowledge(2)
        spool_id = spool.id
    shutil.copy(path, tmp_path / "copy.db")
    with opened(path, 10) as spool:
        spool.append(made(3, 4))
        spool.batch(2, 10)
    with opened(tmp_path / "copy.db", 10) as spool:
        # As many as the edge has seen meanwhile, and more: counting rows would not show that these are new.
        spool.append(made(30, 40, 50))
        with pytest.raises(SpoolCopyError, match="3 readings, is sent anew"):
            spool.agree(4, CHANCE)
        renewed_id = spool.id
        assert renewed_id != spool_id
    with opened(tmp_path / "copy.db", 10) as spool:
        assert spool.id == renewed_id
        spool.agree(0, CHANCE)
        waiting = spool.batch(0, 10)
    assert times(waiting) == [30, 40, 50]
    assert sequences(waiting) == [1, 2, 3]


def test_nothing_unsent_is_acknowledged(path: Path) -> None:
    """An acknowledgement of more than was sent takes only what was sent."""
    with opened(path, 10) as spool:
        spool.append(made(1, 2, 3))
        spool.agree(0, CHANCE)
        spool.batch(0, 1)
        spool.acknowledge(99)
        assert times(spool.batch(0, 10)) == [2, 3]


def test_refused_readings_are_kept_aside(path: Path) -> None:
    """A refused reading waits no more, is counted once, and stays with what the edge said of it."""
    refusal = Refusal(2, "READING_FROM_FUTURE", "too early")
    with opened(path, 10) as spool:
        spool.append(made(1, 2, 3))
        spool.batch(0, 10)
        spool.acknowledge(2, [refusal])
        spool.acknowledge(2, [refusal])
        assert (spool.pending(), times(spool.batch(0, 10))) == (1, [3])
    with opened(path, 10) as spool:
        assert spool.refused == 1
        assert spool.refused_readings(5) == [(Reading(sequence=2, time_ms=2), refusal)]


def test_full_spool_drops_the_oldest(path: Path) -> None:
    """Beyond its bound a spool keeps the newest readings, and counts what it dropped."""
    with opened(path, 3) as spool:
        spool.append(made(1, 2))
        spool.append(made(3, 4))
        spool.append(made(5))
        assert (spool.pending(), spool.dropped) == (3, 2)
    with opened(path, 3) as spool:
        spool.agree(0, CHANCE)
        assert times(spool.batch(0, 10)) == [3, 4, 5]
        assert (spool.pending(), spool.dropped) == (3, 2)


def test_refused_readings_are_bounded_too(path: Path) -> None:
    """An edge that refuses everything does not fill the disk: the newest thousand stay, and all are counted."""
    with opened(path, 5000) as spool:
        spool.append(made(*range(1, 2501)))
        spool.batch(0, 5000)
        for last in (1500, 2500):
            spool.acknowledge(last, [Refusal(sequence, "READING_INVALID", "") for sequence in range(1, last + 1)])
        assert spool.refused == 2500
        assert [reading.time_ms for reading, _ in spool.refused_readings(5000)] == list(range(2500, 1500, -1))


def test_watchers_hear_of_appends(path: Path) -> None:
    """Whoever watches is told after the readings are there."""
    heard: list[int] = []
    with opened(path, 3) as spool:
        spool.watch(lambda: heard.append(spool.pending()))
        spool.append(made(1))
        spool.append([])
        spool.append(made(2))
    assert heard == [1, 2]


def test_full_disk_gets_back_what_the_log_took(path: Path) -> None:
    """When the disk is full the spool shortens its log, so that what waits can still be sent."""
    log = path.with_name("spool.db-wal")
    with opened(path, 10_000) as spool:
        for time_ms in range(50):
            spool.append(made(time_ms))
        assert log.stat().st_size > 200_000
        spool._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(SpoolError):
            spool.append(made(*range(5000)))
        assert log.stat().st_size == 0
        assert len(spool.batch(0, 100)) == 50
        spool.acknowledge(50)
        assert spool.pending() == 0


HOLDER = """
import pathlib, random, sys
from edge.gateway.spool import Spool
from edge_sdk.wire.v1.meter_pb2 import Reading

with Spool.open(pathlib.Path(sys.argv[1]), 10, random.Random()) as spool:
    spool.append([Reading(time_ms=7)])
    print("open", flush=True)
    sys.stdin.read()
"""


def test_second_process_is_kept_out(path: Path) -> None:
    """A spool has one user: a second process is told so, and finds all that was spooled once the first has ended."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(SpoolError) as caught:
            opened(path, 3)
        holder.communicate(b"")
    assert caught.value.reason == "SPOOL_BUSY"
    assert "stop that" in caught.value.advice
    with opened(path, 3) as spool:
        assert spool.pending() == 1


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to look at" * 40, None])
def test_other_files_are_left_alone(path: Path, content: bytes | None) -> None:
    """Neither a text nor somebody's database is taken for a spool, and neither is changed."""
    if content is None:
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE theirs (x)")
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(SpoolError) as caught:
        opened(path, 3)
    assert caught.value.reason == "SPOOL_INVALID"
    assert path.read_bytes() == before


def test_impossible_paths_are_explained(tmp_path: Path) -> None:
    """A folder in place of a file, and a folder that is not there, give an error with advice."""
    for path in (tmp_path, tmp_path / "missing" / "spool.db"):
        with pytest.raises(SpoolError) as caught:
            opened(path, 3)
        assert caught.value.reason == "SPOOL_UNAVAILABLE"
        assert caught.value.advice


def test_full_disk_refuses_and_loses_nothing(path: Path) -> None:
    """When the disk is full an append fails as a whole, what waits stays, and it works again once there is room."""
    with opened(path, 10_000) as spool:
        spool.append(made(1))
        (pages,) = spool._connection.execute("PRAGMA page_count").fetchone()
        spool._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(SpoolError) as caught:
            spool.append(made(*range(2, 5000)))
        assert caught.value.reason == "SPOOL_DISK_FULL"
        assert spool.pending() == 1
        spool._connection.execute("PRAGMA max_page_count = 100000")
        spool.append(made(2))
        spool.agree(0, CHANCE)
        assert times(spool.batch(0, 10_000)) == [1, 2]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Gives up root's right to write everything, where the tests have it."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_read_only_spool_is_explained(what: str) -> None:
    """A file that may not be written, or whose folder may not, gives an error with advice; what is in it stays."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spool.db"
        with opened(path, 10) as spool:
            spool.append(made(1))
        path.chmod(0o444 if what == "file" else 0o666)
        Path(folder).chmod(0o777 if what == "file" else 0o555)
        with as_nobody(), pytest.raises(SpoolError) as caught:
            opened(path, 10).append(made(2))
        Path(folder).chmod(0o700)
        path.chmod(0o600)
        assert (caught.value.reason, caught.value.fault) == ("SPOOL_READ_ONLY", Fault.METER)
        assert "Let the gateway write" in caught.value.advice
        with opened(path, 10) as spool:
            assert times(spool.batch(0, 10)) == [1]


def test_damaged_spool_is_explained(path: Path) -> None:
    """A file that the disk has damaged is told as such, whether its pages or only a reading in it suffered."""
    with opened(path, 10_000) as spool:
        spool.append([Reading(time_ms=1, power_import_w=2)] * 5000)
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with pytest.raises(SpoolError) as caught, opened(path, 10_000) as spool:
        spool.batch(0, 5000)
    assert caught.value.reason == "SPOOL_INVALID"
    path.write_bytes(whole.replace(Reading(time_ms=1, power_import_w=2).SerializeToString(), b"\xff" * 4))
    with pytest.raises(SpoolError, match="damaged") as caught, opened(path, 10_000) as spool:
        spool.batch(0, 5000)
    assert caught.value.reason == "SPOOL_INVALID"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 5)),
        st.tuples(st.just("send"), st.integers(1, 5)),
        st.tuples(st.just("acknowledge"), st.integers(0, 3)),
        st.tuples(st.just("reconnect"), st.integers(0, 0)),
        st.tuples(st.just("reopen"), st.integers(0, 0)),
        st.tuples(st.just("lose spool"), st.integers(0, 0)),
        st.tuples(st.just("back up"), st.integers(0, 0)),
        st.tuples(st.just("restore"), st.integers(0, 0)),
    ),
    max_size=25,
)


class Home:
    """A spool, and an edge that drops every sequence of a spool that it has seen. A reading is known by its time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.backup = path.with_suffix(".backup")
        for file in (self.path, self.backup):
            file.unlink(missing_ok=True)
        self.durable: dict[str, int] = {}
        self.stored: list[int] = []
        self.made = 0
        self.in_backup: set[int] = set()
        self.lost: set[int] = set()
        self.restored = False
        self.spool = opened(path, 1000)

    def append(self, count: int) -> None:
        self.spool.append(made(*range(self.made + 1, self.made + 1 + count)))
        self.made += count

    def send(self, count: int) -> None:
        durable = self.durable.get(self.spool.id, 0)
        for reading in self.spool.batch(durable, count):
            assert reading.sequence > durable
            durable = self.durable[self.spool.id] = reading.sequence
            self.stored.append(reading.time_ms)

    def acknowledge(self, behind: int) -> None:
        self.spool.acknowledge(max(0, self.durable.get(self.spool.id, 0) - behind))

    def reconnect(self) -> None:
        try:
            self.spool.agree(self.durable.get(self.spool.id, 0), CHANCE)
        except SpoolCopyError:
            self.spool.agree(self.durable.get(self.spool.id, 0), CHANCE)

    def reopen(self, change: Callable[[], object] = lambda: None) -> None:
        self.spool.close()
        change()
        self.spool = opened(self.path, 1000)
        self.reconnect()

    def lose(self) -> None:
        self.lost |= set(range(1, self.made + 1)) - set(self.stored)
        self.reopen(self.path.unlink)

    def back_up(self) -> None:
        self.in_backup = set(range(1, self.made + 1)) - self.lost
        self.reopen(lambda: shutil.copy(self.path, self.backup))

    def restore(self) -> None:
        if self.backup.exists():
            self.restored = True
            self.lost |= set(range(1, self.made + 1)) - set(self.stored) - self.in_backup
            self.lost -= self.in_backup
            self.reopen(lambda: shutil.copy(self.backup, self.path))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_an_edge_that_ignores_repeats_gets_everything(path: Path, steps: list[tuple[str, int]]) -> None:
    """Whatever happens between them, the edge ends with each reading that was not lost with its file.

    It has each once and in order, unless an old copy was put back: then what had been sent since comes again.
    """
    home = Home(path)
    for step, count in [*steps, ("reconnect", 0), ("send", 1000)]:
        with_count = {"append": home.append, "send": home.send, "acknowledge": home.acknowledge}
        without = {"reconnect": home.reconnect, "reopen": home.reopen, "lose spool": home.lose}
        without |= {"back up": home.back_up, "restore": home.restore}
        if step in with_count:
            with_count[step](count)
        else:
            without[step]()
    home.spool.close()
    assert set(home.stored) == set(range(1, home.made + 1)) - home.lost
    assert home.restored or home.stored == sorted(set(home.stored))


def test_limited_file_refuses_and_loses_nothing(path: Path) -> None:
    """A limit that the system sets on a file's size is a full disk too: it stops appends, and nothing else."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(path, 100_000) as spool:
        spool.append(made(1, 2, 3))
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
            with pytest.raises(SpoolError) as caught:
                spool.append(made(*range(20_000)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert caught.value.reason == "SPOOL_DISK_FULL"
        assert times(spool.batch(0, 10)) == [1, 2, 3]
        spool.append(made(4, 5))
        assert times(spool.batch(0, 10)) == [1, 2, 3, 4, 5]
