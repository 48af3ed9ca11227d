"""What a gateway sees of the ingest, over a stream of its own."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from edge.clock import SimulatedClock
from edge.domain.slot import day_of
from edge.store.engine import day_name
from edge_sdk.errors import RpcError
from edge_sdk.identity import Role
from edge_sdk.meter import MeterClient
from edge_sdk.wire.v1.meter_pb2 import Reading, ReportReadingsRequest
from edge_sdk.wire.v1.meter_pb2_grpc import MeterServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from conftest import Street

BATCH_READINGS = 5
BATCHES = 40


def batches(street: Street, first: int = 0) -> list[list[Reading]]:
    """Two hundred readings in batches of five, from a batch on."""
    return [
        [
            Reading(sequence=number * BATCH_READINGS + place, time_ms=street.now_ms - 60_000, power_import_w=100)
            for place in range(1, BATCH_READINGS + 1)
        ]
        for number in range(first, BATCHES)
    ]


async def send(street: Street, first: int = 0) -> int:
    """Sends batches without waiting for answers; returns the last sequence that was acknowledged."""

    async def each() -> AsyncIterator[Sequence[Reading]]:
        for batch in batches(street, first):
            yield batch

    durable = 0
    async with MeterClient(street.identity(Role.METER, "m-h1")) as client:
        async for answer in client.report(each()):
            assert answer.durable_sequence >= durable
            durable = answer.durable_sequence
    return durable


async def test_failing_disk(street: Street, caplog: pytest.LogCaptureFixture) -> None:
    """A disk that fails ends the stream, whatever was on its way; sent again, all of it is stored, once."""
    async with street:
        await street.enrol("h1")
        blocked = street.provisioned.edge_folder / "data" / "readings" / "2026-06-19.duckdb"
        for _ in range(3):
            blocked.mkdir()
            with pytest.raises(RpcError) as caught:
                await send(street)
            # Of a refusal that crosses a batch on its way, gRPC's client often keeps the status and not the reason.
            assert caught.value.status == "INTERNAL"
            blocked.rmdir()
        assert await send(street) == BATCHES * BATCH_READINGS
        status = await (await street.operator()).status()
        assert (status.readings, status.meters_connected) == (BATCHES * BATCH_READINGS, 0)
        gc.collect()
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == [], "nothing was left over"


async def test_resuming(street: Street) -> None:
    """A stream begins with what is durable, however the one before it ended, and goes on from there."""
    async with street:
        await street.enrol("h1")
        channel_user = await street.client(MeterClient, Role.METER, "m-h1")
        call = MeterServiceStub(channel_user._channel).ReportReadings(None)
        for batch in batches(street)[:7]:
            await call.write(ReportReadingsRequest(readings=batch))
        answers: list[Any] = [await call.read() for _ in range(4)]
        acknowledged = [answer.durable_sequence for answer in answers]
        call.cancel()
        assert acknowledged[0] == 0
        assert acknowledged[-1] >= 3 * BATCH_READINGS
        (resume, *_) = await street.report("m-h1", [])
        assert resume.durable_sequence % BATCH_READINGS == 0
        assert resume.durable_sequence >= acknowledged[-1]
        assert await send(street, resume.durable_sequence // BATCH_READINGS) == BATCHES * BATCH_READINGS
        assert (await (await street.operator()).status()).readings == BATCHES * BATCH_READINGS


async def test_unknown_meter(street: Street) -> None:
    """A meter that is not enrolled is told so at once."""
    async with street:
        with pytest.raises(RpcError) as caught:
            await send(street, BATCHES)
        assert (caught.value.status, caught.value.reason) == ("NOT_FOUND", "METER_UNKNOWN")


async def test_batch_too_large(street: Street) -> None:
    """A batch over the edge's limit ends the stream; what came before it is acknowledged and kept."""
    async with street:
        await street.enrol("h1")

        async def each() -> AsyncIterator[Sequence[Reading]]:
            yield [Reading(sequence=1, time_ms=street.now_ms)]
            yield [Reading(sequence=2 + place, time_ms=street.now_ms) for place in range(501)]

        answers = (await street.client(MeterClient, Role.METER, "m-h1")).report(each())
        assert [(await anext(answers)).durable_sequence for _ in range(2)] == [0, 1]
        with pytest.raises(RpcError) as caught:
            await anext(answers)
        assert caught.value.reason == "BATCH_TOO_LARGE"
        assert (await street.report("m-h1", []))[0].durable_sequence == 1


async def test_two_gateways_of_one_meter(street: Street) -> None:
    """Two gateways with one certificate send the same numbers with other values at a time: all of it is stored."""

    async def gateway(spool_id: str, power_w: int) -> int:
        async def each() -> AsyncIterator[Sequence[Reading]]:
            for batch in batches(street):
                for reading in batch:
                    reading.power_import_w = power_w
                yield batch

        async with MeterClient(street.identity(Role.METER, "m-h1")) as client:
            return [answer.durable_sequence async for answer in client.report(each(), spool_id=spool_id)][-1]

    async with street:
        await street.enrol("h1")
        spools = {"": 1, "a" * 32: 2, "b" * 32: 3}
        durable = await asyncio.gather(*(gateway(*spool) for spool in spools.items()))
        assert durable == [BATCHES * BATCH_READINGS] * 3
        rows = await street.query(
            "SELECT spool_id, power_import_w, count(*), count(DISTINCT sequence)"
            f" FROM {day_name(day_of(street.now_ms))}.readings GROUP BY ALL ORDER BY ALL"
        )
        assert rows == [(spool_id, power_w, 200, 200) for spool_id, power_w in sorted(spools.items())]


async def test_first_answer_tells_what_a_gateway_needs(street: Street) -> None:
    """The first answer names the last sequence of that spool and how many readings a batch may hold."""
    async with street:
        await street.enrol("h1")
        (first, *_) = await street.report("m-h1", batches(street)[0], spool_id="a" * 32)
        assert (first.durable_sequence, first.batch_readings_max) == (0, 500)
        (again, *_) = await street.report("m-h1", [], spool_id="a" * 32)
        assert (again.durable_sequence, again.batch_readings_max) == (BATCH_READINGS, 500)
        (other, *_) = await street.report("m-h1", [], spool_id="b" * 32)
        assert other.durable_sequence == 0


async def test_half_open_stream(street: Street) -> None:
    """A gateway that comes back gets its stream, although the one before is open; that one is told why it ends."""
    async with street:
        await street.enrol("h1")
        answers = (await street.client(MeterClient, Role.METER, "m-h1")).report(endless(), spool_id="a" * 32)
        assert (await anext(answers)).durable_sequence == 0
        (resumed, *_) = await street.report("m-h1", batches(street)[0], spool_id="a" * 32)
        assert resumed.durable_sequence == 0
        with pytest.raises(RpcError) as caught:
            await anext(answers)
        assert (caught.value.status, caught.value.reason) == ("FAILED_PRECONDITION", "STREAM_SUPERSEDED")
        assert (await (await street.operator()).status()).meters_connected == 0


async def test_refusals_are_repeated_until_they_are_heard_of(street: Street) -> None:
    """A gateway that names the last verdict it has is told at once what was refused since; in pages if it is much."""

    async def first_answers(verdict_sequence: int | None) -> list[list[int]]:
        async def nothing() -> AsyncIterator[Sequence[Reading]]:
            for batch in ():
                yield batch

        client = await street.client(MeterClient, Role.METER, "m-h1")
        answers = client.report(nothing(), verdict_sequence=verdict_sequence)
        return [[answer.durable_sequence, *(item.sequence for item in answer.rejections)] async for answer in answers]

    async with street:
        await street.enrol("h1")
        odd = [
            Reading(sequence=number, time_ms=street.now_ms, power_import_w=-(number % 2)) for number in range(1, 2401)
        ]
        for begin in range(0, 2400, 500):
            await street.report("m-h1", odd[begin : begin + 500])
        assert await first_answers(None) == await first_answers(2400) == [[2400]]
        assert await first_answers(2394) == [[2400, 2395, 2397, 2399]]
        assert await first_answers(0) == [[1999, *range(1, 2000, 2)], [2400, *range(2001, 2400, 2)]]
        client = await street.client(MeterClient, Role.METER, "m-h1")
        call = MeterServiceStub(client._channel).ReportReadings(None, metadata=(("edge-verdict-sequence", "-1"),))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def endless() -> AsyncIterator[Sequence[Reading]]:
    """Never sends anything."""
    await asyncio.Event().wait()
    yield []


async def test_malformed_spool_id(street: Street) -> None:
    """A spool's id that is none is refused at once, with its reason."""
    async with street:
        await street.enrol("h1")
        for spool_id in ("a" * 31, "A" * 32, "x"):
            with pytest.raises(RpcError) as caught:
                await street.report("m-h1", [], spool_id=spool_id)
            assert (caught.value.status, caught.value.reason) == ("INVALID_ARGUMENT", "SPOOL_ID_INVALID")


async def test_clock_that_lost_the_time(street: Street) -> None:
    """An edge that wakes up in the past takes nothing from its future and refuses none of it: gateways try again."""
    async with street:
        await street.enrol("h1")
        await street.report("m-h1", batches(street)[0])
        now_ms = street.now_ms
        await street.stop()
        street.clock = SimulatedClock(now_ms - 3_600_000)
        await street.start()
        with pytest.raises(RpcError) as caught:
            await street.report("m-h1", [Reading(sequence=BATCH_READINGS + 1, time_ms=now_ms + 1_000)])
        assert caught.value.status == "UNAVAILABLE"
        status = await (await street.operator()).status()
        assert (status.readings, status.readings_refused) == (BATCH_READINGS, 0)
        await street.advance(now_ms + 2_000)
        answers = await street.report("m-h1", [Reading(sequence=BATCH_READINGS + 1, time_ms=now_ms + 1_000)])
        assert (answers[-1].durable_sequence, len(answers[-1].rejections)) == (BATCH_READINGS + 1, 0)
