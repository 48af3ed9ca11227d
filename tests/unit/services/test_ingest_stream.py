"""What a gateway sees of the ingest, over a stream of its own."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING, Any

import pytest

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
