from __future__ import annotations

import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb
import pytest

from edge.domain.reading import Quality
from edge.domain.slot import DAY_MS
from edge.domain.spool import Spool
from edge.errors import StoreDiskError, StoreError
from edge.store.engine import day_name
from edge.store.store import Store
from tests.rows import Reading, StoredReading, as_batches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.store.arrow import StoredBatch

DAY = 20_000
SPOOL = Spool("m1", "")


def readings(first: int, count: int = 10) -> list[StoredBatch]:
    rows = [
        StoredReading(
            SPOOL, DAY * DAY_MS, Reading(number, DAY * DAY_MS + number, energy_import_wh=number), Quality.GOOD
        )
        for number in range(first, first + count)
    ]
    return as_batches(rows)


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """Lets this process write no file beyond a size, as a quota or a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, "5a" * 32, memory_bytes_max=2**28, threads_max=1, write_queue_max=10)
    yield opened
    opened.close()


def give_up(store: Store, name: str) -> None:
    """Has DuckDB fail to write a log into its file, upon which it does not use the file any more."""
    cursor = store._engine.cursor()
    with files_of_at_most(12_288), pytest.raises(duckdb.Error) as caught:
        cursor.execute(f"CHECKPOINT {name}")
    cursor.close()
    store._engine.note_failure(caught.value)


async def test_a_day_that_was_given_up_comes_back(store: Store) -> None:
    """A file that could not be written is opened again before the next thing is written, with all that was in it."""
    await store.append_readings(readings(1))
    give_up(store, day_name(DAY))
    await store.append_readings(readings(11))
    assert store.readings.count() == (20, 0)
    assert store.progress.read().durable == {SPOOL: 20}


async def test_reading_is_enough_to_notice(store: Store) -> None:
    """Whoever meets a file that was given up while reading is told so, and the next write opens it, whatever it is."""
    await store.append_readings(readings(1))
    cursor = store._engine.cursor()
    with files_of_at_most(12_288), pytest.raises(duckdb.Error):
        cursor.execute(f"CHECKPOINT {day_name(DAY)}")
    cursor.close()
    with pytest.raises(StoreDiskError):
        store.progress.read()
    await store.write(lambda tables: tables.meters.all())
    assert store.progress.read().durable == {SPOOL: 10}


async def test_the_state_comes_back(store: Store) -> None:
    """So does the state."""
    give_up(store, "state")
    assert await store.write(lambda tables: tables.meters.all()) == []
    assert await store.read(lambda tables: tables.meters.all()) == []


async def test_a_day_that_is_not_open_is_not_left_out(store: Store) -> None:
    """Where a day's file is there and not open, nobody is told how far a spool has come without it."""
    await store.append_readings(readings(1))
    store._engine.readings.detach(DAY)
    with pytest.raises(StoreError, match="is not open now"):
        store.progress.read()
    await store.sum_up_days()
    assert store.progress.read().durable == {SPOOL: 10}


async def test_full(store: Store) -> None:
    """What cannot be written for lack of room says so, and nothing of it is there later."""
    await store.append_readings(readings(1))
    with files_of_at_most(0), pytest.raises(StoreDiskError) as caught:
        await store.append_readings(readings(11))
    assert (caught.value.reason, caught.value.fault) == ("STORE_DISK_FULL", "operator")
    await store.append_readings(readings(11))
    assert store.readings.count() == (20, 0)


async def test_no_room_to_rewrite(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day is not rewritten where that would take the room that readings need, and no copy is left over."""
    await store.append_readings(readings(1, 1_000))
    with monkeypatch.context() as patched:
        patched.setattr("edge.store.rewrite._free_bytes", lambda _: 10_000)
        with pytest.raises(StoreDiskError, match="no room to rewrite"):
            await store.rewrite_day(DAY, 0)
    with files_of_at_most(12_288), pytest.raises(StoreError):
        await store.rewrite_day(DAY, 0)
    assert not list(store._engine.readings.folder.glob("*.rewritten*"))
    await store.rewrite_day(DAY, 0)
    assert store.readings.count() == (1_000, 0)
