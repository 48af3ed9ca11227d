"""The meter's client, against a gRPC server with mutual TLS."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from edge.clock import SystemClock
from edge.gateway.sender import Sender
from edge.gateway.spool import Spool
from edge.rpc.batch import batch_from_wire
from edge.trust.certificates import CertificateAuthority
from edge.trust.keys import SigningKey
from edge_sdk.errors import RpcError, UnreachableError
from edge_sdk.identity import Identity, Role, server_name
from edge_sdk.meter import MeterClient
from edge_sdk.wire.v1.meter_pb2 import Reading, ReportReadingsRequest, ReportReadingsResponse
from edge_sdk.wire.v1.meter_pb2_grpc import MeterServiceServicer, add_MeterServiceServicer_to_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

NOW_MS = time.time_ns() // 1_000_000
AUTHORITY = CertificateAuthority.create("edge-1", NOW_MS)
DEVICE = AUTHORITY.issue_device(["127.0.0.1"], NOW_MS, 30)
METER = AUTHORITY.issue(Role.METER, "meter-1", NOW_MS, 30)


def identity(port: int) -> Identity:
    return Identity(
        role=Role.METER,
        name="meter-1",
        edge_id="edge-1",
        address=f"127.0.0.1:{port}",
        server_name=server_name("edge-1"),
        certificate_pem=METER.certificate_pem,
        key_pem=METER.key_pem,
        ca_pem=AUTHORITY.certificate_pem,
        edge_public_key=SigningKey.generate().verify_key,
        not_before_ms=METER.not_before_ms,
        not_after_ms=METER.not_after_ms,
    )


class Servicer(MeterServiceServicer):
    """Has everything up to `durable` already; refuses readings at time 0."""

    def __init__(self, durable: int = 0) -> None:
        self.durable = durable
        self.times_ms: list[int] = []
        self.spool_ids: list[Any] = []

    async def ReportReadings(  # noqa: N802 - named in the contract
        self, request_iterator: AsyncIterator[ReportReadingsRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[ReportReadingsResponse]:
        """Acknowledges each batch as it comes."""
        self.spool_ids += [value for key, value in context.invocation_metadata() or () if key == "edge-spool-id"]
        yield ReportReadingsResponse(durable_sequence=self.durable)
        async for request in request_iterator:
            batch = batch_from_wire(request, 0)
            if not batch.time_ms.all():
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no time")
            self.times_ms += batch.time_ms.tolist()
            self.durable = int(batch.sequence[-1])
            yield ReportReadingsResponse(durable_sequence=self.durable)


@asynccontextmanager
async def serving(servicer: Servicer) -> AsyncIterator[Identity]:
    server = grpc.aio.server()
    add_MeterServiceServicer_to_server(servicer, server)
    credentials = grpc.ssl_server_credentials(
        [(DEVICE.key_pem, DEVICE.certificate_pem)], AUTHORITY.certificate_pem, require_client_auth=True
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield identity(port)
    await server.stop(grace=None)


async def batches(*times_ms: int) -> AsyncIterator[Sequence[Reading]]:
    for sequence, time_ms in enumerate(times_ms, start=1):
        yield [Reading(sequence=sequence, time_ms=time_ms)]


async def test_report_streams_both_ways() -> None:
    """The first answer says where to resume, each batch is answered, and the stream ends after the last one."""
    servicer = Servicer()
    async with serving(servicer) as who, MeterClient(who) as client:
        answers = [answer.durable_sequence async for answer in client.report(batches(10, 20))]
    assert (answers, servicer.times_ms) == ([0, 1, 2], [10, 20])


async def test_spool_is_named_before_anything_is_written() -> None:
    """A spool's id goes ahead as metadata of the call; without one nothing is sent in its place."""
    servicer = Servicer()
    async with serving(servicer) as who, MeterClient(who) as client:
        for spool_id in ("0f" * 16, ""):
            _ = [answer async for answer in client.report(batches(10), spool_id=spool_id)]
    assert servicer.spool_ids == ["0f" * 16]


async def test_refusal_is_translated() -> None:
    """What the edge refuses arrives as an error of the SDK, with its status."""
    async with serving(Servicer()) as who, MeterClient(who) as client:
        with pytest.raises(RpcError) as caught:
            _ = [answer async for answer in client.report(batches(10, 0))]
    assert caught.value.status == "INVALID_ARGUMENT"


async def test_refused_stream_is_not_written_to() -> None:
    """An edge that refuses a stream at once is told no reading: its reason would be lost behind a failed write."""
    asked = False

    async def watched() -> AsyncIterator[Sequence[Reading]]:
        nonlocal asked
        asked = True
        yield [Reading(sequence=1, time_ms=10)]

    class Refusing(Servicer):
        async def ReportReadings(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ARG002, N802
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")
            yield

    async with serving(Refusing()) as who, MeterClient(who) as client:
        for _ in range(50):
            with pytest.raises(RpcError) as caught:
                await anext(client.report(watched()))
            assert caught.value.status == "UNAUTHENTICATED"
    assert not asked


async def test_absent_edge_is_unreachable() -> None:
    """An edge that does not listen gives the error that is worth another try."""
    async with serving(Servicer()) as who:
        pass
    async with MeterClient(who) as client:
        with pytest.raises(UnreachableError):
            await anext(client.report(batches(10)))


async def test_failing_batches_are_not_hidden() -> None:
    """An error of whoever makes the batches comes out as it is, not as a cancelled call."""

    async def failing() -> AsyncIterator[Sequence[Reading]]:
        yield [Reading(sequence=1, time_ms=10)]
        raise OSError("the disk is gone")

    async with serving(Servicer()) as who, MeterClient(who) as client:
        with pytest.raises(OSError, match="the disk is gone"):
            _ = [answer async for answer in client.report(failing())]


async def test_hanging_up_early_stops_the_batches() -> None:
    """Whoever stops reading answers leaves no task behind that goes on writing."""
    asked, ended = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncIterator[Sequence[Reading]]:
        asked.set()
        try:
            await asyncio.Event().wait()
            yield []
        finally:
            ended.set()

    async with serving(Servicer()) as who, MeterClient(who) as client:
        async with aclosing(client.report(endless())) as answers:
            await anext(answers)
            await asyncio.wait_for(asked.wait(), 10)
        assert ended.is_set()


async def test_client_outside_its_context_is_a_mistake() -> None:
    """A client that was not entered says so."""
    with pytest.raises(RuntimeError, match="async with"):
        await anext(MeterClient(identity(1)).report(batches()))


async def test_sender_delivers_through_it(tmp_path: Path) -> None:
    """A gateway's sender names its spool, empties it through the client, and stops when told."""
    servicer = Servicer()
    with Spool.open(tmp_path / "spool.db", 10_000, random.Random(1)) as spool:
        spool.append(Reading(time_ms=time_ms) for time_ms in range(1, 2001))
        async with serving(servicer) as who:
            sender = Sender(spool, lambda: MeterClient(who), SystemClock(), random.Random(1))
            stop = asyncio.Event()
            running = asyncio.create_task(sender.run(stop))
            assert await sender.drain(10) == 0
            stop.set()
            await running
    assert servicer.spool_ids == [spool.id]
    assert servicer.times_ms == list(range(1, 2001))
    assert servicer.durable == 2000
