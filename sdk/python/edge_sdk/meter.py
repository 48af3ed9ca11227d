"""The client of a meter's gateway: readings up, durable acknowledgements down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc

from edge_sdk.channel import translated
from edge_sdk.client import Client
from edge_sdk.columns import encode
from edge_sdk.wire.v1.meter_pb2 import (
    Gap,
    GapQuery,
    ListGapsRequest,
    Reading,
    ReportReadingsRequest,
    ReportReadingsResponse,
)
from edge_sdk.wire.v1.meter_pb2_grpc import MeterServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from edge_sdk.wire.v1.meter_pb2_grpc import MeterServiceAsyncStub

CALL_TIMEOUT_S = 30.0

SPOOL_ID_KEY = "edge-spool-id"
"""Call metadata that names the spool."""

VERDICT_SEQUENCE_KEY = "edge-verdict-sequence"
"""Call metadata: the last sequence of the spool of which the gateway knows whether it was refused."""


class MeterClient(Client):
    """Speaks to an edge as one meter."""

    async def report(
        self, batches: AsyncIterator[Sequence[Reading]], *, spool_id: str = "", verdict_sequence: int | None = None
    ) -> AsyncGenerator[ReportReadingsResponse, None]:
        """Streams `batches` up and yields what the edge answers. The first answer says where to resume.

        Sequences count within the spool that `spool_id` names: 32 lower-case hexadecimal digits, made at random with
        the spool, or "" for a meter whose readings all come from one place that never loses count.

        `verdict_sequence` is the last one of which the caller knows whether it was refused. The first answers then
        repeat what was refused after it, for an answer may have been lost with the line. None asks for nothing.

        `batches` is asked for its first batch when that answer is here, and not at all if the edge refuses the stream:
        gRPC may report a write to a stream that has ended as a failure of its own, in place of the edge's reason
        (grpc issue 36066). When `batches` ends, the edge answers what it still has and the stream ends.

        Raises:
            RpcError: the edge refused or cannot be reached. What `batches` raises is raised here too.
        """
        async with translated(self._identity):
            call = MeterServiceStub(self._channel).ReportReadings(None, metadata=_metadata(spool_id, verdict_sequence))
            writer: asyncio.Task[None] | None = None
            try:
                async for response in call:
                    if writer is None:
                        writer = asyncio.create_task(_write(call, batches))
                        writer.add_done_callback(lambda task: _hang_up_if_failed(task, call))
                    yield response
            except asyncio.CancelledError:
                # gRPC says only that the call was cancelled; the reason is the writer's.
                if writer and writer.done() and not writer.cancelled() and (error := writer.exception()) is not None:
                    raise error from None
                raise
            finally:
                call.cancel()
                if writer is not None:
                    writer.cancel()
                    await asyncio.wait([writer])

    async def gaps(self, from_ms: int, until_ms: int, longer_than_ms: int = 0) -> list[Gap]:
        """Returns what is missing between this meter's readings of a range of time; asks page by page.

        Raises:
            RpcError: the edge refused or cannot be reached.
        """
        found: list[Gap] = []
        query = GapQuery(from_ms=from_ms, until_ms=until_ms, longer_than_ms=longer_than_ms)
        async with translated(self._identity):
            stub: MeterServiceAsyncStub = MeterServiceStub(self._channel)
            while True:
                response = await stub.ListGaps(ListGapsRequest(query=query), timeout=CALL_TIMEOUT_S)
                found += response.gaps
                query.page_token = response.next_page_token
                if not query.page_token:
                    return found


def request_of(batch: Sequence[Reading]) -> ReportReadingsRequest:
    """Returns a batch as columns, or as rows if columns have no place for it: the edge then says what is wrong."""
    columns = encode(batch)
    return ReportReadingsRequest(readings=batch) if columns is None else ReportReadingsRequest(columns=columns)


def _metadata(spool_id: str, verdict_sequence: int | None) -> grpc.aio.Metadata:
    metadata = grpc.aio.Metadata()
    if spool_id:
        metadata.add(SPOOL_ID_KEY, spool_id)
    if verdict_sequence is not None:
        metadata.add(VERDICT_SEQUENCE_KEY, str(verdict_sequence))
    return metadata


_Call = grpc.aio.StreamStreamCall[ReportReadingsRequest, ReportReadingsResponse]


async def _write(call: _Call, batches: AsyncIterator[Sequence[Reading]]) -> None:
    async for batch in batches:
        try:
            await call.write(request_of(batch))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            # The call has ended. Whoever reads the answers is told why.
            return
    await call.done_writing()


def _hang_up_if_failed(writer: asyncio.Task[None], call: _Call) -> None:
    if not writer.cancelled() and writer.exception() is not None:
        call.cancel()
