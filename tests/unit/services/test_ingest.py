from __future__ import annotations

import asyncio
import itertools
import threading
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.clock import SimulatedClock
from edge.domain.meter import Meter, MeterKind
from edge.domain.spool import Spool
from edge.errors import Category, ClockError, ConflictError, Fault, InvalidRequestError, LimitError, StoreError
from edge.metrics import Metrics
from edge.services.ingest import Ingest
from edge.services.stream import Acknowledgement, Stream, Taken
from edge.settings import IngestSection
from edge.store.store import Store
from tests.rows import Reading, batch_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from pathlib import Path

DAY_MS = 86_400_000
NOW_MS = 20_623 * DAY_MS + 8 * 3_600_000
DAY_FILE = "2026-06-19.duckdb"
METERS = ("m1", "m2")
SPOOL_ID, OTHER_SPOOL_ID = "0f" * 16, "1e" * 16
M1 = Spool("m1", SPOOL_ID)


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


async def take(ingest: Ingest, stream: Stream, batch: Sequence[Reading]) -> Taken:
    """Takes the next batch of a stream on."""
    return await ingest.accept(stream, lambda: batch_of(batch), len(batch))


async def sent(
    ingest: Ingest, meter: str, *batches: Sequence[Reading], spool_id: str = SPOOL_ID
) -> list[Acknowledgement]:
    """What a new stream is answered to batches that it sends without waiting for answers."""
    async with ingest.stream(meter, spool_id) as stream:
        taken = [await take(ingest, stream, batch) for batch in batches]
        return [await batch.acknowledged() for batch in taken]


async def resumes_at(ingest: Ingest, meter: str, spool_id: str = SPOOL_ID) -> int:
    """Where a new stream begins."""
    async with ingest.stream(meter, spool_id) as stream:
        return stream.resume_sequence


async def stored(store: Store, meter: str, spool_id: str = SPOOL_ID) -> list[int]:
    """The sequences of a spool's readings on disk."""
    with store._engine.reading() as cursor:
        days = [f"SELECT meter_id, spool_id, sequence FROM day_{day}.readings" for day in store._engine.days()]
        sql = f"SELECT sequence FROM ({' UNION ALL '.join(days)}) WHERE meter_id = ? AND spool_id = ? ORDER BY sequence"
        return [row[0] for row in cursor.execute(sql, [meter, spool_id]).fetchall()]


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
    assert store.progress.read().durable == {M1: 3}


async def test_duplicates_are_passed_over(store: Store, ingest: Ingest) -> None:
    """Readings that come again, in whatever batches, are acknowledged and not stored again; so after a restart."""
    assert await sent(ingest, "m1", made(1, 4)) == [Acknowledgement(4)]
    assert await sent(ingest, "m1", made(1, 2), made(3, 6)) == [Acknowledgement(4), Acknowledgement(6)]
    await ingest.stop()
    again = new_ingest(store)
    await again.start()
    assert await resumes_at(again, "m1") == 6
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
        ([-(2**63)], "SEQUENCE_NOT_ASCENDING"),
    ],
)
async def test_batches_that_break_the_contract(store: Store, sequences: list[int], reason: str) -> None:
    """A batch that is too large or does not ascend is refused whole, and with it all that follows in its stream."""
    await enrol(store, "m1")
    ingest = new_ingest(store, batch_readings_max=3)
    await ingest.start()
    async with ingest.stream("m1", SPOOL_ID) as stream:
        for batch in ([Reading(sequence, NOW_MS) for sequence in sequences], [Reading(5, NOW_MS)]):
            with pytest.raises(InvalidRequestError) as caught:
                await take(ingest, stream, batch)
            assert caught.value.reason == reason
    assert await sent(ingest, "m1", made(1, 3)) == [Acknowledgement(3)]
    await ingest.stop()


REFUSED = {
    "READING_FROM_FUTURE": Reading(2, NOW_MS + DAY_MS + 1),
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
    assert store.progress.read().durable == {M1: 2}


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
    await until(lambda: bool(ingest._commit._groups))
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
    async with AsyncExitStack() as streams:
        taken = []
        for meter in METERS:
            stream = await streams.enter_async_context(ingest.stream(meter, SPOOL_ID))
            taken += [await take(ingest, stream, made(first, first + 9)) for first in (1, 11, 21)]
        failures = await asyncio.gather(*(batch.acknowledged() for batch in taken), return_exceptions=True)
        assert [type(failure) for failure in failures] == [StoreError] * 6
    blocked.rmdir()
    for meter in METERS:
        assert await resumes_at(ingest, meter) == 0
        assert (await sent(ingest, meter, made(1, 20), made(21, 40)))[-1] == Acknowledgement(40)
        assert await stored(store, meter) == list(range(1, 41))


async def test_what_follows_a_failed_batch_is_not_stored(store: Store, ingest: Ingest, data: Path) -> None:
    """A batch that was on its way behind one that failed is refused: else what failed would count as a duplicate."""
    blocked = data / "readings" / DAY_FILE
    blocked.mkdir()
    async with ingest.stream("m1", SPOOL_ID) as stream, ingest.stream("m1", OTHER_SPOOL_ID) as other:
        with pytest.raises(StoreError):
            await (await take(ingest, stream, made(1, 10))).acknowledged()
        blocked.rmdir()
        for ended in (stream, other):
            with pytest.raises(StoreError, match="lost on the way"):
                await take(ingest, ended, made(11, 20))
    assert await sent(ingest, "m2", made(1, 5)) == [Acknowledgement(5)]
    assert await resumes_at(ingest, "m1") == 0
    assert await sent(ingest, "m1", made(1, 20)) == [Acknowledgement(20)]
    assert await stored(store, "m1") == list(range(1, 21))


async def test_one_meters_failure_is_not_anothers(ingest: Ingest, data: Path) -> None:
    """A stream that had nothing in a failed commit goes on as if nothing had happened."""
    async with ingest.stream("m2", SPOOL_ID) as stream:
        assert await (await take(ingest, stream, made(1, 5))).acknowledged() == Acknowledgement(5)
        # The day before, whose file does not exist yet.
        blocked = data / "readings" / "2026-06-18.duckdb"
        blocked.mkdir()
        with pytest.raises(StoreError):
            await sent(ingest, "m1", [Reading(1, NOW_MS - DAY_MS)])
        assert await (await take(ingest, stream, made(6, 9))).acknowledged() == Acknowledgement(9)


def _cuts(readings: list[Reading], places: list[int]) -> list[list[Reading]]:
    edges = [0, *sorted({place % len(readings) for place in places}), len(readings)]
    return [readings[begin:end] for begin, end in itertools.pairwise(edges) if begin < end]


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_streams_of_one_meter(store: Store, data: st.DataObject) -> None:
    """Streams of one meter, of whatever spools, cut and interleaved in whatever way, store each spool's readings once.

    A stream that is told it was superseded begins again where the newer one would.
    """
    meter = f"m{len(store.read_now(lambda tables: tables.meters.all()))}"
    places = st.lists(st.integers(1, 29), max_size=5)
    gateways = [(SPOOL_ID, data.draw(places)), (SPOOL_ID, data.draw(places)), (OTHER_SPOOL_ID, data.draw(places))]

    async def deliver(ingest: Ingest, spool_id: str, cuts: list[int]) -> None:
        """Sends all of a spool, as a gateway does, until it is durable."""
        durable = 0
        while durable < 30:
            with suppress(ConflictError):
                async with ingest.stream(meter, spool_id) as stream:
                    durable = stream.resume_sequence
                    for batch in _cuts(made(1, 30), cuts):
                        taken = await take(ingest, stream, batch)
                        durable = (await taken.acknowledged()).durable_sequence
                        await asyncio.sleep(0)
            await asyncio.sleep(len(cuts) / 1000)

    async def all_deliver() -> None:
        await enrol(store, meter)
        ingest = new_ingest(store)
        await ingest.start()
        await asyncio.gather(*(deliver(ingest, spool_id, cuts) for spool_id, cuts in gateways))
        await ingest.stop()

    asyncio.run(all_deliver())
    for spool_id in (SPOOL_ID, OTHER_SPOOL_ID):
        assert asyncio.run(stored(store, meter, spool_id)) == list(range(1, 31))
        assert store.progress.read().durable[Spool(meter, spool_id)] == 30


async def test_spools_do_not_share_sequences(store: Store, ingest: Ingest) -> None:
    """Readings of two spools of a meter that have the same numbers are all stored; each spool resumes at its own."""
    assert await sent(ingest, "m1", made(1, 5)) == [Acknowledgement(5)]
    assert await resumes_at(ingest, "m1", OTHER_SPOOL_ID) == 0
    assert await sent(ingest, "m1", made(1, 3), spool_id=OTHER_SPOOL_ID) == [Acknowledgement(3)]
    assert await sent(ingest, "m1", made(1, 2), spool_id="") == [Acknowledgement(2)]
    await ingest.stop()
    again = new_ingest(store)
    await again.start()
    assert [await resumes_at(again, "m1", spool_id) for spool_id in (SPOOL_ID, OTHER_SPOOL_ID, "")] == [5, 3, 2]
    await again.stop()
    assert store.readings.count() == (10, 0)


async def test_spool_without_readings_leaves_nothing(ingest: Ingest) -> None:
    """A gateway that names a new spool each time and sends nothing takes up no memory."""
    for number in range(10):
        assert await resumes_at(ingest, "m1", f"{number:032x}") == 0
    assert ingest._positions._of_meters == {"m1": {}}


@pytest.mark.parametrize("spool_id", ["0f" * 15, "0F" * 16, "0f" * 16 + "\n", "g" * 32, " "])
async def test_malformed_spool_id(ingest: Ingest, spool_id: str) -> None:
    """What is not 32 lower-case hexadecimal digits is no spool's id."""
    with pytest.raises(InvalidRequestError) as caught:
        await resumes_at(ingest, "m1", spool_id)
    assert caught.value.reason == "SPOOL_ID_INVALID"


async def test_newer_stream_ends_the_older(store: Store, ingest: Ingest) -> None:
    """A newer stream of a spool waits for what the older brought, resumes behind it, and the older is ended."""
    async with ingest.stream("m1", SPOOL_ID) as older, ingest.stream("m1", OTHER_SPOOL_ID) as other:
        told = asyncio.Event()
        older.watch(told.set)
        async with silent_disk(store):
            await take(ingest, older, made(1, 3))
            opening = asyncio.create_task(resumes_at(ingest, "m1"))
            await asyncio.wait_for(told.wait(), 10)
            with pytest.raises(ConflictError) as caught:
                await take(ingest, older, made(4, 6))
            assert caught.value.reason == "STREAM_SUPERSEDED"
            assert not opening.done()
        assert await opening == 3
        assert await (await take(ingest, other, made(1, 1))).acknowledged() == Acknowledgement(1)
    assert await stored(store, "m1") == [1, 2, 3]


async def test_of_streams_that_wait_the_newest_stays(store: Store, ingest: Ingest) -> None:
    """Of several streams of one spool that are opened at once only the newest is told where to resume."""
    async with silent_disk(store):
        async with ingest.stream("m1", SPOOL_ID) as first:
            await take(ingest, first, made(1, 3))
        opening = [asyncio.create_task(resumes_at(ingest, "m1")) for _ in range(3)]
        await asyncio.sleep(0.1)
    answers = await asyncio.gather(*opening, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["ConflictError", "ConflictError", "int"]
    assert 3 in answers


async def test_group_has_a_bound(store: Store) -> None:
    """While a commit takes its time the next group grows to its bound and no further; then another one begins."""
    await enrol(store, "m1")
    ingest = new_ingest(
        store, batch_readings_max=4, group_readings_max=10, flush_readings=4, unacknowledged_batches_max=10
    )
    await ingest.start()
    async with ingest.stream("m1", SPOOL_ID) as stream:
        async with silent_disk(store):
            taken = [await take(ingest, stream, made(first, first + 3)) for first in range(1, 41, 4)]
            await until(lambda: not store._writer._queue.empty())
            assert all(group.readings <= 10 for group in ingest._commit._groups)
        assert [(await batch.acknowledged()).durable_sequence for batch in taken] == list(range(4, 44, 4))
    assert await stored(store, "m1") == list(range(1, 41))
    assert (ingest._metrics.registry.get_sample_value("edge_commit_seconds_count") or 0) >= 5
    await ingest.stop()


async def test_all_streams_together_have_a_bound(store: Store) -> None:
    """No more readings than `pending_readings_max` wait at a time; what waits for room is let in, in turn."""
    meters = [f"m{number}" for number in range(20)]
    for meter in meters:
        await enrol(store, meter)
    ingest = new_ingest(store, batch_readings_max=10, group_readings_max=20, pending_readings_max=30)
    await ingest.start()
    async with silent_disk(store):
        sending = [asyncio.create_task(sent(ingest, meter, made(1, 10), made(11, 17))) for meter in meters]
        # A stream or two got both of their batches in; all the others wait with one.
        await until(lambda: len(ingest._backlog._waiting) >= len(meters) - 1)
        positions = [ingest._positions.of(Spool(meter, SPOOL_ID)) for meter in meters]
        assert 20 < sum(position.accepted for position in positions) <= 30
    for answers in await asyncio.gather(*sending):
        assert answers == [Acknowledgement(10), Acknowledgement(17)]
    assert ingest._backlog._left == 30
    await ingest.stop()


async def test_backlog_is_left_whatever_happens(store: Store, ingest: Ingest, data: Path) -> None:
    """Duplicates, refused batches, failing disks and gateways that hang up leave no room taken."""
    room = ingest._backlog._left
    await sent(ingest, "m1", made(1, 5), made(3, 8), [])
    with pytest.raises(InvalidRequestError):
        await sent(ingest, "m1", [*made(9, 12), *made(1, 1)])
    with pytest.raises(InvalidRequestError):
        await sent(ingest, "m1", made(1, 501))
    blocked = data / "readings" / "2026-06-18.duckdb"
    blocked.mkdir()
    with pytest.raises(StoreError):
        await sent(ingest, "m1", [Reading(9, NOW_MS - DAY_MS)])
    async with silent_disk(store):
        hanging_up = asyncio.create_task(sent(ingest, "m2", made(1, 5)))
        await until(lambda: ingest._backlog._left < room)
        hanging_up.cancel()
    assert await sent(ingest, "m2", made(1, 5)) == [Acknowledgement(5)]
    assert ingest._backlog._left == room


async def test_a_flood_holds_up_nobody_else(store: Store) -> None:
    """A meter that brings more than its rate is read at that rate; one that keeps to it meanwhile waits for nothing."""
    for meter in METERS:
        await enrol(store, meter)
    ingest = new_ingest(store, meter_readings_per_s_max=1_000, meter_readings_burst_max=100, batch_readings_max=100)
    await ingest.start()
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    flooding = [
        asyncio.create_task(
            sent(ingest, "m1", *(made(first, first + 99) for first in range(1, 401, 100)), spool_id=spool)
        )
        for spool in (SPOOL_ID, OTHER_SPOOL_ID)
    ]
    for number in range(1, 11):
        assert await sent(ingest, "m2", made(number, number)) == [Acknowledgement(number)]
    assert not any(task.done() for task in flooding)
    await asyncio.gather(*flooding)
    # 800 readings, of which the burst lets 100 in at once.
    assert loop.time() - began_s >= 0.7
    assert store.readings.count() == (810, 0)
    await ingest.stop()


async def test_streams_and_spools_of_a_meter_are_bounded(store: Store) -> None:
    """A meter has so many streams and spools at most; a stream that replaces another, or a known spool's, is let in."""
    await enrol(store, "m1")
    ingest = new_ingest(store, meter_streams_max=2, meter_spools_max=3)
    await ingest.start()
    async with ingest.stream("m1", SPOOL_ID), ingest.stream("m1", OTHER_SPOOL_ID):
        for spool_id, refused in (("2d" * 16, True), (SPOOL_ID, False)):
            with pytest.raises(LimitError, match="2 streams open") if refused else nullcontext():
                await resumes_at(ingest, "m1", spool_id)
    for number in range(3):
        await sent(ingest, "m1", made(1, 1), spool_id=f"{number:032x}")
    with pytest.raises(LimitError, match="3 spools") as caught:
        await sent(ingest, "m1", made(1, 1), spool_id=SPOOL_ID)
    assert caught.value.reason == "SPOOLS_TOO_MANY"
    assert await resumes_at(ingest, "m1", f"{2:032x}") == 1
    await ingest.stop()


class SetClock:
    """A clock that is set."""

    def __init__(self, time_ms: int) -> None:
        self.time_ms = time_ms

    def now_ms(self) -> int:
        return self.time_ms

    async def sleep_until(self, time_ms: int) -> None:
        raise NotImplementedError


async def test_clock_that_lost_the_time(store: Store, ingest: Ingest) -> None:
    """An edge that woke up in the past refuses no reading for good as from the future: the gateway tries again later.

    What is not from its future it takes, and when the clock is right again, the rest.
    """
    await sent(ingest, "m1", made(1, 3))
    await ingest.stop()
    clock = SetClock(NOW_MS - 7 * DAY_MS)
    woken = Ingest(store, IngestSection(flush_ms=1), clock, Metrics())
    await woken.start()
    old, new = Reading(4, clock.time_ms), Reading(5, NOW_MS + DAY_MS)
    async with woken.stream("m1", SPOOL_ID) as stream:
        taken = await take(woken, stream, [old, new])
        assert await taken.acknowledged() == Acknowledgement(4)
        assert isinstance(taken.ends_with, ClockError)
    with pytest.raises(ClockError, match="604800 s behind") as caught:
        await sent(woken, "m1", [new])
    assert (caught.value.reason, caught.value.fault) == ("CLOCK_BEHIND", Fault.OPERATOR)
    assert await resumes_at(woken, "m1") == 4
    clock.time_ms = NOW_MS + DAY_MS
    assert await sent(woken, "m1", [new]) == [Acknowledgement(5)]
    assert store.readings.count() == (5, 0)
    await woken.stop()


async def test_clock_that_was_ahead(store: Store) -> None:
    """An edge whose clock was a year ahead and was set right takes readings at once."""
    clock = SetClock(NOW_MS + 365 * DAY_MS)
    await store.write(lambda tables: tables.meters.insert(Meter("m1", "h1", MeterKind.ELECTRICITY, clock.time_ms)))
    ingest = Ingest(store, IngestSection(flush_ms=1), clock, Metrics())
    await ingest.start()
    await sent(ingest, "m1", [Reading(1, clock.time_ms)])
    clock.time_ms = NOW_MS
    assert await sent(ingest, "m1", [Reading(2, NOW_MS)]) == [Acknowledgement(2)]
    await ingest.stop()
    again = Ingest(store, IngestSection(flush_ms=1), clock, Metrics())
    await again.start()
    assert await sent(again, "m1", [Reading(3, NOW_MS)]) == [Acknowledgement(3)]
    await again.stop()


@pytest.mark.parametrize("back_ms", [0, 1_000, 5_000])
async def test_small_steps_of_the_clock(ingest: Ingest, back_ms: int) -> None:
    """A clock that is set back by a few seconds is believed: a reading from the future is refused for good."""
    await sent(ingest, "m1", made(1, 1))
    clock = SetClock(NOW_MS - back_ms)
    ingest._clock = ingest._witness._clock = clock
    (answer,) = await sent(ingest, "m1", [Reading(2, NOW_MS + 2 * DAY_MS)])
    assert [item.reason for item in answer.rejections] == ["READING_FROM_FUTURE"]


async def test_a_reading_that_is_ahead_waits_at_its_gateway(store: Store, ingest: Ingest) -> None:
    """A reading up to a day ahead is not refused: what comes before it is stored, and it is taken once it is due.

    So an edge whose clock resumed where it stopped loses none of the time between.
    """
    async with ingest.stream("m1", SPOOL_ID) as stream:
        ahead = Reading(3, NOW_MS + DAY_MS)
        taken = await take(ingest, stream, [*made(1, 2), ahead, Reading(4, NOW_MS)])
        assert await taken.acknowledged() == Acknowledgement(2)
        assert isinstance(taken.ends_with, ClockError)
        assert (taken.ends_with.reason, taken.ends_with.category) == ("READING_AHEAD", Category.UNAVAILABLE)
    ingest._clock = SetClock(NOW_MS + DAY_MS)
    assert await sent(ingest, "m1", [ahead, Reading(4, NOW_MS)]) == [Acknowledgement(4)]
    assert store.readings.count() == (4, 0)
    assert ingest._backlog._left == IngestSection().pending_readings_max
