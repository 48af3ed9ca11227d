"""What errors look like on the wire, and that the SDK reads them back."""

from __future__ import annotations

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import errors
from edge.errors import Category, EdgeError, Fault, ServerError
from edge.rpc.status import code_of, internal_status, status_of
from edge.sandbox.assemble import WatError
from edge_sdk.channel import ERROR_DOMAIN, translate
from edge_sdk.errors import ManifestError, RpcError, UnreachableError, WasmFormatError

CODES = {
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
SERVER_ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ServerError)]
HEADER_BYTES_MAX = 8 * 1024


def received(status: grpc.Status) -> RpcError:
    """What a client makes of a status that came over the wire."""
    pairs = [(key, value) for key, value in status.trailing_metadata or ()]
    metadata = grpc.aio.Metadata(*pairs)
    return translated(status.code, metadata, status.details)


def translated(code: grpc.StatusCode, metadata: grpc.aio.Metadata, details: str) -> RpcError:
    return translate(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), metadata, details, ""), "edge:7443")


@pytest.mark.parametrize("category", Category)
def test_each_category_has_its_code(category: Category) -> None:
    """Every category of the error tree has one status code, and the others' are different."""
    error = ServerError("It went wrong.")
    error.category = category
    assert code_of(error) is CODES[category]
    assert len(set(CODES.values())) == len(Category)


@pytest.mark.parametrize("kind", SERVER_ERRORS)
def test_each_error_goes_round(kind: type[ServerError]) -> None:
    """A client reads message, advice, reason, fault and status of any error as they were raised."""
    read = received(status_of(kind("It went wrong.", advice="Do this.", reason="SO_IT_IS", fault=Fault.HOUSEHOLD)))
    assert (read.message, read.advice, read.reason) == ("It went wrong.", "Do this.", "SO_IT_IS")
    assert (read.fault, read.status) == (Fault.HOUSEHOLD, CODES[kind.category].name)
    plain = received(status_of(kind("It went wrong.")))
    assert (plain.reason, plain.fault, plain.advice) == (kind.reason, kind.fault, kind.default_advice)


@pytest.mark.parametrize("kind", [ManifestError, WasmFormatError, WatError, EdgeError])
def test_errors_of_the_sdk_are_the_callers(kind: type[EdgeError]) -> None:
    """An error without a category is about what the caller sent."""
    read = received(status_of(kind("It went wrong.")))
    assert (read.status, read.reason, read.fault) == ("INVALID_ARGUMENT", kind.reason, kind.fault)


def test_domain() -> None:
    """What an edge says of an error stands under its own domain, by which a client tells it from a proxy's."""
    ((key, value),) = status_of(ServerError("It went wrong.")).trailing_metadata or ()
    assert key == "grpc-status-details-bin"
    assert ERROR_DOMAIN.encode() in value


def test_internal() -> None:
    """Of an error that is not the caller's to see it gets the number under which the log has it, and no more."""
    read = received(internal_status("00c0ffee"))
    assert (read.status, read.reason, read.fault) == ("INTERNAL", "INTERNAL", Fault.EDGE)
    assert read.message == "The edge failed."
    assert "00c0ffee" in read.advice


@given(message=st.text(max_size=3_000), advice=st.text(max_size=3_000))
def test_fits_in_headers(message: str, advice: str) -> None:
    """However long or strange a message is, it fits in the headers that a client takes, and short ones stay whole."""
    status = status_of(ServerError(message, advice=advice))
    read = received(status)
    for sent, shown, bytes_max in ((message, read.message, 1_000), (advice, read.advice, 500)):
        if len(sent.encode()) <= bytes_max:
            assert shown == sent
        else:
            assert shown.endswith("...")
            assert sent.startswith(shown[:-3])
    ((_, details),) = status.trailing_metadata or ()
    # gRPC percent-encodes the message and sends the details in base64.
    assert len(status.details.encode()) * 3 + len(details) * 4 / 3 < HEADER_BYTES_MAX


def test_a_bare_code() -> None:
    """Where something else than an edge answered, or nothing did, the client says what that means."""
    away = translated(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), "connection refused")
    assert isinstance(away, UnreachableError)
    assert (away.fault, away.reason) == (Fault.NETWORK, "UNREACHABLE")
    assert "edge:7443" in away.message
    broken = translated(grpc.StatusCode.INTERNAL, grpc.aio.Metadata(), "Internal error from Core")
    assert isinstance(broken, UnreachableError)
    assert (broken.fault, broken.reason) == (Fault.NETWORK, "CALL_BROKEN")
    other = translated(grpc.StatusCode.UNIMPLEMENTED, grpc.aio.Metadata(), "what?")
    assert (other.reason, other.fault) == ("UNIMPLEMENTED", Fault.EDGE)
