"""Who may call what, tried on every method over real mutual TLS."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import empty_pb2, message_factory
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from edge.app import Application
from edge.domain.action import Action, ActionState, Cause
from edge.rpc.roles import ROLES
from edge.services.identities import CA_FOLDER, Register
from edge.services.provision import EdgePlan, provision
from edge.services.sign import revocations_after
from edge.settings import load
from edge.trust.certificates import CertificateAuthority
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey
from edge_sdk.channel import translate
from edge_sdk.errors import RpcError
from edge_sdk.household import HouseholdClient
from edge_sdk.identity import Identity, Role
from edge_sdk.manifest import Recommendation
from edge_sdk.meter import MeterClient
from edge_sdk.operator import OperatorClient
from edge_sdk.wire import v1
from edge_sdk.wire.v1 import audit_pb2, household_pb2, meter_pb2, operator_pb2, organization_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from google.protobuf.descriptor import MethodDescriptor

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROLES_OF_PEOPLE = (Role.METER, Role.HOUSEHOLD, Role.ORGANIZATION, Role.OPERATOR)
FILES = (meter_pb2, household_pb2, organization_pb2, operator_pb2, audit_pb2, health_pb2, reflection_pb2)
METHODS: dict[str, MethodDescriptor] = {
    f"/{service.full_name}/{method.name}": method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
BROKEN = (
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
)
"""What no empty request of somebody who may call comes to."""
DAY_MS = 86_400_000


class Street:
    """A running edge and whoever asks something of it."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = time.time_ns() // 1_000_000
        self.provisioned = provision(
            folder, EdgePlan("street-1", ("127.0.0.1",), 7443, "Europe/Amsterdam"), self.now_ms
        )
        settings = load(self.provisioned.edge_folder / "settings.toml")
        server = settings.server.model_copy(update={"host": "127.0.0.1", "port": 0, "shutdown_s_max": 0.2})
        metrics = settings.metrics.model_copy(update={"enabled": False})
        self.app = Application(settings.model_copy(update={"server": server, "metrics": metrics}))
        self.register = Register.open(self.provisioned.operator_folder)
        self.key = SigningKey.load(self.provisioned.operator_folder / "root.key")

    def identity(self, role: Role, name: str, *, valid_days: int = 2, now_ms: int | None = None) -> Identity:
        address = f"127.0.0.1:{self.app.port}"
        return self.register.issue(role, name, address, now_ms or self.now_ms, valid_days)[0]

    def identity_of_another_edge(self) -> Identity:
        """One that this edge's own authority issued for an edge of another name."""
        operator = self.identity(Role.OPERATOR, "operator")
        authority = CertificateAuthority.load(self.provisioned.operator_folder / CA_FOLDER)
        authority.edge_id = "street-2"
        issued = authority.issue(Role.OPERATOR, "operator", self.now_ms, 2)
        return replace(operator, certificate_pem=issued.certificate_pem, key_pem=issued.key_pem)

    async def insert_action(self, household: str, action_id: str) -> None:
        """Puts an action where the evaluator would, and wakes who follows the inbox."""
        cause = Cause("acme", "advice", "Test.", "pulse", "1.0.0", "sha256:00", "consent", self.now_ms)
        declared = Recommendation(name="heard", kind="recommendation", text={"en": "Heard."})
        until_ms = self.now_ms + DAY_MS
        action = Action(
            0, action_id, household, "acme/pulse", declared, cause, self.now_ms, until_ms, ActionState.WAITING
        )
        await self.app._store.write(lambda transaction: transaction.actions.insert([action]))
        self.app.evaluator._dispatch.notify([household])

    async def revoke(self, role: Role, name: str) -> None:
        async with OperatorClient(self.identity(Role.OPERATOR, "operator")) as client:
            before = await client.document("revocations")
            serials = self.register.serials_of(role, name)
            document = revocations_after(before, self.key.verify_key, certificates=serials, now_ms=self.now_ms)
            await client.submit(sign_document(document, self.key).to_json())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    made = Street(tmp_path_factory.mktemp("street") / "site")
    await made.app.start()
    yield made
    await made.app.stop()


def channel_of(identity: Identity) -> grpc.aio.Channel:
    """Opens a channel without the SDK's own checks, as somebody who means ill would."""
    credentials = grpc.ssl_channel_credentials(identity.ca_pem, identity.key_pem, identity.certificate_pem)
    options = [("grpc.ssl_target_name_override", identity.server_name), ("grpc.use_local_subchannel_pool", 1)]
    return grpc.aio.secure_channel(identity.address, credentials, options=options)


async def call(channel: grpc.aio.Channel, path: str) -> tuple[grpc.StatusCode, str]:
    """Calls a method with an empty request; returns status and reason. A stream that stays open counts as OK."""
    method = METHODS[path]
    request = message_factory.GetMessageClass(method.input_type)()
    multi: Any = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }[method.client_streaming, method.server_streaming](
        path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=empty_pb2.Empty.FromString,
    )
    # The gate answers within milliseconds; an inbox that is let through and stays empty would not answer at all.
    made = multi(iter([request]) if method.client_streaming else request, timeout=1 if method.server_streaming else 10)
    try:
        if method.server_streaming:
            await made.read()
        else:
            await made
    except grpc.aio.AioRpcError as error:
        return error.code(), translate(error, "127.0.0.1").reason
    finally:
        made.cancel()
    return grpc.StatusCode.OK, ""


async def test_the_table_has_every_method_and_no_other(street: Street) -> None:
    """What the server answers to and what the table has are the same: nothing is forgotten, nothing is left over."""
    assert set(ROLES) == set(METHODS)
    async with channel_of(street.identity(Role.OPERATOR, "operator")) as channel:
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        (answer,) = [item async for item in stub.ServerReflectionInfo(iter([request]))]
    served = {service.name for service in answer.list_services_response.service}
    assert served == {path.split("/")[1] for path in ROLES}
    wire = [importlib.import_module(found.name) for found in pkgutil.iter_modules(v1.__path__, f"{v1.__name__}.")]
    files = [module for module in wire if module.__name__.endswith("_pb2") and module.DESCRIPTOR.services_by_name]
    assert {*files, health_pb2, reflection_pb2} == set(FILES), "a service that the walks below leave out"
    assert all(roles for roles in ROLES.values())
    assert all(Role.EDGE not in roles for roles in ROLES.values())


async def test_roles_that_may_not(street: Street) -> None:
    """Every method denies every role that is not in its row."""
    tried = 0
    for role in ROLES_OF_PEOPLE:
        async with channel_of(street.identity(role, "somebody")) as channel:
            for path, allowed in ROLES.items():
                if role not in allowed:
                    denied = (grpc.StatusCode.PERMISSION_DENIED, "ROLE_NOT_ALLOWED")
                    assert await call(channel, path) == denied, (role, path)
                    tried += 1
    assert tried == sum(len(ROLES_OF_PEOPLE) - len(allowed) for allowed in ROLES.values())


async def test_roles_that_may(street: Street) -> None:
    """Every method lets each role of its row pass the gate, whatever the method itself makes of an empty request."""
    for role in ROLES_OF_PEOPLE:
        async with channel_of(street.identity(role, "somebody")) as channel:
            for path, allowed in ROLES.items():
                if role in allowed:
                    code, reason = await call(channel, path)
                    assert code not in BROKEN, (role, path)
                    assert reason != "ROLE_NOT_ALLOWED", (role, path)


async def gets_no_connection(identity: Identity) -> None:
    async with channel_of(identity) as channel:
        for path in METHODS:
            assert (await call(channel, path))[0] is grpc.StatusCode.UNAVAILABLE, path


async def test_no_certificate(street: Street) -> None:
    """A client that shows no certificate gets no connection, for any method."""
    operator = street.identity(Role.OPERATOR, "operator")
    options = [("grpc.ssl_target_name_override", operator.server_name), ("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(
        operator.address, grpc.ssl_channel_credentials(operator.ca_pem), options=options
    ) as channel:
        for path in METHODS:
            assert (await call(channel, path))[0] is grpc.StatusCode.UNAVAILABLE, path


async def test_expired_certificate(street: Street) -> None:
    """A certificate that has expired gets no connection."""
    await gets_no_connection(street.identity(Role.OPERATOR, "late", valid_days=2, now_ms=street.now_ms - 40 * DAY_MS))


async def test_certificate_of_another_authority(street: Street) -> None:
    """A certificate of another edge's authority gets no connection, even if that edge has the same name."""
    operator = street.identity(Role.OPERATOR, "operator")
    other = CertificateAuthority.create("street-1", street.now_ms)
    issued = other.issue(Role.OPERATOR, "operator", street.now_ms, 2)
    await gets_no_connection(replace(operator, certificate_pem=issued.certificate_pem, key_pem=issued.key_pem))


async def test_certificate_for_another_edge(street: Street) -> None:
    """A certificate of the right authority that names another edge is let through by TLS and by no method."""
    async with channel_of(street.identity_of_another_edge()) as channel:
        for path in METHODS:
            assert await call(channel, path) == (grpc.StatusCode.UNAUTHENTICATED, "WRONG_EDGE"), path


async def test_the_edges_own_certificate(street: Street) -> None:
    """The certificate that the edge shows to others opens no door at the edge."""
    operator = street.identity(Role.OPERATOR, "operator")
    folder = street.provisioned.edge_folder
    certificate, key = (folder / "tls" / "cert.pem").read_bytes(), (folder / "secrets" / "tls.key").read_bytes()
    await gets_no_connection(replace(operator, certificate_pem=certificate, key_pem=key))


async def test_revoked(street: Street) -> None:
    """A revoked certificate is turned away by every method; another one of the same role is not."""
    revoked, other = street.identity(Role.OPERATOR, "revoked"), street.identity(Role.OPERATOR, "other")
    await street.revoke(Role.OPERATOR, "revoked")
    async with channel_of(revoked) as channel:
        for path in METHODS:
            assert await call(channel, path) == (grpc.StatusCode.UNAUTHENTICATED, "CERTIFICATE_REVOKED"), path
    async with channel_of(other) as channel:
        assert await call(channel, "/edge.v1.OperatorService/GetStatus") == (grpc.StatusCode.OK, "")


async def test_revoked_in_the_middle_of_a_meters_stream(street: Street) -> None:
    """A revocation ends a meter's open stream at its next batch, of which nothing is stored."""
    meter = street.identity(Role.METER, "m1")
    async with OperatorClient(street.identity(Role.OPERATOR, "operator")) as operator:
        await operator.enrol_meter("m1", "h1", operator_pb2.METER_KIND_ELECTRICITY)
        acknowledged = asyncio.Event()

        async def batches() -> AsyncIterator[Sequence[meter_pb2.Reading]]:
            yield [meter_pb2.Reading(sequence=1, time_ms=street.now_ms, power_import_w=1)]
            await acknowledged.wait()
            await street.revoke(Role.METER, "m1")
            yield [meter_pb2.Reading(sequence=2, time_ms=street.now_ms, power_import_w=1)]

        async with MeterClient(meter) as client:
            answers = client.report(batches())
            assert [(await anext(answers)).durable_sequence for _ in range(2)] == [0, 1]
            acknowledged.set()
            with pytest.raises(RpcError) as caught:
                await anext(answers)
        assert (caught.value.status, caught.value.reason) == ("UNAUTHENTICATED", "CERTIFICATE_REVOKED")
        status = await operator.status()
        assert (status.readings, status.meters_connected) == (1, 0)


async def test_revoked_in_the_middle_of_an_inbox_stream(street: Street) -> None:
    """A revocation ends a household's open inbox before the next action is shown."""
    household = street.identity(Role.HOUSEHOLD, "h2")
    await street.insert_action("h2", "first")
    async with HouseholdClient(household) as client:
        inbox = client.inbox()
        assert (await anext(inbox)).action_id == "first"
        await street.revoke(Role.HOUSEHOLD, "h2")
        await street.insert_action("h2", "second")
        with pytest.raises(RpcError) as caught:
            await anext(inbox)
    assert (caught.value.status, caught.value.reason) == ("UNAUTHENTICATED", "CERTIFICATE_REVOKED")
