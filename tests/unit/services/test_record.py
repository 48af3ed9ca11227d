"""What a meter and the operator are told of its readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge_sdk.errors import RpcError
from edge_sdk.identity import Role
from edge_sdk.meter import MeterClient
from edge_sdk.wire.v1.meter_pb2 import Reading

if TYPE_CHECKING:
    from conftest import NewStreet, Street


async def test_operator_sees_how_a_meter_is_doing(street: Street) -> None:
    """Counts, marks and refusals of a meter reach the operator; a meter that is not enrolled has no record."""
    async with street:
        await street.enrol("h1")
        now_ms = street.now_ms
        await street.report(
            "m-h1",
            [
                Reading(sequence=1, time_ms=now_ms - 9_000, energy_import_wh=7),
                Reading(sequence=2, time_ms=now_ms - 8_000, energy_import_wh=6),
                Reading(sequence=3, time_ms=now_ms, power_import_w=-1),
            ],
        )
        operator = await street.operator()
        record = await operator.meter_record("m-h1")
        assert (record.meter.household_id, record.readings, record.readings_today) == ("h1", 2, 2)
        assert (record.newest_ms, record.received_ms, record.delay_ms_min) == (now_ms - 8_000, now_ms, 8_000)
        assert (dict(record.marks), dict(record.refused)) == ({"COUNTER_BACKWARDS": 1}, {"READING_NEGATIVE": 1})
        assert [spool.last_sequence for spool in record.spools] == [3]
        with pytest.raises(RpcError) as caught:
            await operator.meter_record("m9")
        assert caught.value.reason == "METER_UNKNOWN"


async def test_gaps_by_page(new_street: NewStreet, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A meter is told of its own gaps, the operator of any meter's, however many pages that takes."""
    street = new_street(tmp_path_factory.mktemp("street"), enrolment={"page_gaps_max": 2})
    async with street:
        await street.enrol("h1", "h2")
        until_ms = street.now_ms
        await street.report(
            "m-h1", [Reading(sequence=number * 2, time_ms=until_ms - 100 + number) for number in range(1, 7)]
        )
        found = await (await street.client(MeterClient, Role.METER, "m-h1")).gaps(until_ms - 1_000, until_ms)
        assert [gap.first_sequence for gap in found] == [3, 5, 7, 9, 11]
        assert await (await street.operator()).meter_gaps("m-h1", until_ms - 1_000, until_ms) == found
        assert await (await street.client(MeterClient, Role.METER, "m-h2")).gaps(until_ms - 1_000, until_ms) == []


@pytest.mark.parametrize(("from_ms", "until_ms"), [(5, 4), (-1, 4), (0, 367 * 86_400_000), (0, 2**63 - 1)])
async def test_ranges_that_are_none(street: Street, from_ms: int, until_ms: int) -> None:
    """A range that ends before it begins, or that is longer than a year, is refused."""
    async with street:
        await street.enrol("h1")
        with pytest.raises(RpcError) as caught:
            await (await street.operator()).meter_gaps("m-h1", from_ms, until_ms)
        assert caught.value.reason == "REQUEST_INVALID"
