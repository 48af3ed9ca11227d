"""What a household is shown of its readings."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio

from edge_sdk.errors import RpcError
from edge_sdk.wire.v1 import meter_pb2
from edge_sdk.wire.v1.household_pb2 import ListReadingsRequest
from edge_sdk.wire.v1.meter_pb2 import Reading, SubMeter
from edge_sdk.wire.v1.operator_pb2 import METER_KIND_ELECTRICITY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conftest import NewStreet, Street

    from edge_sdk.wire.v1.household_pb2 import MeterReading

pytestmark = pytest.mark.asyncio(loop_scope="module")

MINUTE_MS = 60_000
DAY_MS = 86_400_000
SETTINGS = {
    "part_samples_max": 7,
    "page_readings_max": 3,
    "samples_max": 2_000,
    "range_days_max": 30,
    "live_streams_max": 2,
    "live_readings_max": 5,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(new_street: NewStreet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    """An edge with small bounds on what a household reads at a time."""
    async with new_street(tmp_path_factory.mktemp("view") / "street", household_view=SETTINGS) as running:
        yield running


async def enrol(street: Street, meter: str, household: str) -> int:
    """Enrols a meter a minute from now, on the minute; returns when, unix ms."""
    await street.advance(street.now_ms - street.now_ms % MINUTE_MS + MINUTE_MS)
    await (await street.operator()).enrol_meter(meter, household, METER_KIND_ELECTRICITY)
    return street.now_ms


async def measure(street: Street, meter: str, from_ms: int, *powers_w: int) -> None:
    """Lets a meter report a power a minute from a time on, the time moved on to after the last."""
    street.clock.advance_to(max(street.now_ms, from_ms + len(powers_w) * MINUTE_MS))
    first = from_ms // MINUTE_MS
    readings = [
        Reading(sequence=first + place, time_ms=from_ms + place * MINUTE_MS, power_import_w=power_w)
        for place, power_w in enumerate(powers_w)
    ]
    assert not (await street.report(meter, readings))[-1].rejections


async def history(street: Street, household: str, from_ms: int, until_ms: int, resolution_s: int = 60) -> list[Any]:
    """Samples of power drawn, None where nothing was measured, of as many parts as it takes."""
    client = await street.household(household)
    values: list[float] = []
    async for part in client.series(["power_import"], from_ms, until_ms, resolution_s):
        assert part.from_ms == from_ms + len(values) * resolution_s * 1000
        values += part.series[0].values
    return [None if math.isnan(value) else value for value in values]


async def said(street: Street, household: str, from_ms: int, until_ms: int) -> list[MeterReading]:
    """Every reading that a household is shown of a range."""
    client = await street.household(household)
    return [reading async for page in client.readings(from_ms, until_ms) for reading in page.readings]


async def reason_of(work: Any) -> tuple[str, str]:
    """The reason and the message that something is refused with."""
    with pytest.raises(RpcError) as caught:
        await work
    return caught.value.reason, str(caught.value)


async def test_samples_over_several_parts(street: Street) -> None:
    """Whole samples of the range that are over come in order and without a gap; what was not measured is absent."""
    begin_ms = await enrol(street, "m-whole", "whole")
    await measure(street, "m-whole", begin_ms, *range(100, 110))
    street.clock.advance_to(begin_ms + 12 * MINUTE_MS + 1)
    expected = [*map(float, range(100, 110)), None, None]
    assert await history(street, "whole", begin_ms, begin_ms + DAY_MS) == expected
    assert await history(street, "whole", begin_ms - 2 * MINUTE_MS, begin_ms + MINUTE_MS) == [None, None, 100]
    assert await history(street, "whole", begin_ms, begin_ms + MINUTE_MS - 1) == []


async def test_readings_in_pages(street: Street) -> None:
    """What the meters said comes in order of time, a page at a time, with registers, marks and sub-meters."""
    begin_ms = await enrol(street, "m-pages", "pages")
    await enrol(street, "m-pages-2", "pages")
    begin_ms = street.now_ms
    await measure(street, "m-pages", begin_ms, *range(5))
    await measure(street, "m-pages-2", begin_ms, *range(3))
    gas = SubMeter(channel=1, kind=meter_pb2.SUB_METER_KIND_GAS, time_ms=begin_ms + 1, volume_l=5)
    late = Reading(sequence=10**9, time_ms=begin_ms + 1, energy_import_wh=7, sub_meters=[gas])
    await street.report("m-pages", [late])
    found = await said(street, "pages", begin_ms, begin_ms + DAY_MS)
    assert [(item.reading.time_ms, item.meter_id) for item in found] == sorted(
        [(begin_ms + place * MINUTE_MS, "m-pages") for place in range(5)]
        + [(begin_ms + place * MINUTE_MS, "m-pages-2") for place in range(3)]
        + [(begin_ms + 1, "m-pages")]
    )
    (odd,) = [item for item in found if item.marks]
    assert (odd.reading, list(odd.marks)) == (late, ["OUT_OF_ORDER"])
    assert found[0].reading.power_import_w == 0
    assert not found[0].reading.HasField("power_export_w")


async def test_a_meter_that_moved(street: Street) -> None:
    """Who had a meter before sees it up to its retirement; who gets it, from its enrolment on, whatever it still sends.

    A household's next meter joins what its retired one measured.
    """
    begin_ms = await enrol(street, "box-1", "before")
    await measure(street, "box-1", begin_ms, 11, 12, 13)
    await (await street.operator()).retire_meter("box-1")
    moved_ms = await enrol(street, "box-2", "after")
    # Its gateway still has what it measured in the other home.
    await measure(street, "box-2", begin_ms, 11, 12, 13)
    await measure(street, "box-2", moved_ms, 21, 22)
    until_ms = moved_ms + 2 * MINUTE_MS
    absent = (moved_ms - begin_ms) // MINUTE_MS
    assert await history(street, "before", begin_ms, until_ms) == [11, 12, 13] + [None] * (absent - 1)
    assert await history(street, "after", begin_ms, until_ms) == [None] * absent + [21, 22]
    next_ms = await enrol(street, "box-3", "before")
    await measure(street, "box-3", next_ms, 31)
    shown = await said(street, "before", begin_ms, next_ms + MINUTE_MS)
    assert [(item.meter_id, item.reading.power_import_w) for item in shown] == [
        ("box-1", 11),
        ("box-1", 12),
        ("box-1", 13),
        ("box-3", 31),
    ]
    assert [item.reading.power_import_w for item in await said(street, "after", begin_ms, until_ms)] == [21, 22]
    assert (await history(street, "before", next_ms, next_ms + MINUTE_MS)) == [31]


async def test_what_cannot_be_asked(street: Street) -> None:
    """Series of others, ranges that are none or too long, resolutions and tokens are refused, and it is said why."""
    now_ms = await enrol(street, "m-ask", "ask")
    client = await street.household("ask")

    async def ask(names: list[str], from_ms: int, until_ms: int, resolution_s: int) -> None:
        async for _ in client.series(names, from_ms, until_ms, resolution_s):
            pass

    async def page(**request: Any) -> None:
        await client._stub.ListReadings(ListReadingsRequest(**request))

    for name in ("neighbourhood.power_import", "clock.unix_s", "nothing", ""):
        reason, message = await reason_of(ask([name], now_ms, now_ms + 1, 60))
        assert (reason, "power_import" in message) == ("SERIES_UNKNOWN", True), name
    assert (await reason_of(ask([], now_ms, now_ms + 1, 60)))[0] == "SERIES_UNKNOWN"
    for from_ms, until_ms, resolution_s in ((2, 2, 60), (-1, 2, 60), (1, 2**62, 60), (1, 2, 0), (1, 2, 86_401)):
        assert (await reason_of(ask(["power_import"], from_ms, until_ms, resolution_s)))[0] == "REQUEST_INVALID"
    too_long = ask(["power_import"], now_ms - 31 * DAY_MS, now_ms, 86_400)
    assert (await reason_of(too_long))[0] == "RANGE_TOO_LONG"
    assert (await reason_of(ask(["power_import"], now_ms - DAY_MS, now_ms, 1)))[0] == "RANGE_TOO_LONG"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await page(from_ms=1, until_ms=2 + 30 * DAY_MS)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    for token in ("x", "W10=", "WzEsMiwzLDRd", "A" * 2_000, "\u00e9"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await page(from_ms=1, until_ms=2, page_token=token)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, token
    nobody = (await street.household("nobody")).series(["power_import"], 1, 2, 60)
    assert (await reason_of(anext(nobody)))[0] == "METER_UNKNOWN"


async def test_a_token_of_another_household_opens_nothing(street: Street) -> None:
    """A page token says where to go on, never whose readings."""
    begin_ms = await enrol(street, "m-token", "token")
    await measure(street, "m-token", begin_ms, *range(5))
    await enrol(street, "m-thief", "thief")
    owner, thief = await street.household("token"), await street.household("thief")
    request = ListReadingsRequest(from_ms=begin_ms, until_ms=begin_ms + DAY_MS)
    first = await owner._stub.ListReadings(request)
    assert len(first.readings) == 3
    request.page_token = first.next_page_token
    assert len((await owner._stub.ListReadings(request)).readings) == 2
    assert not (await thief._stub.ListReadings(request)).readings


async def test_removed_by_retention(new_street: NewStreet, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A range that begins in a removed day is refused and told since when there is data; roll-ups go on being shown."""
    async with new_street(tmp_path_factory.mktemp("removed") / "street") as street:
        begin_ms = await enrol(street, "m-old", "old")
        await measure(street, "m-old", begin_ms, 1, 2)
        next_day_ms = begin_ms - begin_ms % DAY_MS + DAY_MS
        street.clock.advance_to(next_day_ms + MINUTE_MS)
        await street.app._store.remove_readings(begin_ms // DAY_MS, street.now_ms, lambda *_: None)
        assert await history(street, "old", begin_ms, begin_ms + 2 * MINUTE_MS) == [1, 2]
        for work in (
            history(street, "old", begin_ms, begin_ms + 2000, 1),
            said(street, "old", begin_ms, begin_ms + 2000),
        ):
            reason, message = await reason_of(work)
            assert (reason, "2026-06-20T00:00Z" in message) == ("READINGS_REMOVED", True)
        assert await said(street, "old", next_day_ms, next_day_ms + 1) == []


async def test_live(street: Street) -> None:
    """A household's readings arrive once they are stored, of all its meters, also of one enrolled meanwhile."""
    begin_ms = await enrol(street, "m-live", "live")
    client = await street.household("live")
    async with aclosing(client.live()) as parts:
        waiting = asyncio.ensure_future(anext(parts))
        await asyncio.sleep(0.2)
        await measure(street, "m-live", begin_ms, 5)
        part = await asyncio.wait_for(waiting, 5)
        ((shown,), left_out) = part.readings, part.left_out
        assert (shown.meter_id, shown.reading.power_import_w, left_out) == ("m-live", 5, 0)
        assert [shown] == await said(street, "live", begin_ms, begin_ms + DAY_MS)
        second_ms = await enrol(street, "m-live-2", "live")
        # Of before it was the household's own, then of after.
        await measure(street, "m-live-2", second_ms - 5 * MINUTE_MS, 6)
        await measure(street, "m-live-2", second_ms, 7)
        part = await asyncio.wait_for(anext(parts), 5)
        assert [item.reading.power_import_w for item in part.readings] == [7]


async def test_a_slow_reader(street: Street) -> None:
    """Whoever does not read gets the newest and is told how many were left out; no more than that is kept."""
    begin_ms = await enrol(street, "m-slow", "slow")
    parts = street.app._live.follow("slow")
    waiting = asyncio.ensure_future(anext(parts))
    await asyncio.sleep(0.2)
    await measure(street, "m-slow", begin_ms, 0)
    assert [item.registers["power_import_w"] for item in (await waiting).readings] == [0]
    await measure(street, "m-slow", begin_ms + MINUTE_MS, *range(1, 4))
    await measure(street, "m-slow", begin_ms + 4 * MINUTE_MS, *range(4, 21))
    part = await anext(parts)
    assert [item.registers["power_import_w"] for item in part.readings] == [16, 17, 18, 19, 20]
    assert part.left_out == 15
    await parts.aclose()
    assert street.app._live._listeners == {}


async def test_streams_of_one_household_have_a_bound(street: Street) -> None:
    """One live stream too many is refused; when another ends there is room again."""
    await enrol(street, "m-many", "many")
    streams = [street.app._live.follow("many") for _ in range(2)]
    waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await asyncio.sleep(0.2)
    client = await street.household("many")
    assert (await reason_of(anext(client.live())))[0] == "STREAMS_TOO_MANY"
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert street.app._live._listeners == {}


async def test_ends_with_the_edge(new_street: NewStreet, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A live stream ends without an error when the edge stops."""
    async with new_street(tmp_path_factory.mktemp("ends") / "street") as street:
        await enrol(street, "m1", "h1")
        client = await street.household("h1")
        parts = client.live()
        waiting = asyncio.ensure_future(anext(parts, None))
        await asyncio.sleep(0.2)
        street.app._live.close()
        assert await asyncio.wait_for(waiting, 5) is None
