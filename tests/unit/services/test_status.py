from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import edge
from edge_sdk.identity import Role
from edge_sdk.meter import MeterClient
from edge_sdk.wire.v1.meter_pb2 import Reading
from edge_sdk.wire.v1.operator_pb2 import METER_KIND_SUB

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from conftest import Street


async def test_counts(street: Street, module: Callable[..., bytes]) -> None:
    """The status counts what there is and what has happened since the edge was set up, also over a restart."""
    async with street:
        started_ms = street.now_ms
        await street.set_policy()
        await street.enrol("h1", "h2")
        await (await street.operator()).enrol_meter("m-h1-solar", "h1", METER_KIND_SUB)
        await street.run_module(module())
        await street.upload(module(name="pending"))
        await street.consent("h1")
        await street.consent("h2")
        slot_ms = await street.next_slot("h1", "h2")
        await street.report("m-h1-solar", [Reading(sequence=1, time_ms=street.now_ms, power_export_w=-1)])
        (action,) = await street.inbox("h1")
        await (await street.household("h1")).acknowledge([action.action_id])
        (consent,) = await (await street.household("h2")).consents()
        await (await street.household("h2")).withdraw(consent.consent_id)
        for started in (started_ms, street.now_ms):
            status = await (await street.operator()).status()
            assert (status.edge_id, status.software_version) == ("street-1", edge.__version__)
            assert (status.time_ms, status.started_ms) == (slot_ms, started)
            assert (status.households, status.meters, status.meters_connected) == (2, 3, 0)
            assert (status.readings, status.readings_refused) == (2, 1)
            assert (status.evaluations, status.faults, status.actions, status.actions_delivered) == (2, 0, 2, 1)
            assert (status.consents_in_force, status.modules_active, status.policy_version) == (1, 1, 2)
            assert status.releases == 0
            assert status.audit_entries == 14
            await street.restart()


async def test_connected_meters(street: Street) -> None:
    """A meter counts as connected for as long as its stream is open."""

    async def nothing(hang_up: asyncio.Event) -> AsyncIterator[Sequence[Reading]]:
        yield []
        await hang_up.wait()

    async with street:
        operator = await street.operator()
        await street.enrol("h1")
        for _ in range(2):
            assert (await operator.status()).meters_connected == 0
            hang_up = asyncio.Event()
            async with MeterClient(street.identity(Role.METER, "m-h1")) as client:
                stream = client.report(nothing(hang_up))
                await anext(stream)
                assert (await operator.status()).meters_connected == 1
                hang_up.set()
                assert len([answer async for answer in stream]) == 1
        assert (await operator.status()).meters_connected == 0


async def test_before_anything(street: Street) -> None:
    """A new edge has the policy it was set up with, and nothing else."""
    async with street:
        status = await (await street.operator()).status()
        assert (status.policy_version, status.audit_entries) == (1, 1)
        assert (status.households, status.readings, status.evaluations, status.modules_active) == (0, 0, 0, 0)
