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
from edge.gateway.notices import Notices
from edge.gateway.sender import Sender, SenderLimits
from edge.gateway.spool import Spool
from edge.gateway.spool_error import SpoolError
from edge_sdk.errors import Fault, IdentityError, RpcError, UnreachableError
from edge_sdk.wire.v1.meter_pb2 import Reading, ReadingRejection, ReportReadingsResponse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.errors import EdgeError

Batches: TypeAlias = AsyncIterator[Sequence[Reading]]
Answers: TypeAlias = AsyncGenerator[ReportReadingsResponse, None]

START_MS = 1_790_000_000_000


def refusal(status: str) -> RpcError:
    return RpcError(status.lower(), advice="", reason=status, fault=Fault.CALLER, status=status)


def unreachable() -> UnreachableError:
    return UnreachableError("away", advice="", reason="UNREACHABLE", fault=Fault.NETWORK, status="UNAVAILABLE")


class Edge:
    """An edge in memory: stores what is new of each spool, drops what it has, refuses odd times when told to.

    `answers_until_lost` says after how many answers each connection in turn is lost; the ones after them stay.
    """

    def __init__(
        self, answers_until_lost: Sequence[int] = (), *, refuses_odd: bool = False, batch_readings_max: int = 0
    ) -> None:
        self.durable: dict[str, int] = {}
        self.rejections: dict[str, list[ReadingRejection]] = {}
        self.stored: list[int] = []
        self.batch_sizes: list[int] = []
        self.connections = 0
        self._answers_until_lost = list(answers_until_lost)
        self._refuses_odd = refuses_odd
        self._batch_readings_max = batch_readings_max

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Edge]:
        """A connection to itself."""
        self.connections += 1
        yield self

    async def report(self, batches: Batches, *, spool_id: str, verdict_sequence: int) -> Answers:
        """What `MeterClient.report` does."""
        left = self._answers_until_lost.pop(0) if self._answers_until_lost else None
        if left == 0:
            raise unreachable()
        durable = self.durable.setdefault(spool_id, 0)
        unheard = [item for item in self.rejections.get(spool_id, ()) if item.sequence > verdict_sequence]
        yield ReportReadingsResponse(
            durable_sequence=durable, rejections=unheard, batch_readings_max=self._batch_readings_max
        )
        async for batch in batches:
            response = self._store(batch, spool_id)
            self.rejections.setdefault(spool_id, []).extend(response.rejections)
            if left is not None and (left := left - 1) == 0:
                # Stored, but the answer is lost.
                raise unreachable()
            yield response

    def _store(self, batch: Sequence[Reading], spool_id: str) -> ReportReadingsResponse:
        self.batch_sizes.append(len(batch))
        rejections = []
        for reading in batch:
            if reading.sequence <= self.durable[spool_id]:
                continue
            self.durable[spool_id] = reading.sequence
            if self._refuses_odd and reading.time_ms % 2:
                rejections.append(ReadingRejection(sequence=reading.sequence, reason="READING_INVALID", message="odd"))
            else:
                self.stored.append(reading.time_ms)
        return ReportReadingsResponse(durable_sequence=self.durable[spool_id], rejections=rejections)


class Refusing(Edge):
    """An edge that fails connections in one way, the first `times` of them or all."""

    def __init__(self, error: Exception, times: int = 1_000_000) -> None:
        super().__init__()
        self.error: Exception | None = error
        self._times = times

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Edge]:
        """No connection, as long as it fails."""
        self.connections += 1
        if self.connections <= self._times and self.error:
            raise self.error
        yield self


class SkippingClock(SimulatedClock):
    """Jumps over every pause between attempts, and notes how long it was; other waits are simulated."""

    def __init__(self, *, skip: bool) -> None:
        super().__init__(START_MS)
        self.pauses_ms: list[int] = []
        self._skip = skip

    async def sleep_until(self, time_ms: int) -> None:
        """Returns soon if the wait is that of an attempt."""
        pause_ms = time_ms - self.now_ms()
        if pause_ms <= 60_000:
            self.pauses_ms.append(pause_ms)
            if self._skip:
                await asyncio.sleep(0)
                self.advance_to(time_ms)
        await super().sleep_until(time_ms)


class Gateway:
    """A sender with its spool, whose clock jumps over every pause unless told not to."""

    def __init__(
        self,
        spool: Spool,
        edge: Any,
        limits: SenderLimits | None = None,
        *,
        skip_pauses: bool = True,
        patient: bool = False,
    ) -> None:
        self.spool = spool
        self.clock = SkippingClock(skip=skip_pauses)
        self.lines: list[str] = []
        self.stop = asyncio.Event()
        notices = Notices(self.lines.append, self.clock)
        chance = random.Random(1)
        self.sender = Sender(spool, edge.connect, self.clock, chance, limits=limits, notices=notices, patient=patient)

    async def deliver(self) -> None:
        """Runs until everything is delivered, then stops."""
        running = asyncio.create_task(self.sender.run(self.stop))
        assert await self.sender.drain(1_000_000) == 0
        self.stop.set()
        await running


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path / "spool.db", 100_000, random.Random(2)) as opened:
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


async def test_a_refusal_is_heard_of_although_its_answer_was_lost(spool: Spool) -> None:
    """What an edge refused in an answer that was lost with the line is set aside after the next first answer, once."""
    spool.append(made(5))
    edge = Edge([1, 0, 2], refuses_odd=True)
    gateway = Gateway(spool, edge, SenderLimits(batch_readings_max=3))
    await gateway.deliver()
    assert edge.stored == [2, 4]
    assert [refusal.sequence for _, refusal in spool.refused_readings(10)] == [5, 3, 1]
    assert (spool.refused, spool.verdict_sequence()) == (3, 5)
    assert any("refused reading 1" in line for line in gateway.lines)


async def test_new_readings_are_sent_as_they_come(spool: Spool) -> None:
    """A reading appended while the sender waits is sent without another connection."""
    edge = Edge()
    gateway = Gateway(spool, edge)
    running = asyncio.create_task(gateway.sender.run(gateway.stop))
    for time_ms in range(1, 4):
        spool.append([Reading(time_ms=time_ms)])
        assert await gateway.sender.drain(1_000_000) == 0
    gateway.stop.set()
    await running
    assert (edge.stored, edge.connections) == ([1, 2, 3], 1)


async def test_a_new_spool_is_a_new_count(tmp_path: Path) -> None:
    """Readings of a gateway that lost its spool are numbered from 1 again, and none is taken for a repeat."""
    edge = Edge()
    for seed in (3, 4):
        with Spool.open(tmp_path / f"{seed}.db", 10, random.Random(seed)) as spool:
            spool.append(made(seed))
            await Gateway(spool, edge).deliver()
    assert edge.stored == [1, 2, 3, 1, 2, 3, 4]
    assert list(edge.durable.values()) == [3, 4]


async def test_an_old_copy_goes_on_as_a_new_spool(spool: Spool) -> None:
    """Where the edge has more of a spool than it ever sent, what waits is sent under a new id, and that is told."""
    spool.append(made(3))
    edge, old_id = Edge(), spool.id
    edge.durable[old_id] = 500
    gateway = Gateway(spool, edge)
    await gateway.deliver()
    assert edge.stored == [1, 2, 3]
    assert edge.durable == {old_id: 500, spool.id: 3}
    assert "SPOOL_OLD_COPY" in gateway.lines[0]
    assert old_id in gateway.lines[0]


async def test_an_edge_that_always_has_more_is_not_called_all_the_time(spool: Spool) -> None:
    """Pauses grow while every new spool is told to be an old copy: nothing is sent, nothing is lost."""

    class Confused(Edge):
        async def report(self, *_: Batches, **__: Any) -> Answers:
            yield ReportReadingsResponse(durable_sequence=10**9)

    spool.append(made(3))
    gateway = Gateway(spool, Confused())
    running = asyncio.create_task(gateway.sender.run(gateway.stop))
    while len(gateway.clock.pauses_ms) < 12:
        await settle()
    gateway.stop.set()
    await running
    assert max(gateway.clock.pauses_ms) > 10_000
    assert spool.pending() == 3


@pytest.mark.parametrize(("said", "sizes"), [(0, [5, 5, 2]), (3, [3, 3, 3, 3]), (9, [5, 5, 2])])
async def test_messages_are_as_small_as_the_edge_says(spool: Spool, said: int, sizes: list[int]) -> None:
    """A batch holds no more readings than the edge takes; 0 is not said, and its own limit stands."""
    spool.append(made(12))
    edge = Edge(batch_readings_max=said)
    await Gateway(spool, edge, SenderLimits(batch_readings_max=5)).deliver()
    assert edge.batch_sizes == sizes


async def test_refused_readings_are_set_aside(spool: Spool) -> None:
    """What the edge refuses is kept with its reason and not sent again."""
    spool.append(made(4))
    edge = Edge(refuses_odd=True)
    gateway = Gateway(spool, edge)
    await gateway.deliver()
    assert edge.stored == [2, 4]
    assert [(reading.time_ms, refusal.reason) for reading, refusal in spool.refused_readings(9)] == [
        (3, "READING_INVALID"),
        (1, "READING_INVALID"),
    ]
    assert gateway.lines == ["edge: refused reading 1: odd (reason: READING_INVALID)"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lost=st.lists(st.integers(0, 4), max_size=6), count=st.integers(0, 40), batch=st.integers(1, 7))
async def test_lost_connections_lose_nothing(tmp_path: Path, lost: list[int], count: int, batch: int) -> None:
    """However often connections and answers are lost, each reading is stored once, in order."""
    (tmp_path / "spool.db").unlink(missing_ok=True)
    with Spool.open(tmp_path / "spool.db", 1000, random.Random(2)) as spool:
        spool.append(made(count))
        edge = Edge(lost)
        await Gateway(spool, edge, SenderLimits(batch_readings_max=batch)).deliver()
        assert edge.stored == list(range(1, count + 1))


async def test_pauses_grow_and_are_random(spool: Spool) -> None:
    """The longest pause doubles with each failure up to its bound, and begins small again after a success."""
    spool.append(made(2))
    limits = SenderLimits(batch_readings_max=1, retry_s_first=1, retry_s_max=8)
    gateway = Gateway(spool, Edge([0, 0, 0, 0, 0, 0, 2, 0]), limits)
    await gateway.deliver()
    chance = random.Random(1)
    assert gateway.clock.pauses_ms == [int(1000 * chance.uniform(0, most)) for most in (1, 2, 4, 8, 8, 8, 1, 2)]


async def test_an_edge_that_stores_nothing(spool: Spool) -> None:
    """An edge that opens streams and then fails, its disk being full, is left alone for longer and longer."""
    failures = 5

    class Unable(Edge):
        async def report(self, batches: Batches, *, spool_id: str, verdict_sequence: int) -> Answers:
            if self.connections > failures:
                async for answer in super().report(batches, spool_id=spool_id, verdict_sequence=verdict_sequence):
                    yield answer
                return
            yield ReportReadingsResponse()
            await anext(aiter(batches))
            raise unreachable()

    spool.append(made(1))
    gateway = Gateway(spool, Unable(), SenderLimits(retry_s_first=1, retry_s_max=60))
    await gateway.deliver()
    chance = random.Random(1)
    assert gateway.clock.pauses_ms == [int(1000 * chance.uniform(0, 2**number)) for number in range(failures)]


async def test_ended_stream_is_tried_again_after_a_pause(spool: Spool) -> None:
    """An edge that hangs up without an error, as when it restarts, is not called again at once."""

    class Brief(Edge):
        async def report(self, batches: Batches, *, spool_id: str, verdict_sequence: int) -> Answers:
            if self.connections == 1:
                yield ReportReadingsResponse()
                return
            async for response in super().report(batches, spool_id=spool_id, verdict_sequence=verdict_sequence):
                yield response

    spool.append(made(1))
    edge = Brief()
    gateway = Gateway(spool, edge)
    await gateway.deliver()
    assert (edge.stored, len(gateway.clock.pauses_ms)) == ([1], 1)


@pytest.mark.parametrize("status", ["UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "INVALID_ARGUMENT"])
async def test_what_retrying_cannot_mend_ends_it(spool: Spool, status: str) -> None:
    """A refusal of who the gateway is or of what it says is raised at once, and the readings stay."""
    spool.append(made(2))
    gateway = Gateway(spool, Refusing(refusal(status)))
    with pytest.raises(RpcError) as caught:
        await gateway.sender.run(gateway.stop)
    assert (caught.value.status, spool.pending(), gateway.clock.pauses_ms) == (status, 2, [])


@pytest.mark.parametrize(
    "error",
    [
        refusal("NOT_FOUND"),
        refusal("UNAUTHENTICATED"),
        refusal("PERMISSION_DENIED"),
        IdentityError("The certificate has expired."),
        SpoolError("The disk is full.", reason="SPOOL_DISK_FULL"),
    ],
    ids=lambda error: error.reason,
)
async def test_a_patient_sender_outlasts_what_a_person_has_to_mend(spool: Spool, error: EdgeError) -> None:
    """It tries again slowly, says what is wrong once, and says when it is well; then everything arrives."""
    spool.append(made(2))
    edge = Refusing(error, times=50)
    gateway = Gateway(spool, edge, patient=True)
    await gateway.deliver()
    assert (edge.stored, edge.connections) == ([1, 2], 51)
    assert min(gateway.clock.pauses_ms) >= 30_000
    trouble, well = gateway.lines
    assert error.message in trouble
    assert f"whose: {error.fault.value}, reason: {error.reason}" in trouble
    assert well == f"{trouble.split(':')[0]}: well again."


async def test_a_patient_sender_does_not_outlast_a_broken_spool(spool: Spool) -> None:
    """A disk that fails otherwise than by being full ends it: nothing would be kept."""
    error = SpoolError("no", reason="SPOOL_READ_ONLY")
    gateway = Gateway(spool, Refusing(error), patient=True)
    with pytest.raises(SpoolError):
        await gateway.sender.run(gateway.stop)


async def test_a_superseded_stream_waits_before_it_comes_back(spool: Spool) -> None:
    """Two gateways that hold one spool do not take turns all the time."""
    spool.append(made(1))
    gateway = Gateway(spool, Refusing(refusal("FAILED_PRECONDITION"), times=5))
    await gateway.deliver()
    assert min(gateway.clock.pauses_ms) >= 30_000


async def test_little_is_under_way_at_once(spool: Spool) -> None:
    """While the edge does not answer, no more batches are sent than may be in flight; each answer lets one more go."""

    class Slow(Edge):
        def __init__(self) -> None:
            super().__init__()
            self.received: list[int] = []
            self.answers: asyncio.Queue[int] = asyncio.Queue()

        async def report(self, batches: Batches, **_: Any) -> Answers:
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
    assert len(gateway.clock.pauses_ms) == 1


async def test_drain_gives_up_in_time(spool: Spool) -> None:
    """When the time is up, draining says how many readings still wait."""
    spool.append(made(3))
    gateway = Gateway(spool, Edge())
    draining = asyncio.create_task(gateway.sender.drain(100))
    await settle()
    gateway.clock.advance_to(START_MS + 100_000)
    assert await draining == 3
