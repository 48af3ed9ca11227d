from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from edge.cli.inbox import _follow, _print_all, _print_line, _read
from edge_sdk.household import HouseholdClient
from edge_sdk.identity import Role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from conftest import NewStreet, Street

    from edge_sdk.identity import Identity

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACKNOWLEDGE = {"method": "/edge.v1.HouseholdService/AcknowledgeActions", "status": "OK"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(
    new_street: NewStreet, tmp_path_factory: pytest.TempPathFactory, module: Callable[..., bytes]
) -> AsyncIterator[Street]:
    """An edge whose one module acts at every slot for whoever consented."""
    async with new_street(tmp_path_factory.mktemp("inbox") / "street") as running:
        await running.set_policy()
        await running.run_module(module("(i32.const 1)", max_actions_per_day=96))
        yield running


async def with_actions(street: Street, household: str, slots: int) -> Identity:
    """Lets slots go by, each of which makes an action for a household; returns its identity."""
    await street.enrol(household)
    await street.consent(household)
    for _ in range(slots):
        await street.next_slot()
    return street.identity(Role.HOUSEHOLD, household)


def acknowledgements(street: Street) -> float:
    """How many calls have confirmed actions so far."""
    count: float = street.app.metrics.registry.get_sample_value("edge_rpc_calls_total", ACKNOWLEDGE) or 0.0
    return count


async def test_one_object(street: Street, capsys: pytest.CaptureFixture[str]) -> None:
    """All that is in the inbox is one JSON object, confirmed by one call; a second look confirms nothing again."""
    identity = await with_actions(street, "h1", 5)
    before = acknowledgements(street)
    await _print_all(identity, new_only=False)
    actions: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["actions"]
    assert [action["state"] for action in actions] == ["waiting"] * 5
    assert acknowledgements(street) == before + 1
    await _print_all(identity, new_only=False)
    assert [item["state"] for item in json.loads(capsys.readouterr().out)["actions"]] == ["delivered"] * 5
    await _print_all(identity, new_only=True)
    assert json.loads(capsys.readouterr().out) == {"actions": []}
    assert acknowledgements(street) == before + 1


async def test_many_are_confirmed_in_batches(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long inbox is confirmed a batch at a time, each once it was shown."""
    identity = await with_actions(street, "h2", 5)
    monkeypatch.setattr("edge.cli.inbox.ACKNOWLEDGED_MAX", 2)
    before = acknowledgements(street)
    shown: list[str] = []
    await _read(identity, lambda action: shown.append(action.action_id), new_only=False)
    assert len(shown) == 5
    assert acknowledgements(street) == before + 3
    assert await street.inbox("h2", unacknowledged_only=True) == []


async def test_following(street: Street, capsys: pytest.CaptureFixture[str]) -> None:
    """What is there comes first, then each action as it is made, a line of JSON each, none of them twice."""
    identity = await with_actions(street, "h3", 3)
    before = acknowledgements(street)
    following = asyncio.create_task(_follow(identity, _print_line, new_only=True))
    lines: list[dict[str, Any]] = []
    try:
        while acknowledgements(street) == before:  # noqa: ASYNC110 - who follows tells nobody
            await asyncio.sleep(0.01)
        await street.next_slot()
        while len(lines) < 4:
            await asyncio.sleep(0.01)
            lines += [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        while acknowledgements(street) < before + 2:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    finally:
        following.cancel()
        await asyncio.wait([following])
    async with HouseholdClient(identity) as client:
        inbox = [action.action_id async for action in client.inbox(follow=False)]
    assert [line["action_id"] for line in lines] == inbox
    assert acknowledgements(street) == before + 2
