from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from edge.clock import SystemClock
from edge.gateway.gateway import Gateway, GatewayPatience, Summary
from edge.gateway.notices import Notices
from edge.gateway.sender import Sender, SenderLimits
from edge.gateway.sources import SourceError
from edge.gateway.spool import Spool
from edge.gateway.spool_error import SpoolError
from edge_sdk.errors import Fault, RpcError
from edge_sdk.wire.v1.meter_pb2 import Reading, ReportReadingsResponse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator
    from pathlib import Path

SOON = GatewayPatience(ended_s=0.2, interrupted_s=0.2)
NEVER = GatewayPatience(ended_s=600, interrupted_s=600)


class Edge:
    """An edge in memory that refuses connections until it is told not to, or never answers."""

    def __init__(self, *, refuses: bool = False, hangs: bool = False) -> None:
        self.refuses = refuses
        self.hangs = hangs
        self.times_ms: list[int] = []

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Edge]:
        """A connection to itself."""
        if self.refuses:
            raise RpcError("no meter", advice="Enrol.", reason="METER_UNKNOWN", fault=Fault.CALLER, status="NOT_FOUND")
        yield self

    async def report(self, batches: Any, **_: Any) -> AsyncGenerator[ReportReadingsResponse, None]:
        """What `MeterClient.report` does."""
        if self.hangs:
            await asyncio.Event().wait()
        yield ReportReadingsResponse()
        async for batch in batches:
            self.times_ms += [reading.time_ms for reading in batch]
            yield ReportReadingsResponse(durable_sequence=batch[-1].sequence)


class Home:
    """A gateway whose attempts follow each other quickly."""

    def __init__(self, spool: Spool, edge: Edge, *, live: bool, patience: GatewayPatience = SOON) -> None:
        self.spool = spool
        self.lines: list[str] = []
        clock = SystemClock()
        notices = Notices(self.lines.append, clock)
        limits = SenderLimits(retry_s_first=0.01, retry_s_max=0.01)
        self.sender = Sender(spool, edge.connect, clock, random.Random(1), limits=limits, notices=notices, patient=live)
        self.gateway = Gateway(spool, self.sender, clock, notices, live=live, patience=patience)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path / "spool.db", 100_000, random.Random(2)) as opened:
        yield opened


async def meter(count: int, then: BaseException | None = None) -> AsyncGenerator[Reading, None]:
    """Gives readings without a pause, and then ends or fails."""
    for time_ms in range(1, count + 1):
        yield Reading(time_ms=time_ms)
    if then is not None:
        raise then


async def endless(meter_is_read: asyncio.Event, after: int = 3) -> AsyncGenerator[Reading, None]:
    """Gives readings and goes on waiting for more."""
    for time_ms in range(1, after + 1):
        yield Reading(time_ms=time_ms)
    meter_is_read.set()
    await asyncio.Event().wait()


async def test_everything_read_arrives(spool: Spool) -> None:
    """A source that ends is read to its end and sent."""
    edge = Edge()
    summary = await Home(spool, edge, live=False).gateway.run(meter(250))
    assert summary == Summary(readings=250, refused_by_edge=0, waiting=0, dropped=0)
    assert edge.times_ms == list(range(1, 251))


async def test_a_live_meter_is_read_while_the_edge_refuses(spool: Spool) -> None:
    """A meter that is not enrolled yet goes on being read; once it is enrolled, all of it arrives."""
    edge, read = Edge(refuses=True), asyncio.Event()
    home = Home(spool, edge, live=True)
    running = asyncio.create_task(home.gateway.run(endless(read, after=50)))
    await read.wait()
    assert spool.pending() == 50
    edge.refuses = False
    assert await home.sender.drain(10) == 0
    home.gateway.interrupt()
    assert await running == Summary(readings=50, refused_by_edge=0, waiting=0, dropped=0)
    assert [line.split("(")[0] for line in home.lines] == ["edge: no meter Enrol. ", "edge: well again."]


async def test_a_file_is_spooled_whole_before_a_refusal_ends_the_run(spool: Spool) -> None:
    """A refusal for good is raised, and all of the file waits for the next run."""
    with pytest.raises(RpcError, match="no meter"):
        await Home(spool, Edge(refuses=True), live=False).gateway.run(meter(1234))
    assert spool.pending() == 1234


@pytest.mark.parametrize("edge", [Edge(refuses=True), Edge(hangs=True)], ids=["refuses", "hangs"])
async def test_an_interruption_ends_it_soon(spool: Spool, edge: Edge) -> None:
    """With the edge away, an interruption ends the run after a short while; what waits is told."""
    read = asyncio.Event()
    home = Home(spool, edge, live=True)
    running = asyncio.create_task(home.gateway.run(endless(read)))
    await read.wait()
    home.gateway.interrupt()
    assert await asyncio.wait_for(running, 5) == Summary(readings=3, refused_by_edge=0, waiting=3, dropped=0)
    assert spool.pending() == 3


@pytest.mark.parametrize("edge", [Edge(refuses=True), Edge(hangs=True)], ids=["refuses", "hangs"])
async def test_a_second_interruption_ends_it_at_once(spool: Spool, edge: Edge) -> None:
    """However long it would wait for the edge, a second interruption is obeyed; what waits stays."""
    read = asyncio.Event()
    home = Home(spool, edge, live=True, patience=NEVER)
    running = asyncio.create_task(home.gateway.run(endless(read)))
    await read.wait()
    home.gateway.interrupt()
    await asyncio.sleep(0.05)
    assert not running.done()
    home.gateway.interrupt()
    assert (await asyncio.wait_for(running, 5)).waiting == 3


async def test_a_source_that_fails_loses_nothing_it_gave(spool: Spool) -> None:
    """What was read before an error is in the spool, also the part of a group."""
    with pytest.raises(SourceError):
        await Home(spool, Edge(refuses=True), live=False).gateway.run(meter(150, SourceError("gone")))
    assert spool.pending() == 150


def fill_the_disk(spool: Spool, pages: int | None = None) -> None:
    (now,) = spool._connection.execute("PRAGMA page_count").fetchone()
    spool._connection.execute(f"PRAGMA max_page_count = {pages or now}")


def append_until_full(spool: Spool) -> None:
    while True:
        spool.append([Reading(time_ms=1)])


async def test_a_full_disk_does_not_end_a_live_run(spool: Spool) -> None:
    """While the disk is full the newest readings stay in memory and sending goes on; with room again all arrive."""
    edge, room = Edge(), asyncio.Event()

    async def source() -> AsyncGenerator[Reading, None]:
        yield Reading(time_ms=1)
        fill_the_disk(spool)
        # Too large for the pages that are left.
        for time_ms in range(2, 500):
            yield Reading(time_ms=time_ms, phases=[{"voltage_dv": 2300}] * 200)
        assert len(home.lines) == 1
        fill_the_disk(spool, 100_000)
        yield Reading(time_ms=500)
        room.set()
        await asyncio.Event().wait()

    home = Home(spool, edge, live=True)
    running = asyncio.create_task(home.gateway.run(source()))
    await room.wait()
    assert await home.sender.drain(10) == 0
    home.gateway.interrupt()
    assert await running == Summary(readings=500, refused_by_edge=0, waiting=0, dropped=0)
    assert edge.times_ms == list(range(1, 501))
    assert "SPOOL_DISK_FULL" in home.lines[0]
    assert home.lines[1:] == ["spool: well again."]


async def test_memory_stays_bounded_while_the_disk_is_full(spool: Spool) -> None:
    """Of what cannot be spooled the newest thousand are kept; the rest is dropped and counted, and in the end all."""
    fill_the_disk(spool)
    with pytest.raises(SpoolError):
        append_until_full(spool)
    spooled = spool.pending()
    home = Home(spool, Edge(refuses=True), live=True)

    async def source() -> AsyncGenerator[Reading, None]:
        for time_ms in range(1, 2001):
            yield Reading(time_ms=time_ms)
            assert len(home.gateway._unspooled) <= 1000

    assert await home.gateway.run(source()) == Summary(readings=2000, refused_by_edge=0, waiting=spooled, dropped=2000)


async def test_a_full_disk_ends_a_batch_run(spool: Spool) -> None:
    """A file can be read again once there is room: its run ends with the error."""
    fill_the_disk(spool)
    with pytest.raises(SpoolError) as caught:
        await Home(spool, Edge(refuses=True), live=False).gateway.run(meter(100_000))
    assert caught.value.reason == "SPOOL_DISK_FULL"
