"""Modules that fault: what it costs them, and that nobody but the operator learns of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edge.domain.event import EventKind, organization_subject
from edge.sandbox.evaluation import FaultCode
from edge.sandbox.instance import FaultError
from edge_sdk.errors import RpcError
from edge_sdk.identity import Role
from edge_sdk.wire.v1 import module_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import NewStreet, Street

SLOT_MS = 900_000
SAMPLE = "(f64.load (i32.const 0))"
FRAGILE = f"(if (f64.eq {SAMPLE} (f64.const 1)) (then unreachable)) (f64.eq {SAMPLE} {SAMPLE})"
"""Traps on 1 W, and acts on every other power that was measured."""


async def slot(street: Street, **powers_w: int) -> int:
    """Lives through to the next slot, just before which each household's meter reports its power; returns it."""
    slot_ms = street.now_ms - street.now_ms % SLOT_MS + SLOT_MS
    await street.advance(slot_ms - 60_000)
    for household, power_w in powers_w.items():
        await street.measure(household, power_w=power_w, time_ms=slot_ms - 60_000)
    await street.advance(slot_ms)
    return slot_ms


async def until_quarantined(street: Street, digest: str) -> None:
    """Lets h1 be what the module traps on at every slot, until it is stopped."""
    for _ in range(5 + 1 + 2 + 4 + 8):
        await slot(street, h1=1, h2=500)
    assert (await shown(street, digest)).state == pb.MODULE_STATE_QUARANTINED


async def shown(street: Street, digest: str) -> pb.Module:
    """What the operator is shown of a module."""
    return await (await street.operator()).module(digest)


async def test_sits_out(street: Street, module: Callable[..., bytes]) -> None:
    """After bad slots a module sits out 1, 2, 4 slots, each recorded and never caught up on, also where the edge is
    started anew meanwhile. Healthy households get what a bad slot has for them; a good slot ends it.
    """
    async with street:
        running = await street.set_up(module(FRAGILE, max_actions_per_day=96), "h1", "h2")
        bad = [await slot(street, h1=1, h2=500)]
        assert await street.counts("h1", "h2") == [0, 1]
        health = (await shown(street, running.digest)).health
        assert (health.bad_slots, health.runs_again_ms) == (1, bad[0] + 2 * SLOT_MS)
        sat_out = [await slot(street, h1=500, h2=500)]
        bad.append(await slot(street, h1=1, h2=500))
        sat_out.append(await slot(street, h1=500, h2=500))
        await street.restart()
        sat_out.append(await slot(street, h1=500, h2=500))
        good = [await slot(street, h1=500, h2=500), await slot(street, h1=500, h2=500)]
        assert await street.counts("h1", "h2") == [2, 4]
        assert [run["slot_ms"] for run in await street.runs()] == [bad[0], bad[1], *good]
        recorded = await street.events(EventKind.SLOTS_SAT_OUT)
        assert [(event["first_slot_ms"], event["slots"]) for event in recorded] == [(time_ms, 1) for time_ms in sat_out]
        rows = await street.query("SELECT slot_ms, evaluations FROM state.evaluations ORDER BY slot_ms")
        expected = {**dict.fromkeys([*bad, *good], 2), **dict.fromkeys(sat_out, 0)}
        assert dict(rows) == expected
        assert (await shown(street, running.digest)).health.bad_slots == 0


async def test_counts(street: Street, module: Callable[..., bytes]) -> None:
    """The operator is shown how many evaluations ended with which code, in the last slot and over all, and when."""
    body = f"""
    (if (f64.eq {SAMPLE} (f64.const 1)) (then unreachable))
    (if (f64.eq {SAMPLE} (f64.const 2)) (then (loop $forever (br $forever))))
    (if (f64.eq {SAMPLE} (f64.const 3)) (then (return (i32.const 7))))
    (i32.const 0)"""
    async with street:
        running = await street.set_up(module(body), "h1", "h2", "h3")
        assert not (await shown(street, running.digest)).HasField("health"), "it has not run yet"
        first = await slot(street, h1=1, h2=2, h3=3)
        await slot(street, h1=1)
        last = await slot(street, h1=500, h2=500, h3=500)
        health = (await shown(street, running.digest)).health
        assert health.faults == pb.FaultCounts(trap=1, fuel=1, bad_outcome=1)
        assert (health.evaluations, health.last_slot_evaluations, health.last_slot_faults.trap) == (6, 3, 0)
        assert (health.last_slot_ms, health.last_fault_slot_ms) == (last, first)
        for code in ("trap", "fuel", "bad_outcome"):
            labels = {"trigger": "acme/pulse", "code": code}
            assert street.app.metrics.registry.get_sample_value("edge_faults_total", labels) == 1
        (listed,) = await (await street.operator()).modules()
        assert listed.health == health


async def test_the_machines_faults(
    street: Street, module: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evaluations that the wall clock stopped are counted and held against nobody: the machine was busy."""
    monkeypatch.setattr("edge.sandbox.instance._fault_of", lambda _trap: FaultError(FaultCode.WALL_CLOCK))
    async with street:
        running = await street.set_up(module(FRAGILE), "h1")
        await slot(street, h1=1)
        health = (await shown(street, running.digest)).health
        assert (health.faults.wall_clock, health.bad_slots, health.HasField("runs_again_ms")) == (1, 0, False)


async def test_quarantine(street: Street, module: Callable[..., bytes]) -> None:
    """After five bad slots in a row a module is stopped and what waits of it is cancelled, also beyond a restart; once
    the operator resumes it, it runs from the next slot on, and owes nothing from before.
    """
    async with street:
        running = await street.set_up(module(FRAGILE, max_actions_per_day=96), "h1", "h2")
        await until_quarantined(street, running.digest)
        assert await street.counts("h1", "h2") == [0, 0]
        cancelled = await street.events(EventKind.ACTIONS_CANCELLED, Role.HOUSEHOLD, "h2")
        assert cancelled == [{"trigger": "acme/pulse", "actions": 4, "because": "module_quarantined"}]
        (event,) = await street.events(EventKind.MODULE_QUARANTINED)
        assert (event["module"], event["bad_slots"]) == (running.digest, 5)
        status = await (await street.operator()).status()
        assert (status.modules_active, status.modules_quarantined) == (0, 1)
        assert [item.digest for item in status.modules_troubled] == [running.digest]
        assert street.app.metrics.registry.get_sample_value("edge_quarantines_total", {"trigger": "acme/pulse"}) == 1
        await street.restart()
        await slot(street, h1=500, h2=500)
        assert len(await street.runs()) == 5
        resumed = await (await street.operator()).resume(running.digest)
        assert (resumed.state, resumed.health.bad_slots) == (pb.MODULE_STATE_ACTIVE, 0)
        assert resumed.health.faults.trap == 5, "what was counted stays"
        await slot(street, h1=1, h2=500)
        assert len(await street.runs()) == 6
        assert await street.counts("h1", "h2") == [0, 1]


async def test_a_neighbourhood(street: Street, module: Callable[..., bytes]) -> None:
    """A trigger of scope neighbourhood has one evaluation a slot; if that faults, the slot is bad."""
    async with street:
        body = f"(if (f64.eq {SAMPLE} (f64.const 2)) (then unreachable)) (i32.const 1)"
        running = await street.set_up(
            module(body, scope="neighbourhood", series="neighbourhood.power_import"), "h1", "h2"
        )
        await slot(street, h1=1, h2=1)
        health = (await shown(street, running.digest)).health
        assert (health.evaluations, health.faults.trap, health.bad_slots) == (1, 1, 1)


async def everything(street: Street, wasm: bytes) -> list[Any]:
    """Everything that an organization can fetch of what it has here, and what the log says to it."""
    organization = await street.organization()
    listed = await organization.modules()
    entries = await street.app._store.read(
        lambda tables: tables.audit.of_subject(organization_subject("acme"), 0, 10_000, 10_000)
    )
    with pytest.raises(RpcError) as denied:
        await street.entries(Role.ORGANIZATION, "acme")
    with pytest.raises(RpcError) as not_found:
        await organization.module("sha256:00")
    return [
        listed,
        [await organization.module(item.digest) for item in listed],
        await organization.upload(wasm),
        [entry.payload for entry in entries],
        str(denied.value),
        str(not_found.value),
    ]


async def test_an_organization_sees_the_same(street: Street, module: Callable[..., bytes]) -> None:
    """An organization sees the same before its module faults, while it sits out, once it is quarantined and after it
    was resumed: its modules, their state, the answer to the same upload, refusals, and its entries of the log.
    """
    wasm = module(FRAGILE, max_actions_per_day=96)
    async with street:
        running = await street.set_up(wasm, "h1", "h2")
        await street.run_module(module(name="other"))
        before = await everything(street, wasm)
        await slot(street, h1=1, h2=500)
        assert await everything(street, wasm) == before
        await until_quarantined(street, running.digest)
        assert await everything(street, wasm) == before
        assert {item.state for item in before[0]} == {pb.MODULE_STATE_ACTIVE}
        assert not any(item.HasField("health") for item in [*before[0], *before[1], before[2]])
        await (await street.operator()).resume(running.digest)
        assert await everything(street, wasm) == before


async def test_nothing_else_turns_on_a_quarantine(
    new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]
) -> None:
    """With a module in quarantine offers, the leak bound and whether the organization's others run are as without."""
    bits = {"leak_bits_per_day_max": 120}
    async with new_street(tmp_path / "street", faults={"quarantine_after": 1}) as street:
        await street.set_policy(**bits)
        await street.enrol("h1", "h2")
        fragile = await street.run_module(module(FRAGILE, max_actions_per_day=96))  # 96 bits
        offers = await (await street.household("h2")).offers()
        await street.consent("h1")
        await slot(street, h1=1)
        assert (await shown(street, fragile.digest)).state == pb.MODULE_STATE_QUARANTINED
        assert await (await street.household("h2")).offers() == offers
        assert (await street.consent("h2")).terms == offers[0].terms
        beside = await street.upload(module(name="beside", max_actions_per_day=96))
        with pytest.raises(RpcError) as caught:
            await street.approve(beside)
        assert caught.value.reason == "LEAK_BOUND_EXCEEDED"
        await street.set_policy(leak_bits_per_day_max=200)
        await street.approve(beside)
        await street.set_policy(**bits)
        await slot(street, h1=500)
        assert await street.runs(beside.digest) == [], "together they are over the bound, so neither runs"


async def test_decisions_about_a_quarantined_module(
    new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]
) -> None:
    """The operator's decisions about a quarantined module are shown to its organization, its quarantine never: it is
    suspended like any other, and resuming lets it run whatever stopped it.
    """
    async with new_street(tmp_path / "street", faults={"quarantine_after": 1}) as street:
        running = await street.set_up(module(FRAGILE), "h1")
        await slot(street, h1=1)
        operator, organization = await street.operator(), await street.organization()
        suspended = await operator.suspend(running.digest, "it keeps trapping")
        assert suspended.state == pb.MODULE_STATE_SUSPENDED
        assert suspended.health.HasField("quarantined_ms")
        assert (await organization.module(running.digest)).state == pb.MODULE_STATE_SUSPENDED
        resumed = await operator.resume(running.digest)
        assert (resumed.state, resumed.health.HasField("quarantined_ms")) == (pb.MODULE_STATE_ACTIVE, False)
        await slot(street, h1=500)
        assert await street.counts("h1") == [1]
        subjects = [entry.payload["subjects"] for entry in await street.entries() if "module_res" in str(entry.payload)]
        assert subjects == [["operator", "organization/acme"]]


async def test_a_new_version_of_a_quarantined_one(
    new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]
) -> None:
    """A new version has a health of its own and runs; approving the quarantined one again does not let it run."""
    async with new_street(tmp_path / "street", faults={"quarantine_after": 1}) as street:
        old = await street.set_up(module(FRAGILE), "h1")
        await slot(street, h1=1)
        again = await street.approve(await (await street.organization()).module(old.digest))
        assert again.state == pb.MODULE_STATE_QUARANTINED
        await slot(street, h1=500)
        assert await street.counts("h1") == [0]
        new = await street.run_module(module(version="2.0.0"))
        await slot(street, h1=1)
        assert await street.counts("h1") == [1]
        assert [run["evaluations"] for run in await street.runs(new.digest)] == [1]
