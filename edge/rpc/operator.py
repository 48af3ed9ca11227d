"""OperatorService: the operator enrols, decides and watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import edge
from edge.domain.meter import Meter, MeterKind
from edge.errors import InvalidRequestError
from edge.rpc.modules import module_to_wire
from edge.rpc.records import gap_query, gaps_to_wire
from edge_sdk.errors import IdentityError
from edge_sdk.identity import Role, spiffe_uri
from edge_sdk.wire.v1 import operator_pb2 as pb
from edge_sdk.wire.v1 import operator_pb2_grpc

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.metrics import Metrics
    from edge.rpc.gate import Context
    from edge.services.admit import Admission
    from edge.services.control import Control
    from edge.services.documents import Documents
    from edge.services.enrol import Enrolment
    from edge.services.record import Records
    from edge.services.status import StatusReport

_KINDS = {
    pb.METER_KIND_ELECTRICITY: MeterKind.ELECTRICITY,
    pb.METER_KIND_SUB: MeterKind.SUB,
    pb.METER_KIND_GAS: MeterKind.GAS,
}
_WIRE_KINDS = {kind: wire for wire, kind in _KINDS.items()}


class OperatorServicer(operator_pb2_grpc.OperatorServiceServicer):
    """Called by the operator."""

    def __init__(
        self,
        enrolment: Enrolment,
        admission: Admission,
        documents: Documents,
        control: Control,
        status: StatusReport,
        records: Records,
        edge_id: str,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._enrolment = enrolment
        self._admission = admission
        self._documents = documents
        self._control = control
        self._status = status
        self._records = records
        self._edge_id = edge_id
        self._clock = clock
        self._metrics = metrics

    async def EnrolMeter(self, request: pb.EnrolMeterRequest, _context: Context) -> pb.EnrolMeterResponse:
        """Says which household a meter belongs to."""
        kind = _KINDS.get(request.kind)
        if kind is None:
            raise InvalidRequestError("The kind of the meter is missing.", advice="Say electricity, sub or gas.")
        try:
            spiffe_uri(self._edge_id, Role.METER, request.meter_id)
            spiffe_uri(self._edge_id, Role.HOUSEHOLD, request.household_id)
        except IdentityError as error:
            raise InvalidRequestError(error.message, advice="Use the names that identities were issued for.") from error
        meter = await self._enrolment.enrol(request.meter_id, request.household_id, kind)
        return pb.EnrolMeterResponse(meter=_meter(meter))

    async def RetireMeter(self, request: pb.RetireMeterRequest, _context: Context) -> pb.RetireMeterResponse:
        """Ends what a meter counts for."""
        return pb.RetireMeterResponse(meter=_meter(await self._enrolment.retire(request.meter_id)))

    async def ListMeters(self, request: pb.ListMetersRequest, _context: Context) -> pb.ListMetersResponse:
        """Shows a page of the meters."""
        meters, more = await self._enrolment.page(request.page_size, request.page_token)
        return pb.ListMetersResponse(
            meters=[_meter(meter) for meter in meters], next_page_token=meters[-1].meter_id if more else ""
        )

    async def GetMeterRecord(self, request: pb.GetMeterRecordRequest, _context: Context) -> pb.GetMeterRecordResponse:
        """Shows what a meter has delivered."""
        meter, record = await self._records.record(request.meter_id)
        return pb.GetMeterRecordResponse(
            meter=_meter(meter),
            readings=record.readings,
            readings_today=record.readings_today,
            newest_ms=record.newest_ms,
            received_ms=record.received_ms,
            delay_ms_min=record.delay_ms_min,
            marks=record.marks,
            refused=record.refused,
            spools=[
                pb.SpoolRecord(
                    spool_id=spool.spool_id, last_sequence=spool.last_sequence, received_ms=spool.received_ms
                )
                for spool in record.spools
            ],
        )

    async def ListMeterGaps(self, request: pb.ListMeterGapsRequest, _context: Context) -> pb.ListMeterGapsResponse:
        """Says what is missing between a meter's readings."""
        query = request.query
        gaps, token = await self._records.gaps(request.meter_id, gap_query(query), query.page_size, query.page_token)
        return pb.ListMeterGapsResponse(gaps=gaps_to_wire(gaps), next_page_token=token)

    async def ListModules(
        self, request: pb.OperatorServiceListModulesRequest, _context: Context
    ) -> pb.OperatorServiceListModulesResponse:
        """Shows the modules of every organization, a page at a time."""
        page = await self._admission.page(request.page_size, request.page_token)
        now_ms = self._clock.now_ms()
        return pb.OperatorServiceListModulesResponse(
            modules=[module_to_wire(module, now_ms) for module in page.modules], next_page_token=page.next_token
        )

    async def GetModule(
        self, request: pb.OperatorServiceGetModuleRequest, _context: Context
    ) -> pb.OperatorServiceGetModuleResponse:
        """Shows one module with its report."""
        module, report_json = await self._admission.module(request.digest, request.organization)
        return pb.OperatorServiceGetModuleResponse(module=module_to_wire(module, self._clock.now_ms(), report_json))

    async def DownloadModule(self, request: pb.DownloadModuleRequest, _context: Context) -> pb.DownloadModuleResponse:
        """Hands out a module as uploaded."""
        return pb.DownloadModuleResponse(wasm=await self._admission.download(request.digest, request.organization))

    async def SubmitDocument(self, request: pb.SubmitDocumentRequest, _context: Context) -> pb.SubmitDocumentResponse:
        """Takes what the operator's root key signed."""
        accepted = await self._documents.submit(request.envelope_json)
        module = module_to_wire(accepted.module, self._clock.now_ms()) if accepted.module else None
        return pb.SubmitDocumentResponse(kind=accepted.kind, version=accepted.version, module=module)

    async def GetDocument(self, request: pb.GetDocumentRequest, _context: Context) -> pb.GetDocumentResponse:
        """Shows the newest document of a kind."""
        return pb.GetDocumentResponse(envelope_json=await self._documents.newest(request.kind) or b"")

    async def SuspendModule(self, request: pb.SuspendModuleRequest, _context: Context) -> pb.SuspendModuleResponse:
        """Stops a module."""
        module = await self._control.suspend(request.digest, request.reason, request.organization)
        return pb.SuspendModuleResponse(module=module_to_wire(module, self._clock.now_ms()))

    async def ResumeModule(self, request: pb.ResumeModuleRequest, _context: Context) -> pb.ResumeModuleResponse:
        """Lets a module run again."""
        module = await self._control.resume(request.digest, request.organization)
        return pb.ResumeModuleResponse(module=module_to_wire(module, self._clock.now_ms()))

    async def GetStatus(self, _request: pb.GetStatusRequest, _context: Context) -> pb.GetStatusResponse:
        """Counts what there is."""
        status = await self._status.status()
        return pb.GetStatusResponse(
            edge_id=self._edge_id,
            software_version=edge.__version__,
            meters_connected=self._metrics.streams_open(),
            **{name: getattr(status, name) for name in status.__slots__},
        )


def _meter(meter: Meter) -> pb.Meter:
    return pb.Meter(
        meter_id=meter.meter_id,
        household_id=meter.household_id,
        kind=_WIRE_KINDS[meter.kind],
        enrolled_ms=meter.enrolled_ms,
        retired_ms=meter.retired_ms,
    )
