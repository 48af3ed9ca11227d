"""What every call passes: who may, for how long, and what an error that nobody foresaw tells."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from edge import logs
from edge.clock import SimulatedClock, SystemClock
from edge.errors import NotFoundError
from edge.metrics import Metrics
from edge.rpc.gate import Gate
from edge.settings import LogSection
from edge.trust.certificates import CertificateAuthority
from edge.trust.keys import SigningKey
from edge_sdk.auditor import AuditClient
from edge_sdk.channel import open_channel
from edge_sdk.errors import RpcError
from edge_sdk.identity import Identity, Role, server_name
from edge_sdk.meter import MeterClient, request_of
from edge_sdk.wire.v1 import audit_pb2_grpc, meter_pb2, meter_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

NOW_MS = SystemClock().now_ms()
DAY_MS = 86_400_000
SECRET = "987654321"
GOOD, FORESEEN, UNFORESEEN = 1, 2, 3
"""What a reading's sequence makes the meter service do."""


class _Audit(audit_pb2_grpc.AuditServiceServicer):
    """Fails with a message that quotes what it should not."""

    async def GetTreeHead(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        value = int(SECRET)
        raise ValueError(f"cannot convert {value}")

    GetInclusionProof = ListEntries = GetConsistencyProof = GetTreeHead


class _Meter(meter_pb2_grpc.MeterServiceServicer):
    """Speaks first, as the contract says; answers each batch, or fails as its first reading says."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    async def ReportReadings(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ARG002, N802
        try:
            yield meter_pb2.ReportReadingsResponse()
            async for request in request_iterator:
                (sequence,) = request.columns.sequence.values
                if sequence == FORESEEN:
                    raise NotFoundError("No such meter.", reason="METER_UNKNOWN")
                if sequence == UNFORESEEN:
                    raise KeyError(request.columns.power_import_w.values[0])
                yield meter_pb2.ReportReadingsResponse(durable_sequence=sequence)
        finally:
            self.closed.set()


@dataclass
class Served:
    """A server behind a gate, and the time that the gate goes by."""

    authority: CertificateAuthority
    port: int = 0
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(NOW_MS))
    metrics: Metrics = field(default_factory=Metrics)
    meter: _Meter = field(default_factory=_Meter)

    def identity(self, role: Role) -> Identity:
        issued = self.authority.issue(role, "somebody", NOW_MS, 1)
        return Identity(
            role=role,
            name="somebody",
            edge_id="edge-1",
            address=f"127.0.0.1:{self.port}",
            server_name=server_name("edge-1"),
            certificate_pem=issued.certificate_pem,
            key_pem=issued.key_pem,
            ca_pem=self.authority.certificate_pem,
            edge_public_key=SigningKey.generate().verify_key,
            not_before_ms=issued.not_before_ms,
            not_after_ms=issued.not_after_ms,
        )

    def calls(self) -> dict[tuple[str, str], float]:
        """How many calls were counted, by method and status."""
        (family,) = [found for found in self.metrics.registry.collect() if found.name == "edge_rpc_calls"]
        return {
            (sample.labels["method"], sample.labels["status"]): sample.value
            for sample in family.samples
            if sample.name.endswith("_total")
        }


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged while the test runs."""
    before = logging.getLogger().handlers
    logs.configure(LogSection(level="debug"))
    stream = io.StringIO()
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    logging.getLogger().handlers = before
    structlog.reset_defaults()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = Served(CertificateAuthority.create("edge-1", NOW_MS))
    device = made.authority.issue_device(["127.0.0.1"], NOW_MS, 1)
    server = grpc.aio.server(interceptors=[Gate("edge-1", made.clock, lambda: None, made.metrics)])
    audit_pb2_grpc.add_AuditServiceServicer_to_server(_Audit(), server)
    meter_pb2_grpc.add_MeterServiceServicer_to_server(made.meter, server)
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    credentials = grpc.ssl_server_credentials(
        [(device.key_pem, device.certificate_pem)],
        root_certificates=made.authority.certificate_pem,
        require_client_auth=True,
    )
    made.port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield made
    await server.stop(None)


def check_tells_nothing(error: RpcError, log: io.StringIO, kind: str) -> None:
    """The caller got a number and no detail; the log has the number and where it was, and neither quotes a value."""
    assert (error.status, error.message) == ("INTERNAL", "The edge failed.")
    incident = error.advice.rsplit(" ", 1)[1].rstrip(".")
    (line,) = [line for line in log.getvalue().splitlines() if incident in line]
    entry = json.loads(line)
    assert (entry["event"], entry["error"], entry["level"]) == ("call_failed", kind, "error")
    assert any("test_gate.py" in place for place in entry["where"])
    assert SECRET not in log.getvalue() + str(error)


async def send(identity: Identity, *sequences: int) -> tuple[list[int], RpcError | None]:
    """Sends one batch after the other's answer; returns what was answered and what ended the stream."""
    answered: list[int] = []
    more = asyncio.Event()

    async def batches() -> AsyncIterator[Sequence[meter_pb2.Reading]]:
        for sequence in sequences:
            yield [meter_pb2.Reading(sequence=sequence, power_import_w=int(SECRET))]
            await more.wait()
            more.clear()

    async with MeterClient(identity) as client:
        try:
            async for answer in client.report(batches()):
                if answer.durable_sequence:
                    answered.append(answer.durable_sequence)
                    more.set()
        except RpcError as error:
            return answered, error
    return answered, None


async def test_unforeseen_error(served: Served, log: io.StringIO) -> None:
    """An error that nobody foresaw tells its caller a number, under which the log has where it was, and no value."""
    incidents = set()
    async with AuditClient(served.identity(Role.OPERATOR)) as client:
        for _ in range(2):
            with pytest.raises(RpcError) as caught:
                await client.head()
            check_tells_nothing(caught.value, log, "ValueError")
            incidents.add(caught.value.advice)
    assert len(incidents) == 2


async def test_unforeseen_error_in_a_stream(served: Served, log: io.StringIO) -> None:
    """In the middle of a stream it is the same: what was answered before arrives, then the number."""
    answered, error = await send(served.identity(Role.METER), GOOD, GOOD, UNFORESEEN)
    assert answered == [GOOD, GOOD]
    assert error is not None
    check_tells_nothing(error, log, "KeyError")


async def test_foreseen_error_in_a_stream(served: Served, log: io.StringIO) -> None:
    """An error that is meant for the caller arrives as it was raised; the log has its reason and not its message."""
    answered, error = await send(served.identity(Role.METER), GOOD, FORESEEN)
    assert answered == [GOOD]
    assert error is not None
    assert (error.status, error.reason, error.message) == ("NOT_FOUND", "METER_UNKNOWN", "No such meter.")
    (entry,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (entry["event"], entry["reason"], entry["level"]) == ("call_refused", "METER_UNKNOWN", "info")
    assert "No such meter" not in log.getvalue()


async def test_certificate_that_expires_in_a_stream(served: Served) -> None:
    """A stream that outlives its certificate ends at the next batch, and no other call begins."""
    identity = served.identity(Role.METER)
    expired = asyncio.Event()

    async def batches() -> AsyncIterator[Sequence[meter_pb2.Reading]]:
        yield [meter_pb2.Reading(sequence=GOOD)]
        await expired.wait()
        yield [meter_pb2.Reading(sequence=GOOD)]

    async with MeterClient(identity) as client:
        answers = client.report(batches())
        assert [(await anext(answers)).durable_sequence for _ in range(2)] == [0, GOOD]
        served.clock.advance_to(identity.not_after_ms)
        expired.set()
        with pytest.raises(RpcError) as caught:
            await anext(answers)
    assert (caught.value.status, caught.value.reason) == ("UNAUTHENTICATED", "CERTIFICATE_EXPIRED")
    _, error = await send(identity, GOOD)
    assert error is not None
    assert error.reason == "CERTIFICATE_EXPIRED"


async def test_health_watch_ends_with_its_certificate(served: Served) -> None:
    """Whoever watches the edge's health does so no longer than its certificate is good, though nothing changes."""
    identity = served.identity(Role.HOUSEHOLD)
    async with open_channel(identity) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        await watch.read()
        served.clock.advance_to(identity.not_after_ms)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(watch.read(), 10)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_caller_that_hangs_up(served: Served) -> None:
    """When a caller hangs up, what answered it is closed at once."""
    async with open_channel(served.identity(Role.METER)) as channel:
        call = meter_pb2_grpc.MeterServiceStub(channel).ReportReadings(None)
        await call.write(request_of([meter_pb2.Reading(sequence=GOOD)]))
        await call.read()
        assert not served.meter.closed.is_set()
        call.cancel()
        await asyncio.wait_for(served.meter.closed.wait(), 10)


async def test_calls_are_counted(served: Served) -> None:
    """Each call is counted once by method and status, whatever its arity, and so are the bytes of its messages."""
    operator, meter = served.identity(Role.OPERATOR), served.identity(Role.METER)
    await send(meter, GOOD)
    await send(meter, GOOD, FORESEEN)
    async with AuditClient(operator) as client:
        with pytest.raises(RpcError):
            await client.head()
    await send(operator, GOOD)
    report, head = "/edge.v1.MeterService/ReportReadings", "/edge.v1.AuditService/GetTreeHead"
    assert served.calls() == {
        (report, "OK"): 1,
        (report, "NOT_FOUND"): 1,
        (report, "PERMISSION_DENIED"): 1,
        (head, "INTERNAL"): 1,
    }
    request = request_of([meter_pb2.Reading(sequence=1, power_import_w=int(SECRET))])
    answer = meter_pb2.ReportReadingsResponse(durable_sequence=1)
    assert served.metrics.bytes_moved() == (3 * request.ByteSize(), 2 * answer.ByteSize())


async def test_methods_that_are_not_there(served: Served) -> None:
    """A method that nobody serves is answered as such, and leaves no trace in the counts: they cannot be flooded."""
    channel: Any = open_channel(served.identity(Role.OPERATOR))
    async with channel:
        for path in ("/edge.v1.AuditService/Delete", "/no.such.Service/Method"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(path)(b"")
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert served.calls() == {}


async def test_bytes_that_are_no_message(served: Served, log: io.StringIO) -> None:
    """A request that is no message fails as one call, and what it held is not logged."""
    garbage = b"\xff" + SECRET.encode()
    channel: Any = open_channel(served.identity(Role.METER))
    async with channel:
        call = channel.stream_stream("/edge.v1.MeterService/ReportReadings")(iter([garbage]))
        await call.read()
        with pytest.raises(grpc.aio.AioRpcError):
            await call.read()
        with pytest.raises(grpc.aio.AioRpcError):
            await channel.unary_unary("/edge.v1.AuditService/GetInclusionProof")(garbage)
    assert SECRET not in log.getvalue()
    answered, _ = await send(served.identity(Role.METER), GOOD)
    assert answered == [GOOD]
