"""MeterService: readings come in, acknowledgements go out."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from edge.errors import InvalidRequestError
from edge.rpc.batch import batch_from_wire, size_of
from edge.rpc.gate import Context, authenticate
from edge.rpc.meter_record import gap_query, gaps_to_wire
from edge_sdk.meter import SPOOL_ID_KEY, VERDICT_SEQUENCE_KEY
from edge_sdk.wire.v1 import meter_pb2 as pb
from edge_sdk.wire.v1 import meter_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable

    from edge.metrics import Metrics
    from edge.services.ingest import Ingest
    from edge.services.meter_record import MeterRecords
    from edge.services.stream import Acknowledgement, Rejection, Stream, Taken
    from edge.settings import IngestSection

# An answer of so many stays far below what a message may hold.
_PAGE_REFUSALS = 1_000

_Pending: TypeAlias = "asyncio.Queue[Taken | None]"


class MeterServicer(meter_pb2_grpc.MeterServiceServicer):
    """Called by gateways."""

    def __init__(
        self, ingest: Ingest, records: MeterRecords, edge_id: str, settings: IngestSection, metrics: Metrics
    ) -> None:
        self._ingest = ingest
        self._records = records
        self._edge_id = edge_id
        self._settings = settings
        self._raw_registers_max = settings.raw_registers_max if settings.keep_raw else 0
        self._metrics = metrics

    async def ReportReadings(
        self, request_iterator: AsyncIterator[pb.ReportReadingsRequest], context: Context
    ) -> AsyncIterator[pb.ReportReadingsResponse]:
        """Acknowledges each batch once it is durable, in order; reads no further than a few batches ahead of that."""
        meter_id = authenticate(context, self._edge_id).name
        async with self._ingest.stream(meter_id, _metadata(context, SPOOL_ID_KEY)) as stream:
            with self._metrics.streams.track_inprogress():
                for answer in await self._first_answers(stream, _verdict_sequence(context)):
                    yield answer
                # Closed here and now when the gateway hangs up, not when the collector comes by.
                async with aclosing(self._answers(stream, request_iterator)) as answers:
                    async for answer in answers:
                        yield answer

    async def ListGaps(self, request: pb.ListGapsRequest, context: Context) -> pb.ListGapsResponse:
        """Says what is missing between the caller's readings."""
        meter_id, query = authenticate(context, self._edge_id).name, request.query
        gaps, token = await self._records.gaps(meter_id, gap_query(query), query.page_size, query.page_token)
        return pb.ListGapsResponse(gaps=gaps_to_wire(gaps), next_page_token=token)

    async def _first_answers(self, stream: Stream, verdict_sequence: int | None) -> list[pb.ReportReadingsResponse]:
        """Returns where to resume, and what was refused before that and has not been heard of."""
        limit = self._settings.batch_readings_max
        unheard = [] if verdict_sequence is None else await self._ingest.refused_since(stream, verdict_sequence)
        pages = [unheard[begin : begin + _PAGE_REFUSALS] for begin in range(0, len(unheard), _PAGE_REFUSALS)]
        answers = [
            pb.ReportReadingsResponse(
                durable_sequence=page[-1].sequence, rejections=_rejections(page), batch_readings_max=limit
            )
            for page in pages
        ] or [pb.ReportReadingsResponse(batch_readings_max=limit)]
        answers[-1].durable_sequence = stream.resume_sequence
        return answers

    async def _answers(
        self, stream: Stream, requests: AsyncIterator[pb.ReportReadingsRequest]
    ) -> AsyncGenerator[pb.ReportReadingsResponse, None]:
        room = asyncio.Semaphore(self._settings.unacknowledged_batches_max)
        pending: _Pending = asyncio.Queue()
        # A stream may be ended while its gateway is silent, or gone without a word.
        stream.watch(lambda: pending.put_nowait(None))
        reader = asyncio.create_task(self._read(stream, requests, room, pending))
        try:
            while (taken := await pending.get()) is not None:
                yield _acknowledgement(await taken.acknowledged())
                room.release()
            stream.check()
            await reader
        finally:
            # What was taken on is committed all the same.
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _read(
        self,
        stream: Stream,
        requests: AsyncIterator[pb.ReportReadingsRequest],
        room: asyncio.Semaphore,
        pending: _Pending,
    ) -> None:
        try:
            async for request in requests:
                await room.acquire()
                decode = partial(batch_from_wire, request, self._raw_registers_max)
                taken = await self._ingest.accept(stream, decode, size_of(request))
                pending.put_nowait(taken)
                if taken.ends_with is not None:
                    stream.end(taken.ends_with)
        finally:
            pending.put_nowait(None)


def _metadata(context: Context, wanted: str) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == wanted:
            return value if isinstance(value, str) else value.decode("ascii", "replace")
    return ""


def _verdict_sequence(context: Context) -> int | None:
    text = _metadata(context, VERDICT_SEQUENCE_KEY)
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise InvalidRequestError(
            f"The metadata `{VERDICT_SEQUENCE_KEY}` is not a sequence.",
            advice="Send the last sequence whose verdict has arrived, in digits, or leave it out.",
        )
    return int(text)


def _acknowledgement(acknowledgement: Acknowledgement) -> pb.ReportReadingsResponse:
    return pb.ReportReadingsResponse(
        durable_sequence=acknowledgement.durable_sequence,
        rejections=_rejections(acknowledgement.rejections),
    )


def _rejections(refused: Iterable[Rejection]) -> list[pb.ReadingRejection]:
    return [pb.ReadingRejection(sequence=item.sequence, reason=item.reason, message=item.message) for item in refused]
