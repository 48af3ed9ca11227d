"""The gate that every call passes: who are you, may you, and what went wrong.

It wraps each method's handler. On a stream it asks again with every message, so that a certificate that expires or is
revoked, in the middle of a stream that stays open for weeks, ends it.
"""

from __future__ import annotations

import asyncio
import inspect
import secrets
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import structlog

from edge.errors import AuthenticationError, EdgeError, PermissionDeniedError
from edge.logs import where
from edge.rpc.roles import ROLES
from edge.rpc.status import code_of, internal_status, status_of
from edge.trust.certificates import read_peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from edge.clock import Clock
    from edge.domain.peer import Peer
    from edge.domain.revocations import Revocations
    from edge.metrics import Metrics

_log = structlog.get_logger(__name__)
_CERTIFICATE = "x509_pem_cert"
_ASK_AGAIN_S = 1.0

Context = grpc.aio.ServicerContext[Any, Any]


def authenticate(context: Context, edge_id: str) -> Peer:
    """Returns who calls, by the certificate that TLS has verified.

    Raises:
        AuthenticationError: there is none, or it was issued for another edge or without a role.
    """
    certificates = list(context.auth_context().get(_CERTIFICATE, ()))
    if not certificates:
        raise AuthenticationError("The call came without a client certificate.")
    return read_peer(certificates[0], edge_id)


class Gate(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic only in the stubs
    """Lets through who may, and turns what goes wrong into status."""

    def __init__(
        self, edge_id: str, wall_clock: Clock, revocations: Callable[[], Revocations | None], metrics: Metrics
    ) -> None:
        """Makes a gate.

        Args:
            edge_id: whose certificates count.
            wall_clock: the time that TLS goes by, also where the edge itself lives in simulated time.
            revocations: the list in force.
            metrics: where calls are counted.
        """
        self._edge_id = edge_id
        self._wall_clock = wall_clock
        self._revocations = revocations
        self._metrics = metrics

    async def intercept_service(  # type: ignore[override]  # an unknown method has no handler; the stubs deny it
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wraps the handler of a method, whatever its arity."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        return self._wrap(handler, handler_call_details.method)

    def _wrap(self, handler: Any, method: str) -> grpc.RpcMethodHandler[Any, Any]:
        streams_in, streams_out = handler.request_streaming, handler.response_streaming
        inner = (
            (handler.stream_stream if streams_out else handler.stream_unary)
            if streams_in
            else (handler.unary_stream if streams_out else handler.unary_unary)
        )

        async def one_answer(request: Any, context: Context) -> Any:
            async with self._answering(context, method):
                peer = self._enter(context, method)
                answer = await inner(self._request(request, peer, streams_in=streams_in), context)
                self._metrics.bytes_out.inc(answer.ByteSize())
                return answer

        async def many_answers(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self._answering(context, method):
                peer = self._enter(context, method)
                answers = inner(self._request(request, peer, streams_in=streams_in), context)
                if inspect.isawaitable(answers):
                    await self._while_valid(answers, peer)
                    return
                # Closed here and now when the caller hangs up, not when the collector comes by.
                async with aclosing(answers):
                    async for answer in answers:
                        self._check_still_valid(peer)
                        self._metrics.bytes_out.inc(answer.ByteSize())
                        yield answer

        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[streams_in, streams_out]
        behaviour: Any = many_answers if streams_out else one_answer
        return make(behaviour, handler.request_deserializer, handler.response_serializer)

    @asynccontextmanager
    async def _answering(self, context: Context, method: str) -> AsyncIterator[None]:
        """Within it, whatever goes wrong ends the call with its status."""
        try:
            yield
        except EdgeError as error:
            await self._refuse(context, method, error)
        except grpc.aio.AbortError:
            raise
        except NotImplementedError:
            # gRPC's own health service leaves `List` to the default, which raises this.
            self._count(method, grpc.StatusCode.UNIMPLEMENTED)
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "The edge does not offer this method.")
        except Exception as error:  # noqa: BLE001 - the caller is told of it without its details
            await self._fail(context, method, error)
        else:
            self._count(method, grpc.StatusCode.OK)

    async def _while_valid(self, work: Awaitable[None], peer: Peer) -> None:
        """Runs what writes to the context instead of yielding, as gRPC's own health service does, and asks by time."""
        running = asyncio.ensure_future(work)
        try:
            while not running.done():
                self._check_still_valid(peer)
                await asyncio.wait([running], timeout=_ASK_AGAIN_S)
            await running
        finally:
            running.cancel()

    def _request(self, request: Any, peer: Peer, *, streams_in: bool) -> Any:
        if streams_in:
            return self._checked(request, peer)
        self._metrics.bytes_in.inc(request.ByteSize())
        return request

    async def _checked(self, requests: AsyncIterator[Any], peer: Peer) -> AsyncIterator[Any]:
        async for request in requests:
            self._check_still_valid(peer)
            self._metrics.bytes_in.inc(request.ByteSize())
            yield request

    def _enter(self, context: Context, method: str) -> Peer:
        peer = authenticate(context, self._edge_id)
        self._check_still_valid(peer)
        if peer.role not in ROLES.get(method, ()):
            raise PermissionDeniedError(
                f"Role {peer.role} may not call {method}.",
                advice="Use the identity of a role that may (docs/roles.md).",
                reason="ROLE_NOT_ALLOWED",
            )
        return peer

    def _check_still_valid(self, peer: Peer) -> None:
        if self._wall_clock.now_ms() >= peer.not_after_ms:
            raise AuthenticationError("The certificate has expired.", reason="CERTIFICATE_EXPIRED")
        revocations = self._revocations()
        if revocations is not None and revocations.revokes(peer):
            raise AuthenticationError("The certificate was revoked by the operator.", reason="CERTIFICATE_REVOKED")

    async def _refuse(self, context: Context, method: str, error: EdgeError) -> None:
        self._count(method, code_of(error))
        _log.info("call_refused", method=method, reason=error.reason)
        await _abort(context, status_of(error))

    async def _fail(self, context: Context, method: str, error: Exception) -> None:
        incident = secrets.token_hex(4)
        self._count(method, grpc.StatusCode.INTERNAL)
        # Not its message and not the values on its way: they may be readings.
        _log.error("call_failed", method=method, incident=incident, error=type(error).__name__, where=where(error))
        await _abort(context, internal_status(incident))

    def _count(self, method: str, code: grpc.StatusCode) -> None:
        self._metrics.calls.labels(method, code.name).inc()


async def _abort(context: Any, status: grpc.Status) -> None:
    # The stubs do not know that asyncio's context has it.
    await context.abort_with_status(status)
