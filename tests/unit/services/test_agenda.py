from __future__ import annotations

from typing import TYPE_CHECKING

from edge.clock import SimulatedClock
from edge.domain.event import EventKind
from edge.domain.revocations import Revocations
from edge_sdk.wire.v1 import module_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Street

SLOT_MS = 900_000
DAY_MS = 86_400_000


async def test_each_slot_once(street: Street, module: Callable[..., bytes]) -> None:
    """A slot that was evaluated is not evaluated again, however often the edge is started anew."""
    async with street:
        await street.set_up(module(), "h1")
        slot_ms = await street.next_slot("h1")
        for _ in range(2):
            await street.restart()
        assert [run["slot_ms"] for run in await street.runs()] == [slot_ms]
        await street.restart(slot_ms + SLOT_MS - 60_000)
        await street.next_slot()
        assert [run["slot_ms"] for run in await street.runs()] == [slot_ms, slot_ms + SLOT_MS]
        assert await street.counts("h1") == [1]


async def test_slots_missed_while_down(street: Street, module: Callable[..., bytes]) -> None:
    """After a restart the slots of the last quarter-hour are made up for; older ones are noted as missed, once."""
    async with street:
        await street.set_up(module(), "h1")
        slot_ms = await street.next_slot("h1")
        await street.advance(slot_ms + SLOT_MS - 60_000)
        await street.measure("h1", time_ms=street.now_ms)
        await street.restart(slot_ms + SLOT_MS + 600_000)
        assert [run["slot_ms"] for run in await street.runs()] == [slot_ms, slot_ms + SLOT_MS]
        assert await street.counts("h1") == [2]
        assert await street.events(EventKind.SLOTS_MISSED) == []
        for _ in range(2):
            await street.restart(slot_ms + 8 * SLOT_MS + 420_000)
        (missed,) = await street.events(EventKind.SLOTS_MISSED)
        first_ms, last_ms = slot_ms + 2 * SLOT_MS, slot_ms + 7 * SLOT_MS
        assert (missed["first_slot_ms"], missed["last_slot_ms"], missed["slots"]) == (first_ms, last_ms, 6)
        assert [run["slot_ms"] for run in await street.runs()][2:] == [slot_ms + 8 * SLOT_MS]


async def test_clock_jumps(street: Street, module: Callable[..., bytes]) -> None:
    """When the clock jumps ahead, what is too long ago is noted as missed and the newest slot is evaluated."""
    async with street:
        await street.set_up(module(), "h1")
        slot_ms = await street.next_slot("h1")
        await street.advance(slot_ms + 12 * SLOT_MS)
        assert [run["slot_ms"] - slot_ms for run in await street.runs()] == [0, 11 * SLOT_MS, 12 * SLOT_MS]
        (missed,) = await street.events(EventKind.SLOTS_MISSED)
        assert missed["slots"] == 10


async def test_clock_that_ran_ahead(street: Street, module: Callable[..., bytes]) -> None:
    """After a clock that ran ahead is set right, no slot has a second run and none waits for the time to come again."""
    async with street:
        await street.set_up(module("(i32.const 1)", max_actions_per_day=96), "h1")
        slot_ms = await street.next_slot()
        for ahead in (2, 3):
            await street.advance(slot_ms + ahead * SLOT_MS)
        await street.stop()
        street.clock = SimulatedClock(slot_ms + 60_000)
        await street.start()
        for _ in range(4):
            await street.next_slot()
        slots = [(run["slot_ms"] - slot_ms) // SLOT_MS for run in await street.runs()]
        # Number 1 was made up for when the clock jumped over it.
        assert slots == [0, 1, 2, 3, 4]
        assert await street.events(EventKind.SLOTS_MISSED) == []


async def test_clock_set_back(street: Street, module: Callable[..., bytes]) -> None:
    """A clock that is set back while the edge runs is followed at once, and again no slot has a second run."""
    async with street:
        await street.set_up(module("(i32.const 1)", max_actions_per_day=96), "h1")
        slot_ms = await street.next_slot()
        await street.next_slot()
        await street.next_slot()
        for number in range(1, 5):
            street.clock._now_ms = slot_ms + number * SLOT_MS + 1
            await street.app.evaluator.evaluate_until(slot_ms + number * SLOT_MS)
        slots = [(run["slot_ms"] - slot_ms) // SLOT_MS for run in await street.runs()]
        assert slots == [0, 1, 2, 3, 4]


async def test_missed_stays_missed(street: Street, module: Callable[..., bytes]) -> None:
    """Slots that a clock which ran ahead passed over are noted as missed, and do not run when their time comes."""
    async with street:
        await street.set_up(module(max_actions_per_day=96), "h1")
        right_ms = await street.next_slot("h1")
        await street.advance(right_ms + 12 * SLOT_MS)
        (missed,) = await street.events(EventKind.SLOTS_MISSED)
        before = {run["slot_ms"] for run in await street.runs()}
        await street.stop()
        street.clock = SimulatedClock(right_ms + 1_000)
        await street.start()
        for _ in range(14):
            await street.next_slot("h1")
        ran = {run["slot_ms"] for run in await street.runs()}
        assert not {slot for slot in ran if missed["first_slot_ms"] <= slot <= missed["last_slot_ms"]}
        assert ran - before == {right_ms + 13 * SLOT_MS, right_ms + 14 * SLOT_MS}


async def test_stopped_modules(street: Street, module: Callable[..., bytes]) -> None:
    """A module that is suspended, superseded, expired, not valid yet or revoked is not evaluated.

    The slots that went by while it was stopped are not made up for, nor are they called missed.
    """
    async with street:
        first = await street.set_up(module(max_actions_per_day=96), "h1")
        operator = await street.operator()
        await street.next_slot("h1")
        await operator.suspend(first.digest, "test")
        await street.next_slot("h1")
        await operator.resume(first.digest)
        await street.advance(street.now_ms + 120_000)
        assert len(await street.runs()) == 1, "suspended"
        await street.next_slot("h1")
        assert len(await street.runs()) == 2
        await operator.suspend(first.digest, "test")
        second = await street.run_module(
            module(max_actions_per_day=96, version="2.0.0"),
            not_before_ms=street.now_ms + SLOT_MS + 1,
            not_after_ms=street.now_ms + 3 * SLOT_MS,
        )
        assert second.state == pb.MODULE_STATE_PENDING
        for _ in range(4):
            await street.next_slot("h1")
        assert len(await street.runs(first.digest)) == 2, "superseded"
        assert len(await street.runs(second.digest)) == 1, "valid at one slot only"
        third = await street.run_module(module(max_actions_per_day=96, version="3.0.0"))
        await street.next_slot("h1")
        revoked = Revocations(
            version=1, not_before_ms=street.now_ms, not_after_ms=street.now_ms + DAY_MS, modules=(third.digest,)
        )
        await street.submit(revoked)
        await street.next_slot("h1")
        assert len(await street.runs(third.digest)) == 1, "revoked"
        assert await street.events(EventKind.SLOTS_MISSED) == []


async def test_failed_slots_are_tried_again_in_order(street: Street, module: Callable[..., bytes]) -> None:
    """A slot that could not be evaluated stays open, and none after it is evaluated before it; other triggers go on."""
    async with street:
        await street.set_policy({"acme": "supplier", "rival": "supplier"})
        await street.enrol("h1")
        # The window of the slot at midnight is of the day before, that of the next slot is not.
        midnight_ms = street.now_ms - street.now_ms % DAY_MS + DAY_MS
        await street.advance(midnight_ms - 60_000)
        mine = await street.run_module(module(every="5m", window="5m"))
        other = await street.run_module(module(every="5m", series="clock.local_hour"), "rival")
        await street.measure("h1", time_ms=street.now_ms)
        day = f"day_{midnight_ms // DAY_MS - 1}"
        slots_ms = [midnight_ms, midnight_ms + 300_000]
        await street.query(f"ALTER TABLE {day}.readings RENAME TO hidden")
        await street.advance(slots_ms[1])
        assert await street.runs(mine.digest) == []
        assert [run["slot_ms"] for run in await street.runs(other.digest)] == slots_ms
        await street.query(f"ALTER TABLE {day}.hidden RENAME TO readings")
        await street.advance(street.now_ms + 60_000)
        assert [run["slot_ms"] for run in await street.runs(mine.digest)] == slots_ms
