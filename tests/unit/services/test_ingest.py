from __future__ import annotations

import asyncio
import itertools
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.clock import SimulatedClock
from edge.domain.meter import Meter, MeterKind
from edge.domain.reading import Reading
from edge.errors import InvalidRequestError, StoreError
from edge.metrics import Metrics
from edge.services.ingest import Acknowledgement, Ingest
from edge.settings import IngestSection
from edge.store.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from pathlib import Path

DAY_MS = 86_400_000
NOW_MS = 20_623 * DAY_MS + 8 * 3_600_000
DAY_FILE = "2026-06-19.duckdb"
METERS = ("m1", "m2")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(data: Path) -> Iterator[Store]:
    opened = Store.open(data, "5e" * 32, memory_bytes_max=256 * 1024 * 1024, threads_max=1, write_queue_max=100)
    yield opened
    opened.close()


@pytest.fixture
async def ingest(store: Store) -> AsyncIterator[Ingest]:
    """An ingest that knows the meters `METERS`."""
    for meter in METERS:
        await enrol(store, meter)
    running = new_ingest(store)
    await running.start()
    yield running
    await running.stop()


def new_ingest(store: Store, **changes: int) -> Ingest:
    return Ingest(store, IngestSection(**{"flush_ms": 1, **changes}), SimulatedClock(NOW_MS), Metrics())


async def enrol(store: Store, meter: str) -> None:
    await store.write(lambda tables: tables.meters.insert(Meter(meter, "h1", MeterKind.ELECTRICITY, NOW_MS)))


def made(first: int, last: int) -> list[Reading]:
    return [Reading(sequence, NOW_MS - 3_600_000 + sequence, power_import_w=100) for sequence in range(first, last + 1)]


async def sent(ingest: Ingest, meter: str, *batches: Sequence[Reading]) -> list[Acknowledgement]:
    """What a new stream is answered to batches that it sends without waiting for answers."""
    resume = await ingest.resume_point(meter)
    tasks = [asyncio.create_task(ingest.accept(meter, batch, resume)) for batch in batches]
    return await asyncio.gather(*tasks)


async def stored(store: Store, meter: str) -> list[int]:
    """The sequences of a meter's readings on disk."""
    with store._engine.reading() as cursor:
        days = [f"SELECT meter_id, sequence FROM day_{day}.readings" for day in store._engine.days()]
        sql = f"SELECT sequence FROM ({' UNION ALL '.join(days)}) WHERE meter_id = ? ORDER BY sequence"
        return [row[0] for row in cursor.execute(sql, [meter]).fetchall()]


@asynccontextmanager
async def silent_disk(store: Store) -> AsyncIterator[None]:
    """Within it, nothing is written: the writer is kept busy."""
    kept, enough = threading.Event(), threading.Event()

    def keep(_: object) -> None:
        kept.set()
        enough.wait()

    busy = asyncio.create_task(store.write(keep))
    await asyncio.to_thread(kept.wait)
    try:
        yield
    finally:
        enough.set()
        await busy


async def until(what: Callable[[], bool]) -> None:
    while not what():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0)


async def test_acknowledged_only_once_durable(store: Store, ingest: Ingest) -> None:
    """While the disk does not answer nothing is acknowledged; what is acknowledged is on disk."""
    async with silent_disk(store):
        accepting = asyncio.create_task(sent(ingest, "m1", made(1, 3)))
        await until(lambda: not store._writer._queue.empty())
        assert not accepting.done()
    assert await accepting == [Acknowledgement(3)]
    assert store.progress.read().durable == {"m1": 3}


async def test_duplicates_are_passed_over(store: Store, ingest: Ingest) -> None:
    """Readings that come again, in whatever batches, are acknowledged and not stored again; so after a restart."""
    assert await sent(ingest, "m1", made(1, 4)) == [Acknowledgement(4)]
    assert await sent(ingest, "m1", made(1, 2), made(3, 6)) == [Acknowledgement(6), Acknowledgement(6)]
    await ingest.stop()
    again = new_ingest(store)
    await again.start()
    assert (await again.resume_point("m1")).sequence == 6
    assert await sent(again, "m1", made(5, 7)) == [Acknowledgement(7)]
    await again.stop()
    assert await stored(store, "m1") == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("sequences", "reason"),
    [
        ([1, 2, 3, 4], "BATCH_TOO_LARGE"),
        ([2, 2], "SEQUENCE_NOT_ASCENDING"),
        ([2, 1], "SEQUENCE_NOT_ASCENDING"),
        ([0], "SEQUENCE_NOT_ASCENDING"),
        ([2**63], "SEQUENCE_NOT_ASCENDING"),
    ],
)
async def test_batches_that_break_the_contract(store: Store, sequences: list[int], reason: str) -> None:
    """A batch that is too large or does not ascend is refused whole, and with it all that follows in its stream."""
    await enrol(store, "m1")
    ingest = new_ingest(store, batch_readings_max=3)
    await ingest.start()
    resume = await ingest.resume_point("m1")
    with pytest.raises(InvalidRequestError) as caught:
        await ingest.accept("m1", [Reading(sequence, NOW_MS) for sequence in sequences], resume)
    assert caught.value.reason == reason
    with pytest.raises(StoreError):
        await ingest.accept("m1", [Reading(5, NOW_MS)], resume)
    assert await sent(ingest, "m1", made(1, 3)) == [Acknowledgement(3)]
    await ingest.stop()


REFUSED = {
    "READING_FROM_FUTURE": Reading(2, NOW_MS + 120_001),
    "READING_TOO_OLD": Reading(4, NOW_MS - 35 * DAY_MS - 1),
    "READING_NEGATIVE": Reading(6, NOW_MS, energy_export_wh=-1),
    "READING_IMPLAUSIBLE": Reading(8, NOW_MS, power_import_w=100_001),
}


async def test_what_cannot_be_true_is_refused_one_by_one(store: Store, ingest: Ingest) -> None:
    """Each impossible reading is refused with its reason and recorded; the others are kept, the sequence moves on."""
    good = [Reading(sequence, NOW_MS, power_import_w=0) for sequence in (1, 3, 5, 7, 9)]
    batch = sorted([*good, *REFUSED.values()], key=lambda reading: reading.sequence)
    (answer,) = await sent(ingest, "m1", batch)
    assert answer.durable_sequence == 9
    assert [(item.sequence, item.reason) for item in answer.rejections] == list(zip((2, 4, 6, 8), REFUSED, strict=True))
    assert all(len(item.message) > 20 for item in answer.rejections)
    assert await stored(store, "m1") == [1, 3, 5, 7, 9]
    assert store.readings.count() == (5, 4)
    assert await sent(ingest, "m1", batch) == [Acknowledgement(9)], "refused once and for all"


async def test_a_batch_of_only_refused_readings(store: Store, ingest: Ingest) -> None:
    """A meter whose clock is wrong gets on: what is refused is acknowledged, also after a restart."""
    (answer,) = await sent(ingest, "m1", [Reading(1, 0), Reading(2, 0)])
    assert (answer.durable_sequence, len(answer.rejections)) == (2, 2)
    assert store.progress.read().durable == {"m1": 2}


async def test_empty_batch(ingest: Ingest) -> None:
    """A batch without readings is answered with what is durable."""
    await sent(ingest, "m1", made(1, 2))
    assert await sent(ingest, "m1", []) == [Acknowledgement(2)]


async def test_meters_share_a_commit(store: Store) -> None:
    """Readings of many meters that come together are committed together; a full group does not wait for the clock."""
    for meter in METERS:
        await enrol(store, meter)
    ingest = new_ingest(store, flush_readings=6, flush_ms=60_000)
    await ingest.start()
    answers = await asyncio.gather(*(sent(ingest, meter, made(1, 3)) for meter in METERS))
    assert answers == [[Acknowledgement(3)], [Acknowledgement(3)]]
    assert ingest._metrics.registry.get_sample_value("edge_commit_seconds_count") == 1
    await ingest.stop()


async def test_stop_commits_what_waits(store: Store) -> None:
    """Stopping commits and acknowledges what was taken on, and does not wait for the flush interval."""
    await enrol(store, "m1")
    ingest = new_ingest(store, flush_ms=60_000)
    await ingest.start()
    accepting = asyncio.create_task(sent(ingest, "m1", made(1, 3)))
    await until(lambda: ingest._group is not None)
    await ingest.stop()
    assert await accepting == [Acknowledgement(3)]


async def test_stop_lets_the_commit_under_way_finish(store: Store) -> None:
    """A commit that is under way when the edge stops is finished, and those who wait for it are answered."""
    await enrol(store, "m1")
    ingest = new_ingest(store)
    await ingest.start()
    async with silent_disk(store):
        accepting = asyncio.create_task(sent(ingest, "m1", made(1, 3)))
        await until(lambda: not store._writer._queue.empty())
        stopping = asyncio.create_task(ingest.stop())
        await asyncio.sleep(0)
    await stopping
    assert await accepting == [Acknowledgement(3)]


async def test_failing_store(store: Store, ingest: Ingest, data: Path) -> None:
    """When the disk refuses, all who wait are told; once it is well again all is accepted, none lost and none twice."""
    blocked = data / "readings" / DAY_FILE
    blocked.mkdir()
    resume = {meter: await ingest.resume_point(meter) for meter in METERS}
    waiting = [ingest.accept(meter, made(first, first + 9), resume[meter]) for meter in METERS for first in (1, 11, 21)]
    failures = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(failure) for failure in failures] == [StoreError] * 6
    blocked.rmdir()
    for meter in METERS:
        assert (await ingest.resume_point(meter)).sequence == 0
        assert (await sent(ingest, meter, made(1, 20), made(21, 40)))[-1] == Acknowledgement(40)
        assert await stored(store, meter) == list(range(1, 41))


async def test_what_follows_a_failed_batch_is_not_stored(store: Store, ingest: Ingest, data: Path) -> None:
    """A batch that was on its way behind one that failed is refused: else what failed would count as a duplicate."""
    blocked = data / "readings" / DAY_FILE
    blocked.mkdir()
    resume = await ingest.resume_point("m1")
    with pytest.raises(StoreError):
        await ingest.accept("m1", made(1, 10), resume)
    blocked.rmdir()
    with pytest.raises(StoreError):
        await ingest.accept("m1", made(11, 20), resume)
    assert await sent(ingest, "m2", made(1, 5)) == [Acknowledgement(5)]
    assert (await ingest.resume_point("m1")).sequence == 0
    assert await sent(ingest, "m1", made(1, 20)) == [Acknowledgement(20)]
    assert await stored(store, "m1") == list(range(1, 21))


async def test_one_meters_failure_is_not_anothers(ingest: Ingest, data: Path) -> None:
    """A stream that had nothing in a failed commit goes on as if nothing had happened."""
    resume = await ingest.resume_point("m2")
    await ingest.accept("m2", made(1, 5), resume)
    # The day before, whose file does not exist yet.
    blocked = data / "readings" / "2026-06-18.duckdb"
    blocked.mkdir()
    with pytest.raises(StoreError):
        await sent(ingest, "m1", [Reading(1, NOW_MS - DAY_MS)])
    assert await ingest.accept("m2", made(6, 9), resume) == Acknowledgement(9)


def _cuts(readings: list[Reading], places: list[int]) -> list[list[Reading]]:
    edges = [0, *sorted({place % len(readings) for place in places}), len(readings)]
    return [readings[begin:end] for begin, end in itertools.pairwise(edges) if begin < end]


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_streams_of_one_meter(store: Store, data: st.DataObject) -> None:
    """Two streams of one meter, however they cut and interleave their batches, store each reading once."""
    meter = f"m{len(store.read_now(lambda tables: tables.meters.all()))}"
    places = st.lists(st.integers(1, 29), max_size=5)
    streams = [_cuts(made(1, 30), data.draw(places)), _cuts(made(1, 30), data.draw(places))]
    order = data.draw(st.permutations([0] * len(streams[0]) + [1] * len(streams[1])))

    async def deliver() -> list[Acknowledgement]:
        await enrol(store, meter)
        ingest = new_ingest(store)
        await ingest.start()
        resume = [await ingest.resume_point(meter) for _ in streams]
        tasks = []
        for which in order:
            batch = streams[which].pop(0)
            tasks.append(asyncio.create_task(ingest.accept(meter, batch, resume[which])))
            for _ in range(len(batch) % 3):
                await asyncio.sleep(0)
        answers = await asyncio.gather(*tasks)
        await ingest.stop()
        return answers

    assert asyncio.run(deliver())[-1].durable_sequence == 30
    assert asyncio.run(stored(store, meter)) == list(range(1, 31))
