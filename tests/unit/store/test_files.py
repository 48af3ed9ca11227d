from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.domain.meter import Meter, MeterKind
from edge.domain.reading import Counters, Quality
from edge.domain.slot import DAY_MS
from edge.domain.spool import Spool
from edge.domain.window import WindowSpec
from edge.errors import StoreCorruptError, StoreError
from edge_sdk.catalogue import CATALOGUE
from tests.rows import Reading, StoredReading, as_batches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.store.store import Store

    OpenStore = Callable[[], Store]

DAY = 20_000
QUARTER_MS = 900_000
METERS = [Meter("m1", "h1", MeterKind.ELECTRICITY, 0)]
FIRST, SECOND = Spool("m1", "a" * 32), Spool("m1", "b" * 32)


def rows(day: int, first: int, count: int = 96, spool: Spool = FIRST) -> list[StoredReading]:
    """Returns a reading of each quarter-hour of a day, from a sequence on."""
    return [
        StoredReading(
            spool,
            day * DAY_MS + number * QUARTER_MS,
            Reading(
                first + number,
                day * DAY_MS + number * QUARTER_MS,
                power_import_w=number,
                energy_import_wh=first + number,
            ),
            Quality.GOOD,
        )
        for number in range(count)
    ]


def day_of_power(store: Store, day: int) -> list[float]:
    """Returns the quarter-hours of a day."""
    spec = WindowSpec(CATALOGUE["power_import"], 96, QUARTER_MS)
    return store.windows.matrix([spec], (day + 1) * DAY_MS, ["h1"], METERS, 1)[0][0].tolist()  # type: ignore[no-any-return]


async def remove(store: Store, day: int) -> None:
    """Removes a day's readings."""
    await store.remove_readings(day, 7, lambda *_: None)


async def test_removed_day(tmp_path: Path, open_store: OpenStore) -> None:
    """A removed day leaves its roll-ups and how far spools had come; its file is gone and does not begin anew."""
    store = open_store()
    await store.append_readings(as_batches(rows(DAY, 1) + rows(DAY, 1, 5, SECOND)))
    await store.append_readings(as_batches(rows(DAY + 1, 97, 3)))
    before = (store.progress.read(), store.readings.count(), day_of_power(store, DAY))
    await remove(store, DAY)
    assert [path.name for path in (tmp_path / "readings").iterdir() if path.suffix == ".duckdb"] == [
        "2024-10-05.duckdb"
    ]
    for _ in range(2):
        assert (store.progress.read(), store.readings.count(), day_of_power(store, DAY)) == before
        assert store.files.removed_until == DAY
        with pytest.raises(StoreError, match="were removed meanwhile"):
            await store.append_readings(as_batches(rows(DAY, 100, 1)))
        store.close()
        store = open_store()
    store.close()


async def test_all_days_of_a_spool_removed(store: Store) -> None:
    """What spools reached, and a meter's newest counters, outlast every reading there was of them."""
    await store.append_readings(as_batches(rows(DAY, 1, 10) + rows(DAY + 1, 11, 10)))
    await store.append_readings(as_batches(rows(DAY + 1, 4, 1, SECOND)))
    for day in (DAY, DAY + 1):
        await remove(store, day)
    progress = store.progress.read()
    assert progress.durable == {FIRST: 20, SECOND: 4}
    newest_ms = (DAY + 1) * DAY_MS + 9 * QUARTER_MS
    assert progress.newest == {"m1": Counters(newest_ms, 20, None)}
    assert progress.received_ms == newest_ms


async def test_removal_that_was_cut_short(tmp_path: Path, open_store: OpenStore) -> None:
    """Where a crash came between the record and the unlink, doing it again counts nothing twice."""
    store = open_store()
    await store.append_readings(as_batches(rows(DAY, 1)))
    kept = tmp_path / "readings" / "2024-10-04.duckdb"
    store.close()
    content = kept.read_bytes()
    store = open_store()
    await remove(store, DAY)
    store.close()
    kept.write_bytes(content)
    store = open_store()
    assert store.readings.count() == (96, 0)
    assert store.progress.read().durable == {FIRST: 96}
    await remove(store, DAY)
    assert not kept.exists()
    assert store.readings.count() == (96, 0)
    store.close()


async def test_removal_waits_for_readers(store: Store) -> None:
    """A file is not taken from under a reader: removing it fails and is done again later."""
    await store.append_readings(as_batches(rows(DAY, 1)))
    with store._engine.reading(), pytest.raises(StoreError, match="being read"):
        await remove(store, DAY)
    await remove(store, DAY)
    assert store._engine.days() == []


@pytest.mark.parametrize("name", ["readings", "rollups"])
async def test_damage_that_a_window_meets(tmp_path: Path, open_store: OpenStore, name: str) -> None:
    """Damage deep in one file makes that day NaN, or takes its roll-ups; the window has the other day all the same."""
    store = open_store()
    await store.append_readings(as_batches(rows(DAY, 1) + rows(DAY + 1, 97)))
    if name == "rollups":
        while await store.roll_up((DAY + 4) * DAY_MS):
            pass
    store.close()
    file = tmp_path / name / "2024-10-04.duckdb"
    content = bytearray(file.read_bytes())
    for place in range(20_000, len(content), 4_096):
        content[place] ^= 1
    file.write_bytes(content)
    store = open_store()
    expected = [float("nan") if name == "readings" else float(number) for number in range(96)]
    assert np.array_equal(day_of_power(store, DAY), expected, equal_nan=True)
    assert day_of_power(store, DAY + 1) == list(range(96))
    assert any(file.startswith(f"{name}-2024-10-04") for file in store.files.set_aside())
    if name == "readings":
        assert store.progress.read().durable == {FIRST: 192}
        await store.append_readings(as_batches(rows(DAY, 193)))
        assert day_of_power(store, DAY) == list(range(96))
    store.close()


async def test_damage_of_the_day_that_is_written_to(tmp_path: Path, open_store: OpenStore) -> None:
    """A damaged file of today does not stop readings: it is set aside and the day goes on in a fresh one."""
    store = open_store()
    await store.append_readings(as_batches(rows(DAY, 1, 10)))
    store.close()
    (tmp_path / "readings" / "2024-10-04.duckdb").write_bytes(b"")
    store = open_store()
    await store.append_readings(as_batches(rows(DAY, 11, 10)))
    assert store.progress.read().durable == {FIRST: 20}
    assert store.readings.count() == (10, 0)
    store.close()


async def test_rewritten_day(tmp_path: Path, open_store: OpenStore) -> None:
    """A rewritten day says the same, in less room where much was deleted, and takes late readings as before."""
    store = open_store()
    for turn in range(3):
        await store.append_readings(as_batches(rows(DAY, 1 + turn * 96)))
        while await store.roll_up((DAY + 4) * DAY_MS):
            pass
    with store._engine.reading() as cursor:
        cursor.execute(
            f"INSERT INTO day_{DAY}.refused SELECT 'm1', '', i, i, i, hash(i)::VARCHAR, 'why' FROM range(200000) t(i)"
        )
        cursor.execute(f"DELETE FROM day_{DAY}.refused")
        cursor.execute(f"CHECKPOINT day_{DAY}")
    before = (store.progress.read(), store.readings.count(), day_of_power(store, DAY))
    (full,) = store.files.days()
    await store.rewrite_day(DAY, 7)
    (left,) = store.files.days()
    assert left.readings_bytes < full.readings_bytes / 2
    assert store.read_now(lambda tables: tables.housekeeping.rewritten_days()) == {DAY}
    for _ in range(2):
        assert (store.progress.read(), store.readings.count(), day_of_power(store, DAY)) == before
        store.close()
        store = open_store()
    await store.append_readings(as_batches(rows(DAY, 300, 1)))
    assert store.readings.count() == (289, 0)
    store.close()


async def test_day_that_changes_while_it_is_rewritten(store: Store) -> None:
    """A copy that a late reading is missing from is not put in place."""
    await store.append_readings(as_batches(rows(DAY, 1)))
    copy = await asyncio.to_thread(store._rewriter.copy, DAY)
    await store.append_readings(as_batches(rows(DAY, 97, 1)))
    with pytest.raises(StoreError, match="was added to"):
        store._rewriter.swap(copy)
    assert store.readings.count() == (97, 0)
    await store.rewrite_day(DAY, 7)
    assert store.readings.count() == (97, 0)


async def test_unfinished_copy_is_deleted(tmp_path: Path, open_store: OpenStore) -> None:
    """What a crash left of a copy is gone after the next start."""
    store = open_store()
    await store.append_readings(as_batches(rows(DAY, 1)))
    store.close()
    for name in ("2024-10-04.rewritten", "2024-10-04.rewritten.wal"):
        (tmp_path / "readings" / name).write_bytes(b"half")
    store = open_store()
    assert sorted(path.name for path in (tmp_path / "readings").iterdir()) == ["2024-10-04.duckdb"]
    store.close()


async def test_closing_breaks_off_a_copy(store: Store) -> None:
    """An edge that stops does not wait for a day to be rewritten; the file stays as it was."""
    await store.append_readings(as_batches(rows(DAY, 1)))
    store._rewriter.close()
    with pytest.raises(StoreError, match="closed"):
        await store.rewrite_day(DAY, 7)
    assert store.readings.count() == (96, 0)


async def test_clock_that_steps_back(store: Store) -> None:
    """Readings that came before the clock was set back stay where they are, roll-ups included; those after follow."""
    await store.append_readings(as_batches(rows(DAY, 1)))
    while await store.roll_up((DAY + 4) * DAY_MS):
        pass
    assert not await store.roll_up((DAY + 4) * DAY_MS - 3_600_000)
    await store.append_readings(as_batches(rows(DAY, 97, 4)))
    assert store.progress.read().durable == {FIRST: 100}
    assert day_of_power(store, DAY) == list(range(96))


async def test_state_damage_stops_the_start(tmp_path: Path, open_store: OpenStore) -> None:
    """Without its state an edge does not begin anew as if nothing had been: it says what to do."""
    open_store().close()
    (tmp_path / "edge.duckdb").write_bytes(b"gone")
    with pytest.raises(StoreCorruptError) as caught:
        open_store()
    assert "edge store restore" in caught.value.advice


async def test_damage_deep_in_the_day_that_is_written_to(tmp_path: Path, open_store: OpenStore) -> None:
    """Where it is a window that finds today's file damaged, readings that are sent after that are taken and found."""
    store = open_store()
    for turn in range(3):
        await store.append_readings(as_batches(rows(DAY, 1 + turn * 96)))
    store.close()
    file = tmp_path / "readings" / "2024-10-04.duckdb"
    content = bytearray(file.read_bytes())
    for place in range(20_000, len(content), 4_096):
        content[place] ^= 1
    file.write_bytes(content)
    store = open_store()
    assert np.isnan(day_of_power(store, DAY)).all()
    await store.append_readings(as_batches(rows(DAY, 299, 10)))
    assert day_of_power(store, DAY)[:10] == list(range(10))
    store.close()


@pytest.mark.parametrize("work", ["sum_up_days", "roll_up", "rewrite_day"])
async def test_damage_that_housekeeping_meets(tmp_path: Path, open_store: OpenStore, work: str) -> None:
    """Summing up, which every start does, rolling up and rewriting set a damaged day aside and see to the others."""
    store = open_store()
    for turn in range(3):
        await store.append_readings(as_batches(rows(DAY, 1 + turn * 96)))
    store.close()
    file = tmp_path / "readings" / "2024-10-04.duckdb"
    content = bytearray(file.read_bytes())
    for place in range(20_000, len(content), 4_096):
        content[place] ^= 1
    file.write_bytes(content)
    store = open_store()
    await store.append_readings(as_batches(rows(DAY + 1, 289, 10)))
    arguments = {"sum_up_days": (), "roll_up": ((DAY + 5) * DAY_MS,), "rewrite_day": (DAY, 7)}[work]
    while await getattr(store, work)(*arguments):
        pass
    assert list(store.files.set_aside()) == ["readings-2024-10-04-1.duckdb"]
    assert store.readings.count() == (10, 0)
    store.close()


async def test_damaged_log_does_not_keep_a_day_from_being_rewritten(tmp_path: Path, open_store: OpenStore) -> None:
    """A log that DuckDB takes nothing from goes when the day is rewritten; the day is whole."""
    store = open_store()
    await store.append_readings(as_batches(rows(DAY, 1)))
    store.close()
    log = tmp_path / "readings" / "2024-10-04.duckdb.wal"
    log.write_bytes(b"no log" * 1_000)
    store = open_store()
    await store.rewrite_day(DAY, 7)
    assert not log.exists()
    assert store.readings.count() == (96, 0)
    store.close()
