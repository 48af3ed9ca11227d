from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.clock import SimulatedClock
from edge.gateway.day import LocalDay
from edge.gateway.profiles import HouseholdProfile
from edge.gateway.simulate import simulate

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def at(timezone: ZoneInfo, *when: int) -> int:
    year, month, day, hour, minute, second = when
    return int(datetime(year, month, day, hour, minute, second, tzinfo=timezone).timestamp()) * 1000


@pytest.fixture
def profile(amsterdam: ZoneInfo) -> HouseholdProfile:
    """A home whose power at each minute is the number of that minute."""
    day = LocalDay(at(amsterdam, 2026, 6, 24, 0, 0, 0), amsterdam)
    return HouseholdProfile("home", day, False, False, False, 500, np.arange(1440))


async def test_begins_at_the_time_of_day(profile: HouseholdProfile, amsterdam: ZoneInfo) -> None:
    """The first reading is at the next whole step, with the power the profile has at that local time, on any day."""
    clock = SimulatedClock(at(amsterdam, 2026, 11, 23, 8, 0, 30))
    readings = simulate(profile, clock, 60)
    first = asyncio.create_task(anext(readings))
    await asyncio.sleep(0)
    assert not first.done()
    clock.advance_to(at(amsterdam, 2026, 11, 23, 8, 1, 0))
    reading = await first
    assert (reading.time_ms, reading.power_import_w) == (clock.now_ms(), 8 * 60 + 1)
    assert (reading.energy_import_t1_wh, reading.energy_import_t2_wh) == (500, 500)
    await readings.aclose()


async def test_goes_on_after_midnight(profile: HouseholdProfile, amsterdam: ZoneInfo) -> None:
    """After the last minute of the day comes the first, and the counters go on; it ends after its duration."""
    start_ms = at(amsterdam, 2026, 6, 24, 23, 58, 0)
    clock = SimulatedClock(start_ms)
    collecting = asyncio.create_task(collect(profile, clock, 240))
    for minute in range(1, 4):
        await asyncio.sleep(0)
        clock.advance_to(start_ms + minute * 60_000)
    readings = await collecting
    assert [power_w for power_w, _ in readings] == [1438, 1439, 0, 1]
    assert [counter_wh for _, counter_wh in readings] == [500, 523, 547, 547]


async def collect(profile: HouseholdProfile, clock: SimulatedClock, duration_s: int) -> list[tuple[int, int]]:
    return [
        (reading.power_import_w, reading.energy_import_t1_wh)
        async for reading in simulate(profile, clock, 60, duration_s)
    ]


async def test_short_day_has_a_power_for_every_time(amsterdam: ZoneInfo) -> None:
    """The profile of a day of 23 hours, replayed on a longer one, keeps its last power to the end."""
    day = LocalDay(at(amsterdam, 2026, 3, 29, 0, 0, 0), amsterdam)
    profile = HouseholdProfile("home", day, False, False, False, 0, np.arange(1380))
    clock = SimulatedClock(at(amsterdam, 2026, 6, 24, 23, 30, 0))
    (reading,) = [reading async for reading in simulate(profile, clock, 60, 60)]
    assert reading.power_import_w == 1379
