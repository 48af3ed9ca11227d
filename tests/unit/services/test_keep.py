from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from edge.clock import SimulatedClock
from edge.domain.event import OPERATOR_SUBJECT
from edge.domain.meter import Meter, MeterKind
from edge.errors import StoreFullError
from edge.metrics import Metrics
from edge.services.audit import AuditLog
from edge.services.ingest import Ingest
from edge.services.keep import Keeper
from edge.services.retain import Retention
from edge.settings import IngestSection, RetentionSection
from edge.store.store import Store
from edge.trust.keys import SigningKey
from tests.rows import Reading, batch_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DAY_MS = 86_400_000
DAY = 20_000  # 2024-10-04
SPOOL = "0f" * 16


class House:
    """A store with its housekeeping and its ingest, on a clock that tests move."""

    def __init__(self, folder: Path, clock: SimulatedClock, **retention: int) -> None:
        self.store = Store.open(folder, "5e" * 32, memory_bytes_max=2**28, threads_max=1, write_queue_max=100)
        self.metrics = Metrics()
        self.audit = AuditLog(self.store, "edge-1", SigningKey.generate(), clock, bytes, self.metrics)
        settings = RetentionSection(**{"raw_days": 8, "rollup_days": 10, **retention})
        self.keeper = Keeper(self.store, self.audit, Retention(self.store, self.audit, settings, clock), clock)
        self.ingest = Ingest(self.store, IngestSection(flush_ms=1, past_days_max=60), clock, self.metrics)

    async def send(self, first: int, count: int, time_ms: int) -> Any:
        """Sends readings of minutes from a time on; returns what they were answered."""
        readings = [
            Reading(first + number, time_ms + number * 60_000, energy_import_wh=first + number)
            for number in range(count)
        ]
        async with self.ingest.stream("m1", SPOOL) as stream:
            return await (await self.ingest.accept(stream, lambda: batch_of(readings), count)).acknowledged()

    async def keep(self) -> None:
        """Does two rounds of housekeeping: in the first, days that readings came in for rest."""
        for _ in range(2):
            await self.keeper.round()

    async def resumes_at(self) -> int:
        """Returns where the gateway is told to go on."""
        async with self.ingest.stream("m1", SPOOL) as stream:
            return stream.resume_sequence

    def files(self) -> list[tuple[int, bool, bool]]:
        """Returns for each day whether there are readings and roll-ups of it."""
        return [(day.day - DAY, bool(day.readings_bytes), bool(day.rollups_bytes)) for day in self.store.files.days()]

    def events(self) -> list[bytes]:
        """Returns what the operator can read of housekeeping in the log."""
        return [
            leaf.payload
            for leaf in self.store.read_now(lambda tables: tables.audit.of_subject(OPERATOR_SUBJECT, 0, 99, 99))
        ]


@asynccontextmanager
async def house(folder: Path, clock: SimulatedClock, **retention: int) -> AsyncIterator[House]:
    """A house in working order."""
    opened = House(folder, clock, **retention)
    if not opened.store.read_now(lambda tables: tables.meters.all()):
        await opened.store.write(lambda tables: tables.meters.insert(Meter("m1", "h1", MeterKind.ELECTRICITY, 0)))
    await opened.ingest.start()
    try:
        yield opened
    finally:
        await opened.ingest.stop()
        opened.store.close()


async def test_retention(tmp_path: Path) -> None:
    """Readings go when they are too old, roll-ups later, each with an entry for the operator; what is young stays."""
    clock = SimulatedClock((DAY + 1) * DAY_MS + 3_600_000)
    async with house(tmp_path, clock) as edge:
        await edge.send(1, 10, DAY * DAY_MS)
        await edge.send(11, 10, (DAY + 1) * DAY_MS)
        await edge.keep()
        assert edge.files() == [(0, True, True), (1, True, True)]
        clock.advance_to((DAY + 8) * DAY_MS)
        await edge.keeper.round()
        assert edge.files() == [(0, False, True), (1, True, True)]
        clock.advance_to((DAY + 10) * DAY_MS)
        await edge.keeper.round()
        assert edge.files() == [(1, False, True)]
        assert edge.store.readings.count() == (20, 0)
        assert [event for event in edge.events() if b"removed" in event] == [
            (
                b'{"detail":{"day":"2024-10-04","readings":10},"kind":"readings_removed","subjects":["operator"],'
                b'"time_ms":1728691200000}'
            ),
            b'{"detail":{"day":"2024-10-04"},"kind":"rollups_removed","subjects":["operator"],"time_ms":1728864000000}',
            (
                b'{"detail":{"day":"2024-10-05","readings":10},"kind":"readings_removed","subjects":["operator"],'
                b'"time_ms":1728864000000}'
            ),
        ]


async def test_stored_once_after_retention(tmp_path: Path) -> None:
    """With every reading of a spool removed, its gateway goes on where it was and a replayed batch is not stored."""
    clock = SimulatedClock((DAY + 1) * DAY_MS + 3_600_000)
    async with house(tmp_path, clock) as edge:
        await edge.send(1, 10, DAY * DAY_MS)
    clock.advance_to((DAY + 20) * DAY_MS)
    for _ in range(2):
        async with house(tmp_path, clock) as edge:
            await edge.keeper.round()
            assert edge.files() == []
            assert await edge.resumes_at() == 10
            answer = await edge.send(1, 10, DAY * DAY_MS)
            assert (answer.durable_sequence, answer.rejections) == (10, ())
            assert edge.store.readings.count() == (10, 0)


async def test_late_reading_of_a_removed_day(tmp_path: Path) -> None:
    """What comes for a day that was removed is refused one by one, with the reason, and what follows is taken."""
    clock = SimulatedClock((DAY + 1) * DAY_MS + 3_600_000)
    async with house(tmp_path, clock) as edge:
        await edge.send(1, 3, DAY * DAY_MS)
        clock.advance_to((DAY + 9) * DAY_MS)
        await edge.keeper.round()
        answer = await edge.send(4, 2, (DAY + 1) * DAY_MS - 60_000)
        assert [(refused.sequence, refused.reason) for refused in answer.rejections] == [(4, "READING_DAY_REMOVED")]
        assert await edge.resumes_at() == 5
        assert [(day, readings) for day, readings, _ in edge.files()] == [(0, False), (1, True), (9, True)]


async def test_size_cap(tmp_path: Path) -> None:
    """Over its bound the store gives up the oldest days, then the oldest roll-ups, never today's; then it is full."""
    clock = SimulatedClock((DAY + 2) * DAY_MS + 3_600_000)
    async with house(tmp_path, clock) as edge:
        for number in range(3):
            await edge.send(1 + 10 * number, 10, (DAY + number) * DAY_MS)
        await edge.keep()
        assert edge.files() == [(0, True, True), (1, True, True), (2, True, True)]
        total_bytes, oldest = edge.store.files.total_bytes(), edge.store.files.days()[0]
    async with house(tmp_path, clock, store_bytes_max=total_bytes + 10**9) as edge:
        await edge.keeper.round()
        assert len(edge.files()) == 3
    async with house(tmp_path, clock, store_bytes_max=1) as edge:
        with capture_logs() as log:
            for _ in range(2):
                await edge.keeper.round()
        assert edge.files() == [(2, True, True)]
        assert [entry["day"] for entry in log if entry["event"] == "readings_removed"] == ["2024-10-04", "2024-10-05"]
        assert [entry["event"] for entry in log if entry["event"] == "store_full"] == ["store_full"]
        with pytest.raises(StoreFullError):
            await edge.send(31, 1, clock.now_ms())
        assert await edge.resumes_at() == 30
    assert oldest.day == DAY
    async with house(tmp_path, clock) as edge:
        await edge.keeper.round()
        assert (await edge.send(31, 1, clock.now_ms())).durable_sequence == 31


async def test_set_aside_is_told_of_once(tmp_path: Path) -> None:
    """A file that was set aside is in the log, once, however often the edge starts; others are kept."""
    clock = SimulatedClock((DAY + 1) * DAY_MS + 3_600_000)
    async with house(tmp_path, clock) as edge:
        await edge.send(1, 3, DAY * DAY_MS)
    (tmp_path / "readings" / "2024-10-04.duckdb").write_bytes(b"")
    for _ in range(2):
        async with house(tmp_path, clock) as edge:
            await edge.keeper.round()
            told = [event for event in edge.events() if b"files_set_aside" in event]
            assert len(told) == 1
            assert b"readings-2024-10-04-1.duckdb" in told[0]


async def test_gap_after_loss(tmp_path: Path) -> None:
    """A gateway that is ahead of the edge, as after damage or an old backup, goes on; what is missing is counted."""
    clock = SimulatedClock((DAY + 1) * DAY_MS + 3_600_000)
    async with house(tmp_path, clock) as edge:
        await edge.send(1, 3, DAY * DAY_MS)
        with capture_logs() as log:
            answer = await edge.send(1_001, 3, DAY * DAY_MS + 3_600_000)
        assert (answer.durable_sequence, answer.rejections) == (1_003, ())
        assert edge.metrics.registry.get_sample_value("edge_readings_missing_total") == 997
        gaps = [entry for entry in log if entry["event"] == "sequence_gap"]
        assert [(gap["after"], gap["until"], gap["missing"]) for gap in gaps] == [(3, 1_003, 997)]


async def test_a_day_that_readings_come_in_for_rests_first(tmp_path: Path) -> None:
    """While a gateway catches up, the days it has readings of are not rolled up over and over; then they are."""
    clock = SimulatedClock((DAY + 2) * DAY_MS)
    async with house(tmp_path, clock) as edge:
        await edge.send(1, 3, DAY * DAY_MS)
        await edge.keeper.round()
        assert not any(rolled_up for _, _, rolled_up in edge.files())
        await edge.send(4, 3, DAY * DAY_MS + 3_600_000)
        await edge.keeper.round()
        assert not any(rolled_up for _, _, rolled_up in edge.files())
        await edge.keeper.round()
        assert edge.files() == [(0, True, True)]


async def test_closed_days_are_rewritten_once(tmp_path: Path) -> None:
    """Each day that is closed is rewritten, once; today and yesterday are not."""
    clock = SimulatedClock((DAY + 2) * DAY_MS + 3_600_000)
    async with house(tmp_path, clock) as edge:
        for number in range(3):
            await edge.send(1 + 10 * number, 10, (DAY + number) * DAY_MS)
        for _ in range(2):
            await edge.keep()
            assert edge.store.read_now(lambda tables: tables.housekeeping.rewritten_days()) == {DAY}
        assert edge.store.readings.count() == (30, 0)


async def test_clock_set_back_an_hour(tmp_path: Path) -> None:
    """An edge that starts with its clock an hour back has lost nothing, rolls up nothing early and goes on."""
    clock = SimulatedClock(DAY * DAY_MS + 7_200_000)
    async with house(tmp_path, clock) as edge:
        await edge.send(1, 100, DAY * DAY_MS)
        await edge.keeper.round()
    back = SimulatedClock(DAY * DAY_MS + 3_600_000)
    async with house(tmp_path, back) as edge:
        await edge.keeper.round()
        assert await edge.resumes_at() == 100
        assert (await edge.send(101, 1, back.now_ms())).rejections == ()
        assert edge.store.readings.count() == (101, 0)
