"""What an error looks like on the wire: the one place where errors become gRPC status.

A caller sees the message, the advice and the reason that an `EdgeError` was raised with. Of any other error it sees
that there was one, with a number under which the operator finds it in the log.
"""

from __future__ import annotations

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from edge.errors import Category, EdgeError, Fault, ServerError
from edge_sdk.channel import ERROR_DOMAIN

_CODES = {
    Category.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Category.DENIED: grpc.StatusCode.PERMISSION_DENIED,
    Category.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Category.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Category.CONFLICT: grpc.StatusCode.FAILED_PRECONDITION,
    Category.LIMIT: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Category.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Category.INTERNAL: grpc.StatusCode.INTERNAL,
    Category.DATA_LOSS: grpc.StatusCode.DATA_LOSS,
}

# Both travel in headers, of which a client takes 8 KiB; a message may quote what it was sent.
_MESSAGE_BYTES_MAX = 1_000
_ADVICE_BYTES_MAX = 500


def code_of(error: EdgeError) -> grpc.StatusCode:
    """Returns the status code of an error. An `EdgeError` without category is about what the caller sent."""
    category = error.category if isinstance(error, ServerError) else Category.INVALID
    return _CODES[category]


def status_of(error: EdgeError) -> grpc.Status:
    """Returns the rich status of an error that is meant for the caller."""
    return _rich(code_of(error), error.message, error.advice, error.reason, error.fault)


def internal_status(incident: str) -> grpc.Status:
    """Returns the status of an error that is not for the caller to see, with its number in the log."""
    advice = f"Tell the operator; the log has it under incident {incident}."
    return _rich(grpc.StatusCode.INTERNAL, "The edge failed.", advice, "INTERNAL", Fault.EDGE)


def _rich(code: grpc.StatusCode, message: str, advice: str, reason: str, fault: Fault) -> grpc.Status:
    message, advice = _shortened(message, _MESSAGE_BYTES_MAX), _shortened(advice, _ADVICE_BYTES_MAX)
    info = error_details_pb2.ErrorInfo(
        reason=reason, domain=ERROR_DOMAIN, metadata={"fault": fault.value, "advice": advice}
    )
    detail = any_pb2.Any()
    detail.Pack(info)
    status = status_pb2.Status(code=code.value[0], message=message, details=[detail])
    return rpc_status.to_status(status)


def _shortened(text: str, bytes_max: int) -> str:
    encoded = text.encode()
    return text if len(encoded) <= bytes_max else encoded[: bytes_max - 3].decode(errors="ignore") + "..."
