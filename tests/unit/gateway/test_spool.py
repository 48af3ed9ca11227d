from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.gateway.spool import Spool, SpoolError
from edge_sdk.wire.v1.meter_pb2 import Reading

if TYPE_CHECKING:
    from pathlib import Path


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
    with Spool.open(path, 10) as spool:
        spool.append(readings)
        spool.agree(0)
        assert spool.batch(0, 10) == [
            Reading(sequence=1, time_ms=5, power_import_w=0),
            Reading(sequence=2, time_ms=6, energy_import_wh=7),
        ]


def test_batches_follow_each_other(path: Path) -> None:
    """A batch holds at most its limit and begins after the sequence given."""
    with Spool.open(path, 10) as spool:
        spool.append(made(1, 2, 3))
        spool.agree(0)
        assert sequences(spool.batch(0, 2)) == [1, 2]
        assert sequences(spool.batch(2, 2)) == [3]
        assert spool.batch(3, 2) == []


def test_state_survives_reopening(path: Path) -> None:
    """Base, readings and what was acknowledged are the same after closing and opening."""
    with Spool.open(path, 10) as spool:
        spool.append(made(1, 2, 3))
        spool.agree(40)
        spool.batch(40, 10)
        spool.acknowledge(41)
    with Spool.open(path, 10) as spool:
        assert (spool.base, spool.pending()) == (40, 2)
        spool.append(made(4))
        assert sequences(spool.batch(0, 10)) == [42, 43, 44]


def test_base_is_unknown_before_contact(path: Path) -> None:
    """Nothing has a sequence before the edge has said where it stands."""
    with Spool.open(path, 10) as spool:
        spool.append(made(1))
        assert spool.base is None
        with pytest.raises(ValueError, match="before the edge"):
            spool.batch(0, 1)


def test_lost_spool_goes_on_after_the_edge(path: Path) -> None:
    """A new spool of a known meter numbers its readings after what the edge has, and drops none of them."""
    with Spool.open(path, 10) as spool:
        spool.append(made(1, 2))
        spool.agree(1000)
        assert sequences(spool.batch(1000, 10)) == [1001, 1002]


def test_agreeing_drops_what_the_edge_has(path: Path) -> None:
    """Readings whose acknowledgement was lost with the connection are not sent again."""
    with Spool.open(path, 10) as spool:
        spool.append(made(1, 2, 3))
        spool.agree(0)
        spool.batch(0, 10)
        spool.agree(2)
        assert (spool.base, times(spool.batch(2, 10))) == (0, [3])


def test_edge_that_lost_its_store_is_served(path: Path) -> None:
    """An edge that knows less than it acknowledged is sent what waits, in ascending sequence."""
    with Spool.open(path, 10) as spool:
        spool.append(made(1, 2, 3))
        spool.agree(0)
        spool.batch(0, 2)
        spool.acknowledge(2)
        spool.agree(0)
        assert sequences(spool.batch(0, 10)) == [3]


def test_restored_copy_loses_nothing(path: Path, tmp_path: Path) -> None:
    """After an old copy was put back, readings that the edge has never seen are numbered after what it has."""
    with Spool.open(path, 10) as spool:
        spool.append(made(1, 2))
        spool.agree(0)
        spool.batch(0, 10)
        spool.acknowledge(2)
    shutil.copy(path, tmp_path / "copy.db")
    with Spool.open(path, 10) as spool:
        spool.append(made(3, 4))
        spool.batch(2, 10)
    with Spool.open(tmp_path / "copy.db", 10) as spool:
        # As many as the edge has seen meanwhile, and more: counting rows would not show that these are new.
        spool.append(made(30, 40, 50))
        spool.agree(4)
        waiting = spool.batch(4, 10)
    assert times(waiting) == [30, 40, 50]
    assert min(sequences(waiting)) > 4
    assert sequences(waiting) == sorted(sequences(waiting))


def test_nothing_unsent_is_acknowledged(path: Path) -> None:
    """An acknowledgement of more than was sent takes only what was sent."""
    with Spool.open(path, 10) as spool:
        spool.append(made(1, 2, 3))
        spool.agree(0)
        spool.batch(0, 1)
        spool.acknowledge(99)
        assert times(spool.batch(0, 10)) == [2, 3]


def test_refused_readings_are_kept_aside(path: Path) -> None:
    """A refused reading waits no more, and stays with what the edge said of it."""
    with Spool.open(path, 10) as spool:
        spool.append(made(1, 2, 3))
        spool.agree(10)
        spool.batch(10, 10)
        spool.reject(12, "READING_FROM_FUTURE", "too early")
        spool.reject(12, "READING_FROM_FUTURE", "again")
        assert (spool.pending(), times(spool.batch(10, 10))) == (2, [1, 3])
    with Spool.open(path, 10) as spool:
        (refused,) = spool.rejected(5)
    assert refused.reading == Reading(sequence=12, time_ms=2)
    assert (refused.reason, refused.message) == ("READING_FROM_FUTURE", "too early")


def test_full_spool_drops_the_oldest(path: Path) -> None:
    """Beyond its bound a spool keeps the newest readings, and counts what it dropped."""
    with Spool.open(path, 3) as spool:
        spool.append(made(1, 2))
        spool.append(made(3, 4))
        spool.append(made(5))
        assert (spool.pending(), spool.dropped) == (3, 2)
    with Spool.open(path, 3) as spool:
        spool.agree(0)
        assert times(spool.batch(0, 10)) == [3, 4, 5]
        assert (spool.pending(), spool.dropped) == (3, 2)


def test_refused_readings_are_bounded_too(path: Path) -> None:
    """An edge that refuses everything does not fill the disk; the newest refusals stay."""
    with Spool.open(path, 3) as spool:
        spool.agree(0)
        for time_ms in range(1, 6):
            spool.append(made(time_ms))
            spool.batch(0, 10)
            spool.reject(time_ms, "READING_INVALID", "")
        assert [refused.reading.time_ms for refused in spool.rejected(10)] == [5, 4, 3]


def test_watchers_hear_of_appends(path: Path) -> None:
    """Whoever watches is told after the readings are there."""
    heard: list[int] = []
    with Spool.open(path, 3) as spool:
        spool.watch(lambda: heard.append(spool.pending()))
        spool.append(made(1))
        spool.append([])
        spool.append(made(2))
    assert heard == [1, 2]


def test_second_process_is_kept_out(path: Path) -> None:
    """A spool has one user: a second one is told so, at once."""
    with Spool.open(path, 3), pytest.raises(SpoolError) as caught:
        Spool.open(path, 3)
    assert caught.value.reason == "SPOOL_BUSY"


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
        Spool.open(path, 3)
    assert caught.value.reason == "SPOOL_INVALID"
    assert path.read_bytes() == before


def test_impossible_paths_are_explained(tmp_path: Path) -> None:
    """A folder in place of a file, and a folder that is not there, give an error with advice."""
    for path in (tmp_path, tmp_path / "missing" / "spool.db"):
        with pytest.raises(SpoolError) as caught:
            Spool.open(path, 3)
        assert caught.value.reason == "SPOOL_UNAVAILABLE"
        assert caught.value.advice


def test_full_disk_refuses_and_loses_nothing(path: Path) -> None:
    """When the disk is full an append fails as a whole, what waits stays, and it works again once there is room."""
    with Spool.open(path, 10_000) as spool:
        spool.append(made(1))
        (pages,) = spool._connection.execute("PRAGMA page_count").fetchone()
        spool._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(SpoolError) as caught:
            spool.append(made(*range(2, 5000)))
        assert caught.value.reason == "SPOOL_DISK_FULL"
        assert spool.pending() == 1
        spool._connection.execute("PRAGMA max_page_count = 100000")
        spool.append(made(2))
        spool.agree(0)
        assert times(spool.batch(0, 10_000)) == [1, 2]


def test_read_only_spool_is_explained(path: Path) -> None:
    """A file that may not be written gives an error, not a silence."""
    with Spool.open(path, 10) as spool:
        spool._connection.execute("PRAGMA query_only = ON")
        with pytest.raises(SpoolError) as caught:
            spool.append(made(1))
    assert caught.value.reason == "SPOOL_READ_ONLY"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 5)),
        st.tuples(st.just("send"), st.integers(1, 5)),
        st.tuples(st.just("acknowledge"), st.integers(0, 3)),
        st.tuples(st.just("reconnect"), st.integers(0, 0)),
        st.tuples(st.just("reopen"), st.integers(0, 0)),
        st.tuples(st.just("lose spool"), st.integers(0, 0)),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_an_edge_that_ignores_repeats_gets_everything_once(path: Path, steps: list[tuple[str, int]]) -> None:
    """Whatever happens between them, an edge that drops every sequence it has seen ends with each reading once.

    A reading is numbered by its time here. One that was in a spool that was lost is gone; every other arrives.
    """
    path.unlink(missing_ok=True)
    stored: list[int] = []
    durable = clock = 0
    lost: set[int] = set()
    spool = Spool.open(path, 1000)
    spool.agree(durable)
    for step, count in [*steps, ("reconnect", 0), ("send", 1000)]:
        if step == "append":
            spool.append(made(*range(clock + 1, clock + 1 + count)))
            clock += count
        elif step == "send":
            for reading in spool.batch(durable, count):
                assert reading.sequence > durable
                durable = reading.sequence
                stored.append(reading.time_ms)
        elif step == "acknowledge":
            spool.acknowledge(max(0, durable - count))
        elif step == "reconnect":
            spool.agree(durable)
        else:
            spool.close()
            if step == "lose spool":
                lost |= set(range(1, clock + 1)) - set(stored)
                path.unlink()
            spool = Spool.open(path, 1000)
            spool.agree(durable)
    spool.close()
    assert stored == [time_ms for time_ms in range(1, clock + 1) if time_ms not in lost]
