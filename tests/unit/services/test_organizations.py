"""The operator's switch for everything of an organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.domain.event import EventKind
from edge_sdk.errors import RpcError
from edge_sdk.identity import Role
from edge_sdk.wire.v1 import module_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Street


async def test_everything_stops(street: Street, module: Callable[..., bytes]) -> None:
    """Nothing of a suspended organization is evaluated or offered, and what waits is cancelled; what it uploads and has
    approved meanwhile does not run either. Others go on. It stays so over a restart, until the organization is resumed.
    """
    async with street:
        await street.set_policy({"acme": "supplier", "rival": "supplier"})
        await street.enrol("h1")
        for name, organization in (("one", "acme"), ("two", "acme"), ("one", "rival")):
            await street.run_module(module(name=name), organization)
        for offer in await (await street.household("h1")).offers():
            await (await street.household("h1")).grant(offer.terms)
        await street.next_slot("h1")
        assert await street.counts("h1") == [3]
        stopped = await (await street.operator()).suspend_organization("acme", "an inquiry")
        assert (stopped.tier, stopped.suspended_ms, stopped.reason) == ("supplier", street.now_ms, "an inquiry")
        assert await street.events(EventKind.ACTIONS_CANCELLED, Role.HOUSEHOLD, "h1") == [
            {"trigger": f"acme/{name}", "actions": 1, "because": "organization_suspended"} for name in ("one", "two")
        ]
        assert (await street.run_module(module(name="three"))).state == pb.MODULE_STATE_SUSPENDED
        await street.restart()
        await street.next_slot("h1")
        assert [action.cause.organization for action in await street.inbox("h1")] == ["rival", "rival"]
        offers = await (await street.household("h1")).offers()
        assert {offer.terms.organization for offer in offers} == {"rival"}
        seen = await (await street.organization()).modules()
        assert {item.state for item in seen} == {pb.MODULE_STATE_SUSPENDED}, "it is the operator's decision"
        resumed = await (await street.operator()).resume_organization("acme")
        assert not resumed.HasField("suspended_ms")
        await street.next_slot("h1")
        acted = [action for action in await street.inbox("h1") if action.cause.organization == "acme"]
        assert {action.cause.slot_ms for action in acted} == {street.now_ms}
        assert len(acted) == 3, "it owes nothing from while it was stopped"


async def test_listed_and_recorded(street: Street) -> None:
    """The operator sees every organization of the policy and every one that is suspended, and the log has the switch,
    for the organization too.
    """
    async with street:
        await street.set_policy({"acme": "supplier", "rival": "supplier"})
        operator = await street.operator()
        await operator.suspend_organization("acme", "an inquiry")
        await street.set_policy({"rival": "supplier"})
        listed = {item.name: (item.tier, item.HasField("suspended_ms")) for item in await operator.organizations()}
        assert listed == {"acme": ("", True), "rival": ("supplier", False)}
        assert (await operator.status()).organizations_suspended == 1
        await operator.resume_organization("acme")
        assert [item.name for item in await operator.organizations()] == ["rival"]
        for kind, reason in ((EventKind.ORGANIZATION_SUSPENDED, "an inquiry"), (EventKind.ORGANIZATION_RESUMED, "")):
            (entry,) = [entry.payload for entry in await street.entries() if entry.payload["kind"] == kind]
            assert entry["detail"] == {"organization": "acme", "reason": reason}
            assert entry["subjects"] == ["operator", "organization/acme"]


async def test_what_cannot_be_switched(street: Street, module: Callable[..., bytes]) -> None:
    """An organization that the policy does not name, one that is stopped already, one that is not: each is said."""
    async with street:
        await street.set_policy()
        running = await street.run_module(module())
        operator = await street.operator()
        with pytest.raises(RpcError, match="'stranger'") as unknown:
            await operator.suspend_organization("stranger", "")
        assert (unknown.value.status, unknown.value.reason) == ("NOT_FOUND", "ORGANIZATION_NOT_FOUND")
        with pytest.raises(RpcError) as running_on:
            await operator.resume_organization("acme")
        assert running_on.value.reason == "ORGANIZATION_STATE"
        with pytest.raises(RpcError) as long:
            await operator.suspend_organization("acme", "x" * 281)
        assert long.value.status == "INVALID_ARGUMENT"
        await operator.suspend_organization("acme", "")
        with pytest.raises(RpcError) as twice:
            await operator.suspend_organization("acme", "")
        assert twice.value.reason == "ORGANIZATION_STATE"
        with pytest.raises(RpcError) as one:
            await operator.resume(running.digest)
        assert one.value.reason == "MODULE_STATE"


async def test_a_module_that_is_stopped_itself(street: Street, module: Callable[..., bytes]) -> None:
    """A module that was suspended by itself stays so when its organization runs again, and the other way round."""
    async with street:
        await street.set_policy()
        running = await street.run_module(module())
        operator = await street.operator()
        await operator.suspend(running.digest, "test")
        await operator.suspend_organization("acme", "test")
        await operator.resume_organization("acme")
        assert (await operator.module(running.digest)).state == pb.MODULE_STATE_SUSPENDED
        await operator.suspend_organization("acme", "test")
        with pytest.raises(RpcError) as twice:
            await operator.suspend(running.digest, "test")
        assert twice.value.reason == "MODULE_STATE"
        assert (await operator.resume(running.digest)).state == pb.MODULE_STATE_SUSPENDED
        await operator.resume_organization("acme")
        assert (await operator.module(running.digest)).state == pb.MODULE_STATE_ACTIVE


async def test_a_module_is_kept_from_running_again(street: Street, module: Callable[..., bytes]) -> None:
    """While its organization is suspended a module can be suspended by itself: then it does not run again with it."""
    async with street:
        await street.set_policy()
        running = await street.run_module(module())
        operator = await street.operator()
        await operator.suspend_organization("acme", "test")
        await operator.suspend(running.digest, "test")
        await operator.resume_organization("acme")
        assert (await operator.module(running.digest)).state == pb.MODULE_STATE_SUSPENDED
