from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from edge.domain.action import Action, ActionState, Cause, action_id
from edge.domain.consent import Terms
from edge.domain.slot import DAY_MS
from edge.store.actions import Cancelled
from edge_sdk.manifest import ApplianceCommand, Command, Recommendation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.store.store import Store, Tables, Transaction

SLOT_MS = 900_000
ADVICE = Terms("sunny", "advice", "Advise.", frozenset(), frozenset())
GO = Recommendation(name="go", kind="recommendation", text={"en": "Go — now.", "nl": 'Nu "gaan".'})
HALF = ApplianceCommand(name="half", kind="appliance", appliance="ev_charger", command=Command(limit_w=3_700))
OFF = ApplianceCommand(name="off", kind="appliance", appliance="boiler", command=Command(on=False))


def action(household_id: str, slot_ms: int = SLOT_MS, trigger_key: str = "sunny/ev") -> Action:
    """Returns an action on its way to a household, under the consent that it gave."""
    cause = Cause("sunny", "advice", "Advise.", "ev", "1.2.0", "sha256:00", f"consent-{household_id}", slot_ms)
    return Action(
        cursor=0,
        action_id=action_id(trigger_key, slot_ms, household_id),
        household_id=household_id,
        trigger_key=trigger_key,
        declared=GO,
        cause=cause,
        created_ms=slot_ms + 5,
        expires_ms=slot_ms + 3_600_000,
        state=ActionState.WAITING,
    )


def insert(actions: Sequence[Action], transaction: Transaction) -> None:
    """Puts actions into the outbox."""
    transaction.actions.insert(actions)


def acknowledge(household_id: str, ids: Sequence[str], transaction: Transaction) -> int:
    """Acknowledges actions in a household's name."""
    return transaction.actions.acknowledge(household_id, ids)


def cancel_of_module(digest: str, organization: str | None, transaction: Transaction) -> list[Cancelled]:
    """Cancels what waits of a module; returns for whom."""
    return transaction.actions.cancel_of_module(digest, organization)


def cancel(household_id: str, transaction: Transaction, terms: Terms = ADVICE) -> int:
    """Cancels what waits for a household of what it decided on."""
    return transaction.actions.cancel(household_id, terms)


def inbox(store: Store, household_id: str, *, waiting_only: bool = False) -> list[Action]:
    """Returns all that a household is shown."""
    return store.read_now(lambda tables: tables.actions.inbox(household_id, 0, 1_000, waiting_only=waiting_only))


def states(store: Store, household_id: str) -> list[ActionState]:
    """Returns where each of a household's actions stands, those that are not shown to it included."""
    with store._engine.reading() as cursor:
        rows = cursor.execute(
            "SELECT state FROM state.actions WHERE household_id = ? ORDER BY cursor", [household_id]
        ).fetchall()
    return [ActionState(row[0]) for row in rows]


@pytest.mark.parametrize("declared", [GO, HALF, OFF], ids=lambda declared: declared.name)
async def test_kept_whole(store: Store, declared: Recommendation | ApplianceCommand) -> None:
    """An action is read back with what it says or commands, its cause and its times; only its cursor is new."""
    sent = replace(action("h1", 2**44), declared=declared)
    await store.write(partial(insert, [sent]))
    assert inbox(store, "h1") == [replace(sent, cursor=1)]


async def test_cursors_go_on(store: Store) -> None:
    """Cursors ascend in the order of sending, over households and transactions, and never begin again."""
    await store.write(partial(insert, [action("h1"), action("h2")]))
    await store.write(partial(insert, []))
    await store.write(partial(insert, [action("h1", 2 * SLOT_MS)]))
    assert [item.cursor for item in inbox(store, "h1")] == [1, 3]
    assert [item.cursor for item in inbox(store, "h2")] == [2]


async def test_inbox_pages(store: Store) -> None:
    """Page by page, each after the last one's cursor, a household sees each of its own actions once, oldest first."""
    sent = [action(household, number * SLOT_MS) for number in range(1, 8) for household in ("h1", "h2")]
    await store.write(partial(insert, sent))

    def page(after: int, limit: int, tables: Tables) -> list[Action]:
        return tables.actions.inbox("h1", after, limit, waiting_only=False)

    for limit in (1, 2, 3, 7, 100):
        seen: list[Action] = []
        while found := store.read_now(partial(page, seen[-1].cursor if seen else 0, limit)):
            assert len(found) <= limit
            seen += found
        assert [item.action_id for item in seen] == [item.action_id for item in sent if item.household_id == "h1"]


async def test_acknowledge(store: Store) -> None:
    """What a household acknowledges is delivered: no longer waiting, still shown."""
    first, second = action("h1"), action("h1", 2 * SLOT_MS)
    await store.write(partial(insert, [first, second]))
    assert await store.write(partial(acknowledge, "h1", [first.action_id])) == 1
    assert states(store, "h1") == [ActionState.DELIVERED, ActionState.WAITING]
    assert [item.action_id for item in inbox(store, "h1", waiting_only=True)] == [second.action_id]
    assert len(inbox(store, "h1")) == 2


async def test_acknowledge_ones_own_only(store: Store) -> None:
    """Nobody acknowledges another household's actions, nor what does not exist."""
    theirs = action("h2")
    await store.write(partial(insert, [action("h1"), theirs]))
    assert await store.write(partial(acknowledge, "h1", [theirs.action_id, "none", ""])) == 0
    assert await store.write(partial(acknowledge, "h1", [])) == 0
    assert states(store, "h2") == [ActionState.WAITING]


async def test_acknowledge_once(store: Store) -> None:
    """Acknowledging again changes nothing, and what was cancelled cannot be delivered."""
    first, second = action("h1"), action("h1", 2 * SLOT_MS)
    await store.write(partial(insert, [first]))
    assert await store.write(partial(acknowledge, "h1", [first.action_id, first.action_id])) == 1
    assert await store.write(partial(acknowledge, "h1", [first.action_id])) == 0
    await store.write(partial(insert, [second]))
    assert await store.write(partial(cancel, "h1")) == 1
    assert await store.write(partial(acknowledge, "h1", [second.action_id])) == 0
    assert states(store, "h1") == [ActionState.DELIVERED, ActionState.CANCELLED]


async def test_cancel_what_waits(store: Store) -> None:
    """Cancelling takes back what waits under all consents to a service and purpose; what was delivered stays."""
    first, second = action("h1"), action("h1", 2 * SLOT_MS)
    renewed = replace(second, cause=replace(second.cause, consent_id="a later one"))
    await store.write(partial(insert, [first, renewed, action("h2")]))
    for change in ({"organization": "shady"}, {"service": "research"}, {"purpose": "Sell."}):
        other = replace(ADVICE, **change)  # type: ignore[arg-type]
        assert await store.write(partial(cancel, "h1", terms=other)) == 0
    await store.write(partial(acknowledge, "h1", [first.action_id]))
    assert await store.write(partial(cancel, "h1")) == 1
    assert await store.write(partial(cancel, "h1")) == 0
    assert states(store, "h1") == [ActionState.DELIVERED, ActionState.CANCELLED]
    assert states(store, "h2") == [ActionState.WAITING]


async def test_cancel_what_a_module_sent(store: Store) -> None:
    """Cancelling by module takes back what waits of that code, one organization's or all, and nothing of another."""
    sent = [action("h1"), action("h2"), action("h1", 2 * SLOT_MS)]
    theirs = replace(action("h3"), cause=replace(sent[0].cause, organization="shady"))
    other = replace(action("h2", 2 * SLOT_MS), cause=replace(sent[0].cause, module_digest="sha256:01"))
    await store.write(partial(insert, [*sent, other, theirs]))
    await store.write(partial(acknowledge, "h1", [sent[0].action_id]))
    key = theirs.trigger_key
    for organization, expected in (("shady", ["h3"]), (None, ["h1", "h2"]), (None, [])):
        cancelled = await store.write(partial(cancel_of_module, "sha256:00", organization))
        assert cancelled == [Cancelled(household, key, 1) for household in expected]
    assert states(store, "h1") == [ActionState.DELIVERED, ActionState.CANCELLED]
    assert states(store, "h2") == [ActionState.CANCELLED, ActionState.WAITING]


async def test_cancel_what_triggers_sent(store: Store) -> None:
    """Cancelling by trigger takes back what waits of it, however much and for whom, and nothing of another."""
    sent = [action("h1"), action("h2"), action("h1", 2 * SLOT_MS)]
    other = replace(action("h1", 3 * SLOT_MS), trigger_key="acme/other")
    await store.write(partial(insert, [*sent, other]))
    key = sent[0].trigger_key
    cancelled = await store.write(lambda transaction: transaction.actions.cancel_of_triggers({key, "acme/none"}))
    assert cancelled == [Cancelled("h1", key, 2), Cancelled("h2", key, 1)]
    assert await store.write(lambda transaction: transaction.actions.cancel_of_triggers([])) == []
    assert states(store, "h1") == [ActionState.CANCELLED, ActionState.CANCELLED, ActionState.WAITING]


async def test_cancelled_is_not_shown(store: Store) -> None:
    """A household is never shown what was cancelled before it saw it."""
    await store.write(partial(insert, [action("h1")]))
    await store.write(partial(cancel, "h1"))
    assert inbox(store, "h1") == []
    assert inbox(store, "h1", waiting_only=True) == []


async def test_count_by_household(store: Store) -> None:
    """Actions count for the UTC day of their slot, by trigger, delivered and cancelled ones included."""
    day = 20_000
    slots_ms = [day * DAY_MS - 1, day * DAY_MS, day * DAY_MS + SLOT_MS, (day + 1) * DAY_MS - 1, (day + 1) * DAY_MS]
    sent = [action("h1", slot_ms) for slot_ms in slots_ms]
    other = [action("h2", day * DAY_MS), action("h1", day * DAY_MS, "sunny/other")]
    await store.write(partial(insert, [*sent, *other]))
    await store.write(partial(acknowledge, "h1", [sent[1].action_id]))
    await store.write(partial(cancel, "h1"))

    def count(trigger_key: str, day: int) -> dict[str, int]:
        return store.read_now(lambda tables: tables.actions.count_by_household(trigger_key, day))

    assert count("sunny/ev", day) == {"h1": 3, "h2": 1}
    assert count("sunny/ev", day - 1) == {"h1": 1}
    assert count("sunny/ev", day + 1) == {"h1": 1}
    assert count("sunny/other", day) == {"h1": 1}
    assert count("sunny/none", day) == {}


async def test_totals(store: Store) -> None:
    """Totals count every action there ever was, and how many were delivered."""
    assert store.read_now(lambda tables: tables.actions.totals()) == (0, 0)
    sent = [action(household) for household in ("h1", "h2", "h3")]
    await store.write(partial(insert, sent))
    await store.write(partial(acknowledge, "h1", [sent[0].action_id]))
    await store.write(partial(cancel, "h2"))
    assert store.read_now(lambda tables: tables.actions.totals()) == (3, 1)
