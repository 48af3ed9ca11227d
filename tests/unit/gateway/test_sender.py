from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.clock import SimulatedClock
from edge.gateway.sender import Sender, SenderLimits
from edge.gateway.spool import Spool
from edge_sdk.errors import Fault, RpcError, UnreachableError
from edge_sdk.wire.v1.meter_pb2 import Reading, ReadingRejection, ReportReadingsResponse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Batches: TypeAlias = AsyncIterator[Sequence[Reading]]
Answers: TypeAlias = AsyncGenerator[ReportReadingsResponse, None]

START_MS = 1_790_000_000_000


def refusal(status: str) -> RpcError:
    return RpcError(status.lower(), advice="", reason=status, fault=Fault.CALLER, status=status)


def unreachable() -> UnreachableError:
    return UnreachableError("away", advice="", reason="UNREACHABLE", fault=Fault.NETWORK, status="UNAVAILABLE")


class Edge:
    """An edge in memory: stores what is new, drops what it has, refuses odd times when told to.

    `answers_until_lost` says after how many answers each connection in turn is lost; the ones after them stay.
    """

    def __init__(self, answers_until_lost: Sequence[int] = (), durable: int = 0, *, refuses_odd: bool = False) -> None:
        self.durable = durable
        self.stored: list[int] = []
        self.batch_sizes: list[int] = []
        self.connections = 0
        self._answers_until_lost = list(answers_until_lost)
        self._refuses_odd = refuses_odd

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Edge]:
        """A connection to itself."""
        self.connections += 1
        yield self

    async def report(self, batches: Batches) -> Answers:
        """What `MeterClient.report` does."""
        left = self._answers_until_lost.pop(0) if self._answers_until_lost else None
        if left == 0:
            raise unreachable()
        yield ReportReadingsResponse(durable_sequence=self.durable)
        async for batch in batches:
            response = self._store(batch)
            if left is not None and (left := left - 1) == 0:
                # Stored, but the answer is lost.
                raise unreachable()
            yield response

    def _store(self, batch: Sequence[Reading]) -> ReportReadingsResponse:
        self.batch_sizes.append(len(batch))
        rejections = []
        for reading in batch:
            if reading.sequence <= self.durable:
                continue
            self.durable = reading.sequence
            if self._refuses_odd and reading.time_ms % 2:
                rejections.append(ReadingRejection(sequence=reading.sequence, reason="READING_INVALID", message="odd"))
            else:
                self.stored.append(reading.time_ms)
        return ReportReadingsResponse(durable_sequence=self.durable, rejections=rejections)


class Refusing:
    """An edge that fails every connection in one way."""

    def __init__(self, error: RpcError) -> None:
        self._error = error

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Edge]:
        """No connection."""
        raise self._error
        yield Edge()


class Gateway:
    """A sender with its spool, whose clock jumps over every pause unless told not to."""

    def __init__(
        self, spool: Spool, edge: Any, limits: SenderLimits | None = None, *, skip_pauses: bool = True
    ) -> None:
        self._skip_pauses = skip_pauses
        self.spool = spool
        self.clock = SimulatedClock(START_MS)
        self.pauses_s: list[float] = []
        self.stop = asyncio.Event()
        chance = random.Random(1)
        self.sender = Sender(spool, edge.connect, self.clock, chance, limits=limits, on_retry=self._skip)

    def _skip(self, _: RpcError, pause_s: float) -> None:
        self.pauses_s.append(pause_s)
        if self._skip_pauses:
            asyncio.get_running_loop().call_soon(self.clock.advance_to, self.clock.now_ms() + 60_000)

    async def deliver(self) -> None:
        """Runs until everything is delivered, then stops."""
        running = asyncio.create_task(self.sender.run(self.stop))
        assert await self.sender.drain(3600) == 0
        self.stop.set()
        await running


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path / "spool.db", 100_000) as opened:
        yield opened


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def made(count: int) -> list[Reading]:
    return [Reading(time_ms=time_ms) for time_ms in range(1, count + 1)]


async def test_what_waits_is_delivered(spool: Spool) -> None:
    """Everything in the spool reaches the edge, in order, in batches of at most the limit, and then waits no more."""
    spool.append(made(12))
    edge = Edge()
    await Gateway(spool, edge, SenderLimits(batch_readings_max=5)).deliver()
    assert edge.stored == list(range(1, 13))
    assert edge.batch_sizes == [5, 5, 2]
    assert spool.pending() == 0


async def test_new_readings_are_sent_as_they_come(spool: Spool) -> None:
    """A reading appended while the sender waits is sent without another connection."""
    edge = Edge()
    gateway = Gateway(spool, edge)
    running = asyncio.create_task(gateway.sender.run(gateway.stop))
    for time_ms in range(1, 4):
        spool.append([Reading(time_ms=time_ms)])
        assert await gateway.sender.drain(3600) == 0
    gateway.stop.set()
    await running
    assert (edge.stored, edge.connections) == ([1, 2, 3], 1)


async def test_goes_on_where_the_edge_stands(spool: Spool) -> None:
    """A new spool's readings reach an edge that has some already, and none is taken for a repeat."""
    spool.append(made(3))
    edge = Edge(durable=500)
    await Gateway(spool, edge).deliver()
    assert (edge.stored, edge.durable) == ([1, 2, 3], 503)


async def test_refused_readings_are_set_aside(spool: Spool) -> None:
    """What the edge refuses is kept with its reason and not sent again."""
    spool.append(made(4))
    edge = Edge(refuses_odd=True)
    await Gateway(spool, edge).deliver()
    assert edge.stored == [2, 4]
    assert [(refused.reading.time_ms, refused.reason) for refused in spool.rejected(9)] == [
        (3, "READING_INVALID"),
        (1, "READING_INVALID"),
    ]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lost=st.lists(st.integers(0, 4), max_size=6), count=st.integers(0, 40), batch=st.integers(1, 7))
async def test_lost_connections_lose_nothing(tmp_path: Path, lost: list[int], count: int, batch: int) -> None:
    """However often connections and answers are lost, each reading is stored once, in order."""
    (tmp_path / "spool.db").unlink(missing_ok=True)
    with Spool.open(tmp_path / "spool.db", 1000) as spool:
        spool.append(made(count))
        edge = Edge(lost)
        await Gateway(spool, edge, SenderLimits(batch_readings_max=batch)).deliver()
        assert edge.stored == list(range(1, count + 1))


async def test_pauses_grow_and_are_random(spool: Spool) -> None:
    """The longest pause doubles with each failure up to its bound, and begins small again after a success."""
    spool.append(made(1))
    limits = SenderLimits(retry_s_first=1, retry_s_max=8)
    gateway = Gateway(spool, Edge([0, 0, 0, 0, 0, 0, 1, 0]), limits)
    await gateway.deliver()
    chance = random.Random(1)
    assert gateway.pauses_s == [chance.uniform(0, most) for most in (1, 2, 4, 8, 8, 8, 1, 2)]


async def test_ended_stream_is_tried_again_after_a_pause(spool: Spool) -> None:
    """An edge that hangs up without an error, as when it restarts, is not called again at once."""

    class Brief(Edge):
        async def report(
            self, batches: AsyncIterator[Sequence[Reading]]
        ) -> AsyncGenerator[ReportReadingsResponse, None]:
            if self.connections == 1:
                yield ReportReadingsResponse()
                return
            async for response in super().report(batches):
                yield response

    spool.append(made(1))
    edge = Brief()
    gateway = Gateway(spool, edge)
    await gateway.deliver()
    assert (edge.stored, len(gateway.pauses_s)) == ([1], 1)


@pytest.mark.parametrize("status", ["UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "INVALID_ARGUMENT"])
async def test_what_retrying_cannot_mend_ends_it(spool: Spool, status: str) -> None:
    """A refusal of who the gateway is or of what it says is raised at once, and the readings stay."""
    spool.append(made(2))
    gateway = Gateway(spool, Refusing(refusal(status)))
    with pytest.raises(RpcError) as caught:
        await gateway.sender.run(gateway.stop)
    assert (caught.value.status, spool.pending(), gateway.pauses_s) == (status, 2, [])


async def test_little_is_under_way_at_once(spool: Spool) -> None:
    """While the edge does not answer, no more batches are sent than may be in flight; each answer lets one more go."""

    class Slow(Edge):
        def __init__(self) -> None:
            super().__init__()
            self.received: list[int] = []
            self.answers: asyncio.Queue[int] = asyncio.Queue()

        async def report(
            self, batches: AsyncIterator[Sequence[Reading]]
        ) -> AsyncGenerator[ReportReadingsResponse, None]:
            async def receive() -> None:
                async for batch in batches:
                    self.received.append(batch[-1].sequence)

            receiving = asyncio.create_task(receive())
            yield ReportReadingsResponse()
            while (durable := await self.answers.get()) >= 0:
                yield ReportReadingsResponse(durable_sequence=durable)
            await receiving

    spool.append(made(10))
    edge = Slow()
    gateway = Gateway(spool, edge, SenderLimits(batch_readings_max=1, in_flight_batches_max=3))
    running = asyncio.create_task(gateway.sender.run(gateway.stop))
    await settle()
    assert edge.received == [1, 2, 3]
    edge.answers.put_nowait(1)
    await settle()
    assert edge.received == [1, 2, 3, 4]
    edge.answers.put_nowait(3)
    await settle()
    assert edge.received == [1, 2, 3, 4, 5, 6]
    gateway.stop.set()
    edge.answers.put_nowait(-1)
    await running
    assert spool.pending() == 7


async def test_stop_while_the_edge_is_away(spool: Spool) -> None:
    """Stopping does not wait for the end of a pause."""
    gateway = Gateway(spool, Refusing(unreachable()), skip_pauses=False)
    running = asyncio.create_task(gateway.sender.run(gateway.stop))
    await settle()
    gateway.stop.set()
    await running
    assert len(gateway.pauses_s) == 1


async def test_drain_gives_up_in_time(spool: Spool) -> None:
    """When the time is up, draining says how many readings still wait."""
    spool.append(made(3))
    gateway = Gateway(spool, Edge())
    draining = asyncio.create_task(gateway.sender.drain(5))
    await settle()
    gateway.clock.advance_to(START_MS + 5000)
    assert await draining == 3
