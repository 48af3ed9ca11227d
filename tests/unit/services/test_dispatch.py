from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio

from edge.channels.inbox import InboxChannel
from edge_sdk.wire.v1.household_pb2 import ACTION_STATE_DELIVERED, ACTION_STATE_WAITING, AcknowledgeActionsRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from conftest import NewStreet, Street

    from edge_sdk.wire.v1.household_pb2 import Action

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE_ACTIONS = 2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(
    new_street: NewStreet, tmp_path_factory: pytest.TempPathFactory, module: Callable[..., bytes]
) -> AsyncIterator[Street]:
    """An edge whose one module acts at every slot for whoever consented; inboxes are read in pages of two."""
    sections = {"actions": {"page_actions_max": PAGE_ACTIONS}}
    async with new_street(tmp_path_factory.mktemp("dispatch") / "street", **sections) as running:
        await running.set_policy()
        await running.run_module(module("(i32.const 1)", max_actions_per_day=96))
        yield running


async def acted_for(street: Street, household: str, slots: int) -> list[Action]:
    """Enrols a household and lets a number of slots go by, each of which makes an action."""
    await street.enrol(household)
    await street.consent(household)
    for _ in range(slots):
        await street.next_slot()
    return await street.inbox(household)


def ids(actions: list[Action]) -> list[str]:
    return [action.action_id for action in actions]


async def test_replay_from_a_cursor(street: Street) -> None:
    """An inbox is read in order from any cursor on, over as many pages as it takes, what was confirmed included."""
    actions = await acted_for(street, "h1", 2 * PAGE_ACTIONS + 1)
    assert len(actions) == 2 * PAGE_ACTIONS + 1
    assert [action.cause.slot_ms for action in actions] == sorted(action.cause.slot_ms for action in actions)
    cursors = [action.cursor for action in actions]
    assert cursors == sorted(set(cursors))
    await (await street.household("h1")).acknowledge(ids(actions[1:2]))
    for place, cursor in enumerate(cursors, start=1):
        assert ids(await street.inbox("h1", after_cursor=cursor)) == ids(actions[place:])
    states = [action.state for action in await street.inbox("h1")]
    assert states == [ACTION_STATE_WAITING, ACTION_STATE_DELIVERED, *[ACTION_STATE_WAITING] * 3]
    assert await street.inbox("h1", after_cursor=2**64 - 1) == []


async def test_at_least_once(street: Street) -> None:
    """What was not confirmed comes again, under the same id; once it was confirmed, it does not."""
    household = await street.household("h2")
    actions = await acted_for(street, "h2", 3)
    for _ in range(2):
        assert ids(await street.inbox("h2", unacknowledged_only=True)) == ids(actions)
    assert await household.acknowledge(ids(actions[:2])) == 2
    assert await household.acknowledge(ids(actions)) == 1, "those confirmed before are not counted again"
    assert await street.inbox("h2", unacknowledged_only=True) == []
    assert len(await street.inbox("h2")) == 3


async def test_each_household_its_own(street: Street) -> None:
    """Nobody sees or confirms the actions of another household."""
    (mine,) = await acted_for(street, "h3", 1)
    other = await street.household("h4")
    assert await street.inbox("h4") == []
    assert await other.acknowledge([mine.action_id, "no such action"]) == 0
    assert ids(await street.inbox("h3", unacknowledged_only=True)) == [mine.action_id]


async def test_confirming_too_many(street: Street) -> None:
    """More than a thousand confirmations come in parts, which is what the client makes of them."""
    household = await street.household("h4")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await household._stub.AcknowledgeActions(AcknowledgeActionsRequest(action_ids=["x"] * 1_001))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (mine,) = await acted_for(street, "h4", 1)
    assert await household.acknowledge([*["x"] * 1_500, mine.action_id, mine.action_id]) == 1
    assert await household.acknowledge([]) == 0


async def test_following(street: Street) -> None:
    """Who follows an inbox gets what waits, then each action as it is made, on every open stream."""
    household = await street.household("h5")
    (first,) = await acted_for(street, "h5", 1)
    streams = [household.inbox(), household.inbox(after_cursor=first.cursor)]
    assert (await anext(streams[0])).action_id == first.action_id
    coming = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await street.next_slot()
    arrived = await asyncio.gather(*coming)
    assert ids(arrived) == ids(await street.inbox("h5", after_cursor=first.cursor)) * 2
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]


async def test_slow_reader(street: Street) -> None:
    """A household that reads slowly holds up neither the evaluation nor others, and misses nothing."""
    slow, quick = await street.household("h6"), "h7"
    await acted_for(street, "h6", 1)
    await acted_for(street, quick, 0)
    reading = slow.inbox()
    received = [await anext(reading)]
    for _ in range(4):
        await street.next_slot()
    assert len(await street.inbox(quick)) == 4
    received += [await anext(reading) for _ in range(4)]
    assert ids(received) == ids(await street.inbox("h6"))
    await reading.aclose()  # type: ignore[attr-defined]


async def test_cancelled(street: Street) -> None:
    """What is cancelled is in the inbox no more, from whatever cursor; what was confirmed before stays."""
    household = await street.household("h8")
    actions = await acted_for(street, "h8", 2 * PAGE_ACTIONS + 1)
    await household.acknowledge(ids(actions[:1]))
    (consent,) = await household.consents()
    assert (await household.withdraw(consent.consent_id))[1] == len(actions) - 1
    assert ids(await street.inbox("h8")) == ids(actions[:1])
    assert await street.inbox("h8", after_cursor=actions[0].cursor) == []


async def test_channel_wakes_who_listens() -> None:
    """Only the listeners of the households named are woken, each of them; who left is forgotten."""
    channel = InboxChannel()
    with channel.listen("h1") as first, channel.listen("h1") as second, channel.listen("h2") as other:
        channel.notify(["h1", "h3"])
        assert (first.is_set(), second.is_set(), other.is_set()) == (True, True, False)
    channel.notify(["h1", "h2"])
    assert not other.is_set()
    assert channel._listeners == {}
