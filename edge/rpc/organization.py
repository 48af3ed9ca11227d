"""OrganizationService: an organization offers its logic and sees where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.rpc.gate import Context, authenticate
from edge.rpc.modules import module_to_wire
from edge_sdk.wire.v1 import organization_pb2 as pb
from edge_sdk.wire.v1 import organization_pb2_grpc

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.services.admit import Admission


class OrganizationServicer(organization_pb2_grpc.OrganizationServiceServicer):
    """Called by suppliers, aggregators and other organizations."""

    def __init__(self, admission: Admission, edge_id: str, clock: Clock) -> None:
        self._admission = admission
        self._edge_id = edge_id
        self._clock = clock

    async def UploadModule(self, request: pb.UploadModuleRequest, context: Context) -> pb.UploadModuleResponse:
        """Examines and keeps a module."""
        organization = authenticate(context, self._edge_id).name
        module, report_json = await self._admission.upload(organization, request.wasm)
        return pb.UploadModuleResponse(module=module_to_wire(module, self._clock.now_ms(), report_json))

    async def GetModule(self, request: pb.GetModuleRequest, context: Context) -> pb.GetModuleResponse:
        """Shows one of the caller's modules with its report."""
        organization = authenticate(context, self._edge_id).name
        module, report_json = await self._admission.module(request.digest, organization)
        return pb.GetModuleResponse(module=module_to_wire(module, self._clock.now_ms(), report_json))

    async def ListModules(self, request: pb.ListModulesRequest, context: Context) -> pb.ListModulesResponse:
        """Shows the caller's modules, a page at a time."""
        organization = authenticate(context, self._edge_id).name
        page = await self._admission.page(request.page_size, request.page_token, organization)
        now_ms = self._clock.now_ms()
        return pb.ListModulesResponse(
            modules=[module_to_wire(module, now_ms) for module in page.modules], next_page_token=page.next_token
        )
