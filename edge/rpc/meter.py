"""MeterService: readings come in, acknowledgements go out."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeAlias

from edge.domain.reading import PHASES_MAX, SUB_METERS_MAX, Phase, Reading, SubMeterKind, SubReading
from edge.rpc.gate import Context, authenticate
from edge_sdk.meter import SPOOL_ID_KEY
from edge_sdk.wire.v1 import meter_pb2 as pb
from edge_sdk.wire.v1 import meter_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable

    from edge.metrics import Metrics
    from edge.services.ingest import Ingest
    from edge.services.stream import Acknowledgement, Stream, Taken
    from edge.settings import IngestSection

_Pending: TypeAlias = "asyncio.Queue[Taken | None]"


class MeterServicer(meter_pb2_grpc.MeterServiceServicer):
    """Called by gateways."""

    def __init__(self, ingest: Ingest, edge_id: str, settings: IngestSection, metrics: Metrics) -> None:
        self._ingest = ingest
        self._edge_id = edge_id
        self._settings = settings
        self._metrics = metrics

    async def ReportReadings(
        self, request_iterator: AsyncIterator[pb.ReportReadingsRequest], context: Context
    ) -> AsyncIterator[pb.ReportReadingsResponse]:
        """Acknowledges each batch once it is durable, in order; reads no further than a few batches ahead of that."""
        meter_id = authenticate(context, self._edge_id).name
        async with self._ingest.stream(meter_id, _spool_id(context)) as stream:
            with self._metrics.streams.track_inprogress():
                yield pb.ReportReadingsResponse(
                    durable_sequence=stream.resume_sequence, batch_readings_max=self._settings.batch_readings_max
                )
                # Closed here and now when the gateway hangs up, not when the collector comes by.
                async with aclosing(self._answers(stream, request_iterator)) as answers:
                    async for answer in answers:
                        yield answer

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
                readings = (reading_from_wire(reading) for reading in request.readings)
                pending.put_nowait(await self._ingest.accept(stream, readings, len(request.readings)))
        finally:
            pending.put_nowait(None)


def _spool_id(context: Context) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == SPOOL_ID_KEY:
            return value if isinstance(value, str) else value.decode("ascii", "replace")
    return ""


def reading_from_wire(reading: pb.Reading) -> Reading:
    """Returns the domain's reading; what is absent on the wire is None."""
    # One call lists all that is set, zero or not: asking for field after field costs three times as much.
    values: dict[str, Any] = {field.name: value for field, value in reading.ListFields()}
    phases = values.pop("phases", ())
    sub_meters = values.pop("sub_meters", ())
    values.setdefault("sequence", 0)
    values.setdefault("time_ms", 0)
    return Reading(
        # One more than there may be is enough for the rule that refuses them; a message can hold a million.
        phases=tuple(_phase(phase) for phase in phases[: PHASES_MAX + 1]),
        sub_readings=tuple(_sub_readings(sub_meters[: SUB_METERS_MAX + 1])),
        **values,
    )


def _phase(phase: pb.Phase) -> Phase:
    return Phase(**{field.name: value for field, value in phase.ListFields()})


def _sub_readings(sub_meters: Iterable[pb.SubMeter]) -> list[SubReading]:
    return [
        SubReading(
            channel=sub.channel,
            # A kind that this release does not know is kept as unspecified rather than lost.
            kind=SubMeterKind(sub.kind) if sub.kind in _KINDS else SubMeterKind.UNSPECIFIED,
            time_ms=sub.time_ms,
            volume_l=sub.volume_l if sub.HasField("volume_l") else None,
            energy_wh=sub.energy_wh if sub.HasField("energy_wh") else None,
        )
        for sub in sub_meters
    ]


_KINDS = frozenset(int(kind) for kind in SubMeterKind)


def _acknowledgement(acknowledgement: Acknowledgement) -> pb.ReportReadingsResponse:
    return pb.ReportReadingsResponse(
        durable_sequence=acknowledgement.durable_sequence,
        rejections=[
            pb.ReadingRejection(sequence=item.sequence, reason=item.reason, message=item.message)
            for item in acknowledgement.rejections
        ],
    )
