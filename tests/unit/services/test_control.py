from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from edge.domain.event import EventKind
from edge_sdk.errors import RpcError
from edge_sdk.identity import Role
from edge_sdk.wire.v1 import module_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from conftest import NewStreet, Street

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(new_street: NewStreet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    async with new_street(tmp_path_factory.mktemp("control") / "street") as running:
        await running.set_policy({"acme": "supplier", "rival": "supplier"})
        yield running


async def test_suspend_and_resume(street: Street, module: Callable[..., bytes]) -> None:
    """A suspended module is offered to nobody until it is resumed, under the approval it has."""
    approved = await street.run_module(module(name="switched", service="switched"))
    operator, household = await street.operator(), await street.household("h1")
    suspended = await operator.suspend(approved.digest, "too many complaints")
    assert suspended.state == pb.MODULE_STATE_SUSPENDED
    assert await household.offers() == []
    resumed = await operator.resume(approved.digest)
    assert (resumed.state, resumed.approval_version) == (pb.MODULE_STATE_ACTIVE, 1)
    (offer,) = await household.offers()
    assert [trigger.module_digest for trigger in offer.triggers] == [approved.digest]


async def test_what_cannot_be_switched(street: Street, module: Callable[..., bytes]) -> None:
    """Only what runs is suspended, only what is suspended resumed, and nothing that is not here."""
    operator = await street.operator()
    uploaded = await street.upload(module(name="pending"))
    approved = await street.run_module(module(name="running"))
    switches = [
        (operator.suspend("sha256:00", ""), "NOT_FOUND", "MODULE_NOT_FOUND"),
        (operator.resume("sha256:00"), "NOT_FOUND", "MODULE_NOT_FOUND"),
        (operator.suspend(uploaded.digest, ""), "FAILED_PRECONDITION", "MODULE_STATE"),
        (operator.resume(approved.digest), "FAILED_PRECONDITION", "MODULE_STATE"),
    ]
    for switch, status, reason in switches:
        with pytest.raises(RpcError) as caught:
            await switch
        assert (caught.value.status, caught.value.reason) == (status, reason)


async def test_suspended_twice(street: Street, module: Callable[..., bytes]) -> None:
    """A module that is stopped already cannot be stopped again, and one resume lets it run."""
    approved = await street.run_module(module(name="twice"))
    operator = await street.operator()
    await operator.suspend(approved.digest, "once")
    with pytest.raises(RpcError) as caught:
        await operator.suspend(approved.digest, "twice")
    assert caught.value.reason == "MODULE_STATE"
    assert (await operator.resume(approved.digest)).state == pb.MODULE_STATE_ACTIVE


async def test_of_one_organization(street: Street, module: Callable[..., bytes]) -> None:
    """Of two organizations that run the same bytes the one that is named is stopped, with what waits of it; the
    other's goes on, and without a name nothing happens.
    """
    wasm = module("(i32.const 1)", name="popular", service="popular")
    operator = await street.operator()
    for organization in ("acme", "rival"):
        approved = await street.run_module(wasm, organization)
    await street.enrol("h7")
    offers = [item for item in await (await street.household("h7")).offers() if item.terms.service == "popular"]
    for offer in offers:
        await (await street.household("h7")).grant(offer.terms)
    await street.next_slot()
    for switch in (operator.suspend(approved.digest, "test"), operator.resume(approved.digest)):
        with pytest.raises(RpcError, match="acme, rival") as caught:
            await switch
        assert caught.value.reason == "MODULE_AMBIGUOUS"
    assert len(await street.inbox("h7")) == 2
    suspended = await operator.suspend(approved.digest, "test", "rival")
    assert (suspended.organization, suspended.state) == ("rival", pb.MODULE_STATE_SUSPENDED)
    assert [action.cause.organization for action in await street.inbox("h7")] == ["acme"]
    assert (await operator.module(approved.digest, "acme")).state == pb.MODULE_STATE_ACTIVE
    assert (await operator.resume(approved.digest, "rival")).state == pb.MODULE_STATE_ACTIVE


async def test_recorded(street: Street, module: Callable[..., bytes]) -> None:
    """Each switch is in the audit log, with the reason."""
    approved = await street.run_module(module(name="recorded"))
    operator = await street.operator()
    await operator.suspend(approved.digest, "too many complaints")
    await operator.resume(approved.digest)
    for kind, reason in ((EventKind.MODULE_SUSPENDED, "too many complaints"), (EventKind.MODULE_RESUMED, "")):
        expected = {"organization": "acme", "module": approved.digest, "reason": reason}
        assert expected in await street.events(kind)


async def test_suspension_cancels_what_waits(street: Street, module: Callable[..., bytes]) -> None:
    """What a module has told a household that has not confirmed it is taken back when the module is stopped."""
    approved = await street.run_module(module("(i32.const 1)", name="loud", service="loud"))
    await street.enrol("h9")
    await street.consent("h9", "loud")
    await street.next_slot()
    (confirmed,) = await street.inbox("h9")
    await (await street.household("h9")).acknowledge([confirmed.action_id])
    await street.next_slot()
    assert len(await street.inbox("h9")) == 2
    await (await street.operator()).suspend(approved.digest, "too loud")
    assert [action.action_id for action in await street.inbox("h9")] == [confirmed.action_id]
    assert await street.events(EventKind.ACTIONS_CANCELLED, Role.HOUSEHOLD, "h9") == [
        {"trigger": "acme/loud", "actions": 1, "because": "module_suspended"}
    ]


async def test_long_reasons(street: Street) -> None:
    """A reason is a sentence or two, for it stays in the log forever."""
    with pytest.raises(RpcError) as caught:
        await (await street.operator()).suspend("sha256:00", "x" * 281)
    assert caught.value.status == "INVALID_ARGUMENT"
