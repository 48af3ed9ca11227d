"""The gRPC server: mutual TLS, the gate, health and reflection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from edge.errors import SettingsError
from edge_sdk.wire.v1 import (
    audit_pb2,
    audit_pb2_grpc,
    household_pb2,
    household_pb2_grpc,
    meter_pb2,
    meter_pb2_grpc,
    operator_pb2,
    operator_pb2_grpc,
    organization_pb2,
    organization_pb2_grpc,
)

if TYPE_CHECKING:
    from edge.rpc.audit import AuditServicer
    from edge.rpc.gate import Gate
    from edge.rpc.household import HouseholdServicer
    from edge.rpc.meter import MeterServicer
    from edge.rpc.operator import OperatorServicer
    from edge.rpc.organization import OrganizationServicer
    from edge.settings import ServerSection

SERVICES: tuple[str, ...] = tuple(
    service.full_name
    for file in (meter_pb2, household_pb2, organization_pb2, operator_pb2, audit_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
)
"""Full names of the edge's own services."""


# Clients ping every 30 s; one that pings much more often than that is cut off.
_PING_INTERVAL_MS_MIN = 10_000


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What the server shows and whom it believes, PEM."""

    certificate_pem: bytes
    key_pem: bytes
    ca_pem: bytes


@dataclass(frozen=True, slots=True)
class Servicers:
    """One of each service."""

    meter: MeterServicer
    household: HouseholdServicer
    organization: OrganizationServicer
    operator: OperatorServicer
    audit: AuditServicer


class RpcServer:
    """Listens on one port for everyone; a connection without a certificate of this edge's CA is not made."""

    def __init__(self, settings: ServerSection, tls: TlsFiles, gate: Gate, servicers: Servicers) -> None:
        self._settings = settings
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # made on import, unseen by types
        self._server: Any = grpc.aio.server(interceptors=[gate], options=_options(settings))
        meter_pb2_grpc.add_MeterServiceServicer_to_server(servicers.meter, self._server)
        household_pb2_grpc.add_HouseholdServiceServicer_to_server(servicers.household, self._server)
        organization_pb2_grpc.add_OrganizationServiceServicer_to_server(servicers.organization, self._server)
        operator_pb2_grpc.add_OperatorServiceServicer_to_server(servicers.operator, self._server)
        audit_pb2_grpc.add_AuditServiceServicer_to_server(servicers.audit, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        credentials = grpc.ssl_server_credentials(
            [(tls.key_pem, tls.certificate_pem)], root_certificates=tls.ca_pem, require_client_auth=True
        )
        self.port = self._bind(credentials)

    def _bind(self, credentials: grpc.ServerCredentials) -> int:
        address = f"{self._settings.host}:{self._settings.port}"
        try:
            port: int = self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise SettingsError(
                f"The server cannot listen on {address}.",
                advice="Is another edge running there? Set server.port, or stop it.",
                reason="PORT_IN_USE",
            ) from error
        return port

    async def start(self) -> None:
        """Begins to answer."""
        await self._server.start()
        for name in ("", *SERVICES):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """Says that it goes, lets calls finish for a while, then ends them."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(self._settings.shutdown_s_max)


def _options(settings: ServerSection) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", settings.message_bytes_max),
        ("grpc.max_send_message_length", settings.message_bytes_max),
        ("grpc.max_concurrent_streams", settings.connections_streams_max),
        ("grpc.keepalive_time_ms", settings.keepalive_s * 1000),
        ("grpc.keepalive_timeout_ms", settings.keepalive_s * 500),
        # Which of the two gRPC goes by differs from release to release; this one is a minute if left out.
        ("grpc.http2.ping_timeout_ms", settings.keepalive_s * 500),
        ("grpc.http2.min_ping_interval_without_data_ms", _PING_INTERVAL_MS_MIN),
        # Two edges on one port would each get half of the meters.
        ("grpc.so_reuseport", 0),
    ]
