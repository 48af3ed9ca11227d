from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from edge_sdk.errors import RpcError
from edge_sdk.identity import Role
from edge_sdk.meter import MeterClient
from edge_sdk.wire.v1.operator_pb2 import METER_KIND_ELECTRICITY, METER_KIND_GAS, ListMetersRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from conftest import NewStreet, Street

    from edge_sdk.wire.v1.meter_pb2 import Reading


async def test_enrolled_once(street: Street) -> None:
    """Enrolling a meter again changes nothing; for another household or as another kind it is refused."""
    async with street:
        operator = await street.operator()
        first = await operator.enrol_meter("m1", "h1", METER_KIND_ELECTRICITY)
        await street.advance(street.now_ms + 60_000)
        assert await operator.enrol_meter("m1", "h1", METER_KIND_ELECTRICITY) == first
        for household, kind in (("h2", METER_KIND_ELECTRICITY), ("h1", METER_KIND_GAS)):
            with pytest.raises(RpcError) as caught:
                await operator.enrol_meter("m1", household, kind)
            assert caught.value.reason == "METER_ENROLLED_OTHERWISE"


async def test_a_wrong_enrolment_is_undone(street: Street, module: Callable[..., bytes]) -> None:
    """A meter enrolled for the wrong household blinds it, for it never reports; retired, it does not count any more.

    It is for good, it is in the log of the household, and doing it twice changes nothing.
    """
    async with street:
        await street.set_up(module("(f64.eq (f64.load (i32.const 0)) (f64.load (i32.const 0)))"), "h1")
        operator = await street.operator()
        await operator.enrol_meter("mistyped", "h1", METER_KIND_ELECTRICITY)
        await street.next_slot("h1")
        assert await street.counts("h1") == [0]
        retired = await operator.retire_meter("mistyped")
        assert retired.retired_ms == street.now_ms
        assert await operator.retire_meter("mistyped") == retired
        await street.next_slot("h1")
        assert await street.counts("h1") == [1]
        assert retired in await operator.meters()
        assert (await operator.status()).meters == 1
        (event,) = await street.events("meter_retired", Role.HOUSEHOLD, "h1")
        assert event == {"household": "h1", "meter": "mistyped"}
        with pytest.raises(RpcError) as caught:
            await operator.enrol_meter("mistyped", "h1", METER_KIND_ELECTRICITY)
        assert caught.value.reason == "METER_RETIRED"


async def test_a_retired_meter_is_heard_no_more(street: Street) -> None:
    """The stream of a meter ends when it is retired, though it says nothing, and no other begins."""
    async with street:
        await street.enrol("h1")

        async def silent() -> AsyncIterator[list[Reading]]:
            await asyncio.Event().wait()
            yield []

        async with MeterClient(street.identity(Role.METER, "m-h1")) as client:
            answers = client.report(silent())
            await anext(answers)
            await (await street.operator()).retire_meter("m-h1")
            for again in (answers, client.report(silent())):
                with pytest.raises(RpcError) as caught:
                    await asyncio.wait_for(anext(again), 10)
                assert (caught.value.status, caught.value.reason) == ("FAILED_PRECONDITION", "METER_RETIRED")


async def test_retiring_what_is_not_there(street: Street) -> None:
    """A meter that was never enrolled cannot be retired."""
    async with street:
        with pytest.raises(RpcError) as caught:
            await (await street.operator()).retire_meter("nobody")
        assert (caught.value.status, caught.value.reason) == ("NOT_FOUND", "METER_UNKNOWN")


async def test_a_long_list_comes_in_pages(new_street: NewStreet, tmp_path: Path) -> None:
    """Every meter is listed once, by id, however many pages it takes; a page is no longer than asked for or allowed."""
    async with new_street(tmp_path / "street", enrolment={"page_meters_max": 3}) as street:
        await street.enrol(*(f"h{number}" for number in range(8)))
        operator = await street.operator()
        assert [meter.household_id for meter in await operator.meters()] == [f"h{number}" for number in range(8)]
        for size, expected in ((0, 3), (2, 2), (100, 3)):
            page = await operator._stub.ListMeters(ListMetersRequest(page_size=size))
            assert len(page.meters) == expected
            assert page.next_page_token == page.meters[-1].meter_id
        last = await operator._stub.ListMeters(ListMetersRequest(page_token="m-h6"))
        assert (len(last.meters), last.next_page_token) == (1, "")
