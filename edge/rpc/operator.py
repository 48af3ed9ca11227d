"""OperatorService: the operator enrols, decides and watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import edge
from edge.domain.meter import Meter, MeterKind
from edge.domain.shadow import ShadowSlot, together
from edge.errors import InvalidRequestError
from edge.rpc.meter_record import gap_query, gaps_to_wire
from edge.rpc.modules import module_to_operator
from edge_sdk.errors import IdentityError
from edge_sdk.identity import Role, spiffe_uri
from edge_sdk.wire.v1 import operator_pb2 as pb
from edge_sdk.wire.v1 import operator_pb2_grpc

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.domain.module import Module
    from edge.metrics import Metrics
    from edge.rpc.gate import Context
    from edge.services.admit import Admission
    from edge.services.control import Control
    from edge.services.documents import Documents
    from edge.services.enrol import Enrolment
    from edge.services.faults import FaultWatch
    from edge.services.meter_record import MeterRecords
    from edge.services.organizations import Organization, Organizations
    from edge.services.replay import Replays
    from edge.services.shadow import Shadows
    from edge.services.status import StatusReport
    from edge_sdk.wire.v1 import module_pb2

_KINDS = {
    pb.METER_KIND_ELECTRICITY: MeterKind.ELECTRICITY,
    pb.METER_KIND_SUB: MeterKind.SUB,
    pb.METER_KIND_GAS: MeterKind.GAS,
}
_SHADOW_SLOTS_SHOWN = 96
_WIRE_KINDS = {kind: wire for wire, kind in _KINDS.items()}


class OperatorServicer(operator_pb2_grpc.OperatorServiceServicer):
    """Called by the operator."""

    def __init__(
        self,
        enrolment: Enrolment,
        admission: Admission,
        documents: Documents,
        control: Control,
        organizations: Organizations,
        watch: FaultWatch,
        shadows: Shadows,
        status: StatusReport,
        replays: Replays,
        records: MeterRecords,
        edge_id: str,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._enrolment = enrolment
        self._admission = admission
        self._documents = documents
        self._control = control
        self._organizations = organizations
        self._watch = watch
        self._shadows = shadows
        self._status = status
        self._replays = replays
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
        return pb.OperatorServiceListModulesResponse(
            modules=await self._shown(*page.modules), next_page_token=page.next_token
        )

    async def GetModule(
        self, request: pb.OperatorServiceGetModuleRequest, _context: Context
    ) -> pb.OperatorServiceGetModuleResponse:
        """Shows one module with its report."""
        module, report_json = await self._admission.module(request.digest, request.organization)
        (health,) = await self._watch.health([module])
        shown = module_to_operator(module, self._clock.now_ms(), health, report_json)
        return pb.OperatorServiceGetModuleResponse(module=shown)

    async def DownloadModule(self, request: pb.DownloadModuleRequest, _context: Context) -> pb.DownloadModuleResponse:
        """Hands out a module as uploaded."""
        return pb.DownloadModuleResponse(wasm=await self._admission.download(request.digest, request.organization))

    async def SubmitDocument(self, request: pb.SubmitDocumentRequest, _context: Context) -> pb.SubmitDocumentResponse:
        """Takes what the operator's root key signed."""
        accepted = await self._documents.submit(request.envelope_json)
        (module,) = await self._shown(accepted.module) if accepted.module else (None,)
        return pb.SubmitDocumentResponse(kind=accepted.kind, version=accepted.version, module=module)

    async def GetDocument(self, request: pb.GetDocumentRequest, _context: Context) -> pb.GetDocumentResponse:
        """Shows the newest document of a kind."""
        return pb.GetDocumentResponse(envelope_json=await self._documents.newest(request.kind) or b"")

    async def SuspendModule(self, request: pb.SuspendModuleRequest, _context: Context) -> pb.SuspendModuleResponse:
        """Stops a module."""
        (module,) = await self._shown(await self._control.suspend(request.digest, request.reason, request.organization))
        return pb.SuspendModuleResponse(module=module)

    async def ResumeModule(self, request: pb.ResumeModuleRequest, _context: Context) -> pb.ResumeModuleResponse:
        """Lets a module run again."""
        (module,) = await self._shown(await self._control.resume(request.digest, request.organization))
        return pb.ResumeModuleResponse(module=module)

    async def ListApprovals(self, request: pb.ListApprovalsRequest, _context: Context) -> pb.ListApprovalsResponse:
        """Shows what the root key signed for a trigger."""
        envelopes = await self._documents.approvals(request.organization, request.trigger)
        return pb.ListApprovalsResponse(envelopes_json=envelopes)

    async def GetShadow(self, request: pb.GetShadowRequest, _context: Context) -> pb.GetShadowResponse:
        """Shows what a shadow would have done."""
        report = await self._shadows.report(request.digest, request.organization)
        (module,) = await self._shown(report.module)
        return pb.GetShadowResponse(
            module=module,
            slots=len(report.slots),
            total=_shadow_slot(together(report.slots)),
            newest=[_shadow_slot(slot) for slot in report.slots[:_SHADOW_SLOTS_SHOWN]],
        )

    async def ListOrganizations(
        self, _request: pb.ListOrganizationsRequest, _context: Context
    ) -> pb.ListOrganizationsResponse:
        """Shows who may have modules here, and who is stopped."""
        found = await self._organizations.all()
        return pb.ListOrganizationsResponse(organizations=[_organization(item) for item in found])

    async def SuspendOrganization(
        self, request: pb.SuspendOrganizationRequest, _context: Context
    ) -> pb.SuspendOrganizationResponse:
        """Stops an organization."""
        stopped = await self._organizations.suspend(request.name, request.reason)
        return pb.SuspendOrganizationResponse(organization=_organization(stopped))

    async def ResumeOrganization(
        self, request: pb.ResumeOrganizationRequest, _context: Context
    ) -> pb.ResumeOrganizationResponse:
        """Lets an organization run again."""
        resumed = await self._organizations.resume(request.name)
        return pb.ResumeOrganizationResponse(organization=_organization(resumed))

    async def GetStatus(self, _request: pb.GetStatusRequest, _context: Context) -> pb.GetStatusResponse:
        """Counts what there is."""
        status = await self._status.status()
        troubled = await self._status.troubled()
        return pb.GetStatusResponse(
            edge_id=self._edge_id,
            software_version=edge.__version__,
            meters_connected=self._metrics.streams_open(),
            modules_troubled=[module_to_operator(module, status.time_ms, health) for module, health in troubled],
            **{name: getattr(status, name) for name in status.__slots__},
        )

    async def ReplayEvaluation(
        self, request: pb.ReplayEvaluationRequest, _context: Context
    ) -> pb.ReplayEvaluationResponse:
        """Evaluates a past run again and says whether it came to the same."""
        replay = await self._replays.replay(request.trigger, request.slot_ms, interpreter=request.interpreter)
        comparison = replay.comparison
        return pb.ReplayEvaluationResponse(
            same=replay.same,
            module_digest=replay.module_digest,
            evaluations=comparison.evaluations,
            outcomes_differ=len(comparison.outcomes_differ),
            faults_differ=len(comparison.faults_differ),
            wall_clock=comparison.wall_clock,
            fuel_same=comparison.fuel_same,
            inputs_proven=replay.inputs_proven,
            runtime_recorded=replay.runtime_recorded,
            runtime_replayed=replay.runtime_replayed,
        )

    async def _shown(self, *modules: Module) -> list[module_pb2.Module]:
        now_ms, health = self._clock.now_ms(), await self._watch.health(modules)
        return [module_to_operator(item, now_ms, known) for item, known in zip(modules, health, strict=True)]


def _shadow_slot(slot: ShadowSlot) -> pb.ShadowSlot:
    return pb.ShadowSlot(
        slot_ms=slot.slot_ms,
        evaluations=slot.evaluations,
        faults=slot.faults,
        actions=slot.actions,
        compared=slot.comparison.compared,
        different=slot.comparison.different,
    )


def _organization(organization: Organization) -> pb.Organization:
    suspension = organization.suspension
    return pb.Organization(
        name=organization.name,
        tier=organization.tier,
        suspended_ms=suspension.suspended_ms if suspension else None,
        reason=suspension.reason if suspension else "",
    )


def _meter(meter: Meter) -> pb.Meter:
    return pb.Meter(
        meter_id=meter.meter_id,
        household_id=meter.household_id,
        kind=_WIRE_KINDS[meter.kind],
        enrolled_ms=meter.enrolled_ms,
        retired_ms=meter.retired_ms,
    )
