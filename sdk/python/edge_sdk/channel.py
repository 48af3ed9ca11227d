"""The mutually authenticated channel to an edge, and what its refusals mean."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from edge_sdk.errors import Fault, RpcError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge_sdk.identity import Identity

ERROR_DOMAIN = "edge.v1"
"""`ErrorInfo.domain` of every refusal of an edge."""

KEEPALIVE_S = 30
"""After so long a silence the edge is asked whether it is still there; an edge allows 10 s and more."""

MESSAGE_BYTES_MAX = 4 * 1024 * 1024
_STATUS_DETAILS_KEY = "grpc-status-details-bin"
_RECONNECT_MS_MAX = 10_000


def open_channel(identity: Identity, keepalive_s: int = KEEPALIVE_S) -> grpc.aio.Channel:
    """Opens a channel to the edge that `identity` names; connects on first use.

    A line that was cut without a word is given up one and a half times `keepalive_s` after its last one.

    Raises:
        IdentityError: the certificate has expired or is not valid yet.
    """
    identity.check_validity(time.time_ns() // 1_000_000)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=identity.ca_pem,
        private_key=identity.key_pem,
        certificate_chain=identity.certificate_pem,
    )
    # The name in the certificate is the edge's own, whatever address it is reached at.
    options = [
        ("grpc.ssl_target_name_override", identity.server_name),
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.keepalive_time_ms", keepalive_s * 1000),
        ("grpc.keepalive_timeout_ms", keepalive_s * 500),
        # Which of the two gRPC goes by differs from release to release; this one is a minute if left out.
        ("grpc.http2.ping_timeout_ms", keepalive_s * 500),
        ("grpc.max_reconnect_backoff_ms", _RECONNECT_MS_MAX),
        # Each identity gets its own connection: a shared one would carry the certificate of whoever opened it first.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    return grpc.aio.secure_channel(identity.address, credentials, options=options)


def translate(error: grpc.aio.AioRpcError, address: str) -> RpcError:
    """Returns what a failed call means, from the rich status the edge sent, or from the bare code if it sent none."""
    status = error.code().name
    info, message = _error_info(error)
    if info is not None:
        return RpcError(
            message,
            advice=info.metadata.get("advice", ""),
            reason=info.reason,
            fault=Fault(info.metadata.get("fault", Fault.EDGE)),
            status=status,
        )
    if error.code() is grpc.StatusCode.INTERNAL:
        # An edge that fails says so in a rich status: this one was made on the way, by one of the two gRPC libraries.
        return UnreachableError(
            f"The call to the edge at {address} broke off: {error.details()}.",
            advice="Try again; if the edge refuses, it then says why.",
            reason="CALL_BROKEN",
            fault=Fault.NETWORK,
            status=status,
        )
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return UnreachableError(
            f"The edge at {address} cannot be reached: {error.details()}.",
            advice="Check that it runs (`edge serve`), the address in identity.json, and that neither side's "
            "certificate has expired or was issued for another edge.",
            reason="UNREACHABLE",
            fault=Fault.NETWORK,
            status=status,
        )
    return RpcError(
        f"The edge answered {status}: {error.details()}.", advice="", reason=status, fault=Fault.EDGE, status=status
    )


@asynccontextmanager
async def translated(identity: Identity) -> AsyncIterator[None]:
    """Within it, a failed call raises `RpcError` instead of gRPC's own error."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise translate(error, identity.address) from error


def _error_info(error: grpc.aio.AioRpcError) -> tuple[error_details_pb2.ErrorInfo | None, str]:
    metadata: Any = error.trailing_metadata() or ()  # pairs, whatever the stubs say
    for key, value in metadata:
        if key != _STATUS_DETAILS_KEY or not isinstance(value, bytes):
            continue
        status = status_pb2.Status.FromString(value)
        for detail in status.details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info) and info.domain == ERROR_DOMAIN:
                return info, status.message
    return None, ""


__all__ = ["ERROR_DOMAIN", "MESSAGE_BYTES_MAX", "open_channel", "translate", "translated"]
