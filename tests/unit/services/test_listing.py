"""How the modules that are here are found: by lists in pages, and by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio

from edge_sdk.channel import open_channel
from edge_sdk.errors import RpcError
from edge_sdk.identity import Role
from edge_sdk.wire.v1 import module_pb2 as pb
from edge_sdk.wire.v1.organization_pb2 import ListModulesRequest
from edge_sdk.wire.v1.organization_pb2_grpc import OrganizationServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from conftest import NewStreet, Street

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE_MODULES_MAX = 2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(new_street: NewStreet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    """An edge that gives two modules at a time."""
    admission = {"page_modules_max": PAGE_MODULES_MAX}
    async with new_street(tmp_path_factory.mktemp("listing") / "street", admission=admission) as running:
        await running.set_policy({"acme": "supplier", "rival": "supplier", "helper": "service-provider"})
        yield running


async def test_lists_have_no_reports(street: Street, module: Callable[..., bytes]) -> None:
    """A list says of a report whether it is against the module, how often and the first reason; no more."""
    refused = await street.upload(module("(unreachable)", name="listed"))
    for client in (await street.organization(), await street.operator()):
        (own,) = [item for item in await client.modules() if item.digest == refused.digest]
        assert not own.HasField("report")
        assert own.admission == pb.AdmissionSummary(findings_count=1, first_reason="DRY_RUN_FAULTS")


async def test_pages(street: Street, module: Callable[..., bytes]) -> None:
    """A caller may ask for short pages, not for longer ones than the edge gives; a token of no page is refused."""
    for number in range(3):
        await street.upload(module(name=f"page-{number}"), "rival")
    identity = street.identity(Role.ORGANIZATION, "rival")
    expected = [item.digest for item in await (await street.organization("rival")).modules()]
    found: list[str] = []
    async with open_channel(identity) as channel:
        stub = OrganizationServiceStub(channel)
        token = ""
        while True:
            page = await stub.ListModules(ListModulesRequest(page_size=1, page_token=token))
            found += [item.digest for item in page.modules]
            token = page.next_page_token
            if not token:
                break
        assert found == expected
        assert len((await stub.ListModules(ListModulesRequest(page_size=4_000_000_000))).modules) == PAGE_MODULES_MAX
        for strange in ("x", "1/2", "-1/a/b", "9" * 30 + "/a/b", "1/2/3/4"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.ListModules(ListModulesRequest(page_token=strange))
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_whose_module_is_meant(street: Street, module: Callable[..., bytes]) -> None:
    """Where two organizations uploaded the same bytes the operator has to say whose it means, and gets that one."""
    wasm = module(name="whose")
    digest = (await street.upload(wasm, "rival")).digest
    operator = await street.operator()
    assert (await operator.module(digest)).organization == "rival"
    assert (await street.upload(wasm, "acme")).digest == digest
    for organization in ("acme", "rival"):
        assert (await operator.module(digest, organization)).organization == organization
        assert await operator.download(digest, organization) == wasm
    for call in (operator.module(digest), operator.download(digest)):
        with pytest.raises(RpcError, match="acme, rival") as caught:
            await call
        assert (caught.value.status, caught.value.reason) == ("FAILED_PRECONDITION", "MODULE_AMBIGUOUS")
        assert "--organization" in caught.value.advice
    with pytest.raises(RpcError) as caught:
        await operator.module(digest, "helper")
    assert caught.value.reason == "MODULE_NOT_FOUND"
