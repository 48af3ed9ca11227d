"""The client of an organization: offers its logic, and sees where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_sdk.channel import translated
from edge_sdk.client import Client
from edge_sdk.wire.v1.organization_pb2 import GetModuleRequest, ListModulesRequest, UploadModuleRequest
from edge_sdk.wire.v1.organization_pb2_grpc import OrganizationServiceStub

if TYPE_CHECKING:
    from edge_sdk.wire.v1.module_pb2 import Module
    from edge_sdk.wire.v1.organization_pb2_grpc import OrganizationServiceAsyncStub

UPLOAD_TIMEOUT_S = 120.0
CALL_TIMEOUT_S = 30.0


class OrganizationClient(Client):
    """Speaks to an edge as one organization. Every call raises `RpcError` if the edge refuses."""

    async def upload(self, wasm: bytes) -> Module:
        """Uploads a module; the answer has the admission report: whether it was admitted, and if not, why."""
        async with translated(self._identity):
            response = await self._stub.UploadModule(UploadModuleRequest(wasm=wasm), timeout=UPLOAD_TIMEOUT_S)
        return response.module

    async def module(self, digest: str) -> Module:
        """Returns one of the organization's own modules, with its admission report."""
        async with translated(self._identity):
            response = await self._stub.GetModule(GetModuleRequest(digest=digest), timeout=CALL_TIMEOUT_S)
        return response.module

    async def modules(self) -> list[Module]:
        """Returns all of the organization's modules, newest first, without their reports; asks page by page."""
        found: list[Module] = []
        token = ""
        async with translated(self._identity):
            while True:
                request = ListModulesRequest(page_token=token)
                response = await self._stub.ListModules(request, timeout=CALL_TIMEOUT_S)
                found += response.modules
                token = response.next_page_token
                if not token:
                    return found

    @property
    def _stub(self) -> OrganizationServiceAsyncStub:
        return OrganizationServiceStub(self._channel)
