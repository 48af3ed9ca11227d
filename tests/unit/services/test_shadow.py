"""Shadows: versions that run beside the active one, of which nothing leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.domain.approval import Mode
from edge.domain.event import EventKind
from edge_sdk.errors import RpcError
from edge_sdk.wire.v1 import module_pb2 as pb
from edge_sdk.wire.v1.household_pb2 import OFFER_STATE_GRANTED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import NewStreet, Street

SLOT_MS = 900_000
DAY_MS = 86_400_000
SAMPLE = "(f64.load (i32.const 0))"
ALWAYS = "(i32.const 1)"
HIGH = f"(f64.gt {SAMPLE} (f64.const 1000))"
OTHER = {"name": "other", "kind": "recommendation", "text": {"en": "Something else."}}


async def shadow(street: Street, wasm: bytes) -> pb.Module:
    return await street.run_module(wasm, mode=Mode.SHADOW)


async def power(street: Street, **powers_w: int) -> int:
    """Lives through to the next slot, just before which each household's meter reports its power; returns it."""
    slot_ms = street.now_ms - street.now_ms % SLOT_MS + SLOT_MS
    await street.advance(slot_ms - 60_000)
    for household, power_w in powers_w.items():
        await street.measure(household, power_w=power_w, time_ms=slot_ms - 60_000)
    await street.advance(slot_ms)
    return slot_ms


async def test_beside_the_active_version(street: Street, module: Callable[..., bytes]) -> None:
    """A shadow is evaluated at the slots of the active version, over the same households; what it decides is counted
    and compared, and reaches neither an inbox nor a household's log, offer or day's count.
    """
    async with street:
        active = await street.set_up(module(max_actions_per_day=96), "h1", "h2", "h3")
        trying = await shadow(street, module(HIGH, version="2.0.0", max_actions_per_day=96))
        assert trying.state == pb.MODULE_STATE_SHADOW
        first = await power(street, h1=500, h2=2_000)
        second = await power(street, h1=2_000, h2=2_000)
        assert await street.counts("h1", "h2", "h3") == [2, 2, 0]
        causes = {action.cause.module_digest for action in await street.inbox("h1")}
        assert causes == {active.digest}
        report = await (await street.operator()).shadow(trying.digest)
        assert report.slots == 2
        assert [(slot.slot_ms, dict(slot.actions)) for slot in report.newest] == [
            (second, {"heard": 2}),
            (first, {"heard": 1}),
        ]
        total = report.total
        assert (total.evaluations, total.faults, dict(total.actions)) == (6, 0, {"heard": 3})
        assert (total.compared, total.different) == (6, 1), "h1 in the first slot"
        (offer,) = await (await street.household("h1")).offers()
        assert [item.module_digest for item in offer.triggers] == [active.digest]
        assert offer.state == OFFER_STATE_GRANTED
        assert [event["slot_ms"] for event in await street.events(EventKind.SHADOW_RUN)] == [first, second]
        assert {run["module"] for run in await street.runs()} == {active.digest}


async def test_decisions_that_differ(street: Street, module: Callable[..., bytes]) -> None:
    """Actions are compared by name, whatever their number; where the active version did not run nothing is compared."""
    async with street:
        active = await street.set_up(module("(i32.const 1)"), "h1", "h2")
        names = [OTHER, {"name": "heard", "kind": "recommendation", "text": {"en": "Your meter was heard."}}]
        body = f"(select (i32.const 2) (i32.const 1) {HIGH})"
        trying = await shadow(street, module(body, version="2.0.0", action=names))
        await power(street, h1=2_000, h2=500)
        report = await (await street.operator()).shadow(trying.digest)
        assert dict(report.total.actions) == {"heard": 1, "other": 1}
        assert (report.total.compared, report.total.different) == (2, 1)
        await (await street.operator()).suspend(active.digest, "test")
        await power(street, h1=2_000, h2=500)
        report = await (await street.operator()).shadow(trying.digest)
        assert (report.slots, report.total.compared) == (2, 2)


async def test_consent_for_what_it_reads(street: Street, module: Callable[..., bytes]) -> None:
    """A shadow that reads more than a household agreed to is not evaluated for it, and nobody is asked."""
    async with street:
        await street.set_up(module(), "h1")
        offer = await street.offer("h1")
        wider = await shadow(street, module(version="2.0.0", series=["power_import", "power_export"]))
        await power(street, h1=500)
        assert (await (await street.operator()).shadow(wider.digest)).total.evaluations == 0
        assert await street.offer("h1") == offer


async def test_its_own_day(street: Street, module: Callable[..., bytes]) -> None:
    """A shadow decides as often in a day as if it acted: it has a count of its own, also over a restart, and takes
    nothing from the active version's.
    """
    async with street:
        await street.set_up(module(max_actions_per_day=3), "h1")
        trying = await shadow(street, module(ALWAYS, version="2.0.0", max_actions_per_day=2))
        await power(street, h1=500)
        await street.restart()
        for _ in range(4):
            await power(street, h1=500)
        assert await street.counts("h1") == [3]
        report = await (await street.operator()).shadow(trying.digest)
        assert [slot.evaluations for slot in report.newest] == [0, 0, 0, 1, 1]
        midnight_ms = street.now_ms - street.now_ms % DAY_MS + DAY_MS
        await street.advance(midnight_ms - SLOT_MS)
        await power(street, h1=500)
        report = await (await street.operator()).shadow(trying.digest)
        assert [slot.evaluations for slot in report.newest[:1]] == [1]


async def test_one_run_a_slot(street: Street, module: Callable[..., bytes]) -> None:
    """With a shadow each slot has one run of the active version and one of the shadow, whatever is caught up on after
    a restart, and whichever shadow takes the place of another.
    """
    async with street:
        await street.set_up(module(max_actions_per_day=96), "h1")
        await shadow(street, module(ALWAYS, version="2.0.0", max_actions_per_day=96))
        await power(street, h1=500)
        missed = street.now_ms + SLOT_MS
        await street.restart(missed)
        await shadow(street, module(HIGH, version="3.0.0", max_actions_per_day=96))
        await power(street, h1=500)
        await street.restart()
        rows = await street.query("SELECT slot_ms, trigger_key FROM state.evaluations ORDER BY ALL")
        slots = (missed - SLOT_MS, missed, missed + SLOT_MS)
        assert rows == [(slot, key) for slot in slots for key in ("acme/pulse", "acme/pulse#shadow")]
        states = {item.version: item.state for item in await (await street.operator()).modules()}
        assert states == {
            "1.0.0": pb.MODULE_STATE_ACTIVE,
            "2.0.0": pb.MODULE_STATE_SUPERSEDED,
            "3.0.0": pb.MODULE_STATE_SHADOW,
        }


async def test_promoted(street: Street, module: Callable[..., bytes]) -> None:
    """An active approval of a shadow makes it act and supersedes the version that did; the household's count of the
    day is the trigger's.
    """
    async with street:
        await street.set_up(module(max_actions_per_day=2), "h1")
        trying = await shadow(street, module(ALWAYS, version="2.0.0", max_actions_per_day=2))
        await power(street, h1=500)
        promoted = await street.approve(await (await street.organization()).module(trying.digest))
        assert (promoted.state, promoted.approval_version) == (pb.MODULE_STATE_ACTIVE, 3)
        for _ in range(2):
            await power(street, h1=500)
        assert [action.cause.module_version for action in await street.inbox("h1")] == ["1.0.0", "2.0.0"]
        assert (await (await street.operator()).shadow(trying.digest)).slots == 1


async def test_the_one_that_acts_is_no_shadow(street: Street, module: Callable[..., bytes]) -> None:
    """The version that acts is not made a shadow, which would stop it; one that was superseded may be."""
    async with street:
        first = await street.set_up(module(), "h1")
        with pytest.raises(RpcError) as caught:
            await shadow(street, module())
        assert (caught.value.status, caught.value.reason) == ("FAILED_PRECONDITION", "SHADOW_OF_ACTIVE")
        await street.run_module(module(version="2.0.0"))
        assert (await shadow(street, module())).state == pb.MODULE_STATE_SHADOW
        stopped = await (await street.operator()).suspend(first.digest, "test")
        assert stopped.state == pb.MODULE_STATE_SUSPENDED
        await power(street, h1=500)
        assert (await (await street.operator()).shadow(first.digest)).slots == 0


async def test_a_shadow_costs_no_bits(street: Street, module: Callable[..., bytes]) -> None:
    """A shadow may run where the tier has no bits left, for nothing of it leaves; to act it needs them."""
    async with street:
        await street.set_policy(leak_bits_per_day_max=30)
        await street.enrol("h1")
        await street.run_module(module())
        await street.consent("h1")
        trying = await shadow(street, module(name="another"))
        await power(street, h1=500)
        assert await street.counts("h1") == [1]
        assert (await (await street.operator()).shadow(trying.digest)).slots == 1
        with pytest.raises(RpcError) as caught:
            await street.approve(await (await street.organization()).module(trying.digest))
        assert caught.value.reason == "LEAK_BOUND_EXCEEDED"


async def test_a_shadow_that_faults(new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]) -> None:
    """A shadow that faults is quarantined like any other; the active version goes on."""
    async with new_street(tmp_path / "street", faults={"quarantine_after": 1}) as street:
        await street.set_up(module(), "h1")
        body = f"(if (f64.eq {SAMPLE} (f64.const 1)) (then unreachable)) (i32.const 0)"
        trying = await shadow(street, module(body, version="2.0.0"))
        await power(street, h1=1)
        await power(street, h1=1)
        assert await street.counts("h1") == [2]
        report = await (await street.operator()).shadow(trying.digest)
        assert (report.module.state, report.total.faults) == (pb.MODULE_STATE_QUARANTINED, 1)
        seen = {item.version: item.state for item in await (await street.organization()).modules()}
        assert seen == {"1.0.0": pb.MODULE_STATE_ACTIVE, "2.0.0": pb.MODULE_STATE_SHADOW}


async def test_never_a_shadow(street: Street, module: Callable[..., bytes]) -> None:
    """Of a module that was never a shadow there is nothing to show; of one that is not here, an error."""
    async with street:
        active = await street.set_up(module(), "h1")
        report = await (await street.operator()).shadow(active.digest)
        assert (report.slots, list(report.newest)) == (0, [])
        with pytest.raises(RpcError) as caught:
            await (await street.operator()).shadow("sha256:00")
        assert caught.value.reason == "MODULE_NOT_FOUND"
