"""The client of the operator: enrols meters, submits what was signed, and watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_sdk.channel import translated
from edge_sdk.client import Client
from edge_sdk.wire.v1 import operator_pb2 as pb
from edge_sdk.wire.v1.meter_pb2 import GapQuery
from edge_sdk.wire.v1.operator_pb2_grpc import OperatorServiceStub

if TYPE_CHECKING:
    from edge_sdk.wire.v1.meter_pb2 import Gap
    from edge_sdk.wire.v1.module_pb2 import Module
    from edge_sdk.wire.v1.operator_pb2_grpc import OperatorServiceAsyncStub

CALL_TIMEOUT_S = 30.0
REPLAY_TIMEOUT_S = 600.0


class OperatorClient(Client):
    """Speaks to an edge as its operator. Every call raises `RpcError` if the edge refuses."""

    async def enrol_meter(self, meter_id: str, household_id: str, kind: pb.MeterKind) -> pb.Meter:
        """Says which household a meter belongs to."""
        request = pb.EnrolMeterRequest(meter_id=meter_id, household_id=household_id, kind=kind)
        async with translated(self._identity):
            response = await self._stub.EnrolMeter(request, timeout=CALL_TIMEOUT_S)
        return response.meter

    async def retire_meter(self, meter_id: str) -> pb.Meter:
        """Ends what a meter counts for, for good."""
        async with translated(self._identity):
            response = await self._stub.RetireMeter(pb.RetireMeterRequest(meter_id=meter_id), timeout=CALL_TIMEOUT_S)
        return response.meter

    async def meters(self) -> list[pb.Meter]:
        """Returns every meter, retired ones too, by id; asks page by page."""
        found: list[pb.Meter] = []
        token = ""
        async with translated(self._identity):
            while True:
                request = pb.ListMetersRequest(page_token=token)
                response = await self._stub.ListMeters(request, timeout=CALL_TIMEOUT_S)
                found += response.meters
                token = response.next_page_token
                if not token:
                    return found

    async def meter_record(self, meter_id: str) -> pb.GetMeterRecordResponse:
        """Returns what one meter has delivered: how much, when last, what was odd, what was refused."""
        async with translated(self._identity):
            return await self._stub.GetMeterRecord(pb.GetMeterRecordRequest(meter_id=meter_id), timeout=CALL_TIMEOUT_S)

    async def meter_gaps(self, meter_id: str, from_ms: int, until_ms: int, longer_than_ms: int = 0) -> list[Gap]:
        """Returns what is missing between one meter's readings of a range of time; asks page by page."""
        found: list[Gap] = []
        query = GapQuery(from_ms=from_ms, until_ms=until_ms, longer_than_ms=longer_than_ms)
        async with translated(self._identity):
            while True:
                request = pb.ListMeterGapsRequest(meter_id=meter_id, query=query)
                response = await self._stub.ListMeterGaps(request, timeout=CALL_TIMEOUT_S)
                found += response.gaps
                query.page_token = response.next_page_token
                if not query.page_token:
                    return found

    async def modules(self) -> list[Module]:
        """Returns every module of every organization, newest first, without their reports; asks page by page."""
        found: list[Module] = []
        token = ""
        async with translated(self._identity):
            while True:
                request = pb.OperatorServiceListModulesRequest(page_token=token)
                response = await self._stub.ListModules(request, timeout=CALL_TIMEOUT_S)
                found += response.modules
                token = response.next_page_token
                if not token:
                    return found

    async def module(self, digest: str, organization: str = "") -> Module:
        """Returns a module with its admission report.

        Here and below `organization` may be left out where only one organization has uploaded these bytes.
        """
        request = pb.OperatorServiceGetModuleRequest(digest=digest, organization=organization)
        async with translated(self._identity):
            response = await self._stub.GetModule(request, timeout=CALL_TIMEOUT_S)
        return response.module

    async def download(self, digest: str, organization: str = "") -> bytes:
        """Returns a module's bytes as uploaded."""
        request = pb.DownloadModuleRequest(digest=digest, organization=organization)
        async with translated(self._identity):
            response = await self._stub.DownloadModule(request, timeout=CALL_TIMEOUT_S)
        return response.wasm

    async def submit(self, envelope_json: bytes) -> pb.SubmitDocumentResponse:
        """Submits a policy, an approval or revocations, signed by the operator's root key."""
        request = pb.SubmitDocumentRequest(envelope_json=envelope_json)
        async with translated(self._identity):
            return await self._stub.SubmitDocument(request, timeout=CALL_TIMEOUT_S)

    async def document(self, kind: str) -> bytes | None:
        """Returns the envelope of the newest policy or revocations, or None if the edge has none."""
        async with translated(self._identity):
            response = await self._stub.GetDocument(pb.GetDocumentRequest(kind=kind), timeout=CALL_TIMEOUT_S)
        return response.envelope_json or None

    async def suspend(self, digest: str, reason: str, organization: str = "") -> Module:
        """Stops a module before its next slot."""
        request = pb.SuspendModuleRequest(digest=digest, organization=organization, reason=reason)
        async with translated(self._identity):
            response = await self._stub.SuspendModule(request, timeout=CALL_TIMEOUT_S)
        return response.module

    async def resume(self, digest: str, organization: str = "") -> Module:
        """Lets a suspended or quarantined module run again."""
        request = pb.ResumeModuleRequest(digest=digest, organization=organization)
        async with translated(self._identity):
            response = await self._stub.ResumeModule(request, timeout=CALL_TIMEOUT_S)
        return response.module

    async def approvals(self, organization: str, trigger: str) -> list[bytes]:
        """Returns the envelopes of the approvals of an organization's trigger, newest first."""
        request = pb.ListApprovalsRequest(organization=organization, trigger=trigger)
        async with translated(self._identity):
            response = await self._stub.ListApprovals(request, timeout=CALL_TIMEOUT_S)
        return list(response.envelopes_json)

    async def shadow(self, digest: str, organization: str = "") -> pb.GetShadowResponse:
        """Returns what a module did as a shadow."""
        request = pb.GetShadowRequest(digest=digest, organization=organization)
        async with translated(self._identity):
            return await self._stub.GetShadow(request, timeout=CALL_TIMEOUT_S)

    async def organizations(self) -> list[pb.Organization]:
        """Returns the organizations of the policy in force, and those that are suspended, by name."""
        async with translated(self._identity):
            response = await self._stub.ListOrganizations(pb.ListOrganizationsRequest(), timeout=CALL_TIMEOUT_S)
        return list(response.organizations)

    async def suspend_organization(self, name: str, reason: str) -> pb.Organization:
        """Stops everything of an organization before the next slot."""
        request = pb.SuspendOrganizationRequest(name=name, reason=reason)
        async with translated(self._identity):
            response = await self._stub.SuspendOrganization(request, timeout=CALL_TIMEOUT_S)
        return response.organization

    async def resume_organization(self, name: str) -> pb.Organization:
        """Lets an organization's modules run again, but for those that are stopped themselves."""
        request = pb.ResumeOrganizationRequest(name=name)
        async with translated(self._identity):
            response = await self._stub.ResumeOrganization(request, timeout=CALL_TIMEOUT_S)
        return response.organization

    async def status(self) -> pb.GetStatusResponse:
        """Returns how the edge is doing."""
        async with translated(self._identity):
            return await self._stub.GetStatus(pb.GetStatusRequest(), timeout=CALL_TIMEOUT_S)

    async def replay(self, trigger: str, slot_ms: int, *, interpreter: bool = False) -> pb.ReplayEvaluationResponse:
        """Evaluates a past run again and returns whether it came to the same."""
        request = pb.ReplayEvaluationRequest(trigger=trigger, slot_ms=slot_ms, interpreter=interpreter)
        async with translated(self._identity):
            return await self._stub.ReplayEvaluation(request, timeout=REPLAY_TIMEOUT_S)

    @property
    def _stub(self) -> OperatorServiceAsyncStub:
        return OperatorServiceStub(self._channel)
