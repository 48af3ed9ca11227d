"""MeterService: readings come in, acknowledgements go out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

from edge.domain.reading import PHASES_MAX, SUB_METERS_MAX, Phase, Reading, SubMeterKind, SubReading
from edge.rpc.gate import Context, authenticate
from edge_sdk.wire.v1 import meter_pb2 as pb
from edge_sdk.wire.v1 import meter_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from edge.metrics import Metrics
    from edge.services.ingest import Acknowledgement, Ingest, ResumePoint

_Pending: TypeAlias = "asyncio.Queue[asyncio.Task[Acknowledgement] | None]"


class MeterServicer(meter_pb2_grpc.MeterServiceServicer):
    """Called by gateways."""

    def __init__(self, ingest: Ingest, edge_id: str, unacknowledged_batches_max: int, metrics: Metrics) -> None:
        self._ingest = ingest
        self._edge_id = edge_id
        self._unacknowledged_batches_max = unacknowledged_batches_max
        self._metrics = metrics

    async def ReportReadings(
        self, request_iterator: AsyncIterator[pb.ReportReadingsRequest], context: Context
    ) -> AsyncIterator[pb.ReportReadingsResponse]:
        """Acknowledges each batch once it is durable, in order; reads no further than a few batches ahead of that."""
        meter_id = authenticate(context, self._edge_id).name
        resume = await self._ingest.resume_point(meter_id)
        with self._metrics.streams.track_inprogress():
            yield pb.ReportReadingsResponse(durable_sequence=resume.sequence)
            room = asyncio.Semaphore(self._unacknowledged_batches_max)
            pending: _Pending = asyncio.Queue()
            reader = asyncio.create_task(self._read(meter_id, resume, request_iterator, room, pending))
            try:
                while (task := await pending.get()) is not None:
                    yield _acknowledgement(await task)
                    room.release()
                await reader
            finally:
                await _give_up(reader, pending)

    async def _read(
        self,
        meter_id: str,
        resume: ResumePoint,
        requests: AsyncIterator[pb.ReportReadingsRequest],
        room: asyncio.Semaphore,
        pending: _Pending,
    ) -> None:
        try:
            async for request in requests:
                await room.acquire()
                self._ingest.check_size(len(request.readings))
                readings = [reading_from_wire(reading) for reading in request.readings]
                pending.put_nowait(asyncio.create_task(self._ingest.accept(meter_id, readings, resume)))
        finally:
            pending.put_nowait(None)


async def _give_up(reader: asyncio.Task[None], pending: _Pending) -> None:
    """Ends what a stream still had under way; what the ingest has taken on is committed all the same."""
    tasks: list[asyncio.Task[Any]] = [reader]
    while not pending.empty():
        if (task := pending.get_nowait()) is not None:
            tasks.append(task)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


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
