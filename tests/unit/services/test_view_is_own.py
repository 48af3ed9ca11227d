"""A reading is shown to the household whose meter said it, by three methods, and to nobody by any."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import message_factory

from edge.rpc.roles import ROLES
from edge_sdk.household import HouseholdClient
from edge_sdk.identity import Role
from edge_sdk.wire.v1 import audit_pb2, household_pb2, meter_pb2, operator_pb2, organization_pb2
from edge_sdk.wire.v1.meter_pb2 import Reading
from edge_sdk.wire.v1.operator_pb2 import METER_KIND_ELECTRICITY

if TYPE_CHECKING:
    import pytest
    from conftest import Street
    from google.protobuf.message import Message

    from edge_sdk.identity import Identity

MINUTE_MS = 60_000
SECRET_W = 54_321
# As text, as a register on the wire and as a sample on the wire.
NEEDLES = (
    str(SECRET_W).encode(),
    f"{SECRET_W:,}".encode(),
    Reading(power_import_w=SECRET_W).SerializeToString(),
    struct.pack("<d", float(SECRET_W)),
)
FILES = (audit_pb2, household_pb2, meter_pb2, operator_pb2, organization_pb2)
OTHERS = (
    (Role.HOUSEHOLD, "other"),
    (Role.HOUSEHOLD, "meterless"),
    (Role.HOUSEHOLD, "m-secret"),
    (Role.METER, "m-secret"),
    (Role.METER, "secret"),
    (Role.ORGANIZATION, "secret"),
    (Role.OPERATOR, "operator"),
    (Role.OPERATOR, "secret"),
)


def every_request() -> dict[str, Message]:
    """A request to every method of the edge's own, its fields filled with whatever might name somebody's readings."""
    methods = {
        f"/{service.full_name}/{method.name}": method
        for file in FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    requests = {path: filled(message_factory.GetMessageClass(method.input_type)()) for path, method in methods.items()}
    # The operator may retire a meter; then there would be nothing left to look for.
    requests["/edge.v1.OperatorService/RetireMeter"].Clear()
    return requests


def filled(message: Message) -> Message:
    values = {"from_ms": 1, "until_ms": 2**53, "resolution_s": 60, "meter_id": "m-secret", "household_id": "secret"}
    for field in message.DESCRIPTOR.fields:
        if field.name in values and not field.is_repeated:
            setattr(message, field.name, values[field.name])
        elif field.name == "series" and field.message_type is None:
            message.series.append("power_import")  # type: ignore[attr-defined]
        elif field.message_type is not None and not field.is_repeated:
            filled(getattr(message, field.name))
    return message


async def answers(identity: Identity, path: str, request: Message) -> bytes:
    """Every byte that a call is answered with within a moment, the words of its refusal included."""
    credentials = grpc.ssl_channel_credentials(identity.ca_pem, identity.key_pem, identity.certificate_pem)
    options = [("grpc.ssl_target_name_override", identity.server_name), ("grpc.use_local_subchannel_pool", 1)]
    found = b""
    async with grpc.aio.secure_channel(identity.address, credentials, options=options) as channel:
        call = channel.stream_stream(path)(iter([request.SerializeToString()]), timeout=0.5)
        try:
            async for answer in call:
                found += answer
        except grpc.aio.AioRpcError as error:
            found += repr((error.details(), error.trailing_metadata())).encode()
    return found


async def report_secrets(street: Street, number: int) -> None:
    """Lets the meter report one reading more, a while after whoever follows has begun to."""
    await asyncio.sleep(0.1)
    street.clock.advance_to(street.now_ms + 1)
    reading = Reading(sequence=number, time_ms=street.now_ms, power_import_w=SECRET_W)
    assert not (await street.report("m-secret", [reading]))[-1].rejections


async def is_told(street: Street, who: tuple[Role, str], path: str, request: Message, number: int) -> bool:
    """Whether somebody is told the reading by a method, with another one stored meanwhile if it follows."""
    asked = answers(street.identity(*who), path, request)
    if path.endswith("/StreamReadings"):
        found, _ = await asyncio.gather(asked, report_secrets(street, number))
    else:
        found = await asked
    return any(needle in found for needle in NEEDLES)


async def test_nobody_else_gets_a_reading(street: Street, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever any other identity asks of any method, no answer holds the reading; nor does a line of the log."""
    async with street:
        operator = await street.operator()
        await operator.enrol_meter("m-secret", "secret", METER_KIND_ELECTRICITY)
        await operator.enrol_meter("m-other", "other", METER_KIND_ELECTRICITY)
        begin_ms = street.now_ms
        street.clock.advance_to(begin_ms + 3 * MINUTE_MS)
        reading = Reading(sequence=1, time_ms=begin_ms + MINUTE_MS, power_import_w=SECRET_W)
        assert not (await street.report("m-secret", [reading]))[-1].rejections
        requests: dict[str, Any] = every_request()
        assert set(requests) == {path for path in ROLES if path.startswith("/edge.")}
        for path in ("ReadSeries", "ListReadings"):
            request = requests[f"/edge.v1.HouseholdService/{path}"]
            request.from_ms, request.until_ms = begin_ms, begin_ms + 60 * MINUTE_MS
        for number, who in enumerate(OTHERS, start=2):
            for path, request in requests.items():
                assert not await is_told(street, who, path, request, number), (who, path)
        secret = (Role.HOUSEHOLD, "secret")
        telling = {path for path, request in requests.items() if await is_told(street, secret, path, request, 1_000)}
    methods = ("ReadSeries", "ListReadings", "StreamReadings")
    assert telling == {f"/edge.v1.HouseholdService/{method}" for method in methods}
    written = capfd.readouterr()
    assert not any(needle.decode() in written.out + written.err for needle in NEEDLES[:2])


async def test_who_reads_is_in_the_households_log(street: Street) -> None:
    """Each certificate that readings are asked for with is in that household's log, and no other's, once a day."""
    async with street:
        await street.enrol("h1")
        await (await street.operator()).enrol_meter("m-other", "other", METER_KIND_ELECTRICITY)

        async def read(client: HouseholdClient) -> list[str]:
            async for _ in client.series(["power_import"], 1, 2, 60):
                pass
            async for _ in client.readings(1, 2):
                pass
            events = await street.events("readings_read", Role.HOUSEHOLD, "h1")
            return [str(event["certificate"]) for event in events]

        client = await street.household("h1")
        (first,) = await read(client)
        assert await read(client) == [first]
        # As the operator could, which issues identities.
        street._identities.pop((Role.HOUSEHOLD, "h1"))
        async with HouseholdClient(street.identity(Role.HOUSEHOLD, "h1")) as another:
            own, other = await read(another)
        assert own == first != other
        street.clock.advance_to(street.now_ms + 86_400_000)
        assert await read(client) == [first, other, first]
        for role, name in ((Role.HOUSEHOLD, "other"), (Role.OPERATOR, "operator")):
            assert await street.events("readings_read", role, name) == []
