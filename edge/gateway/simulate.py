"""A simulated meter that reports as time goes by."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from edge.gateway.meter_model import MeterModel

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from edge.clock import Clock
    from edge.gateway.profiles import HouseholdProfile
    from edge_sdk.wire.v1.meter_pb2 import Reading


async def simulate(
    profile: HouseholdProfile, clock: Clock, step_s: int, duration_s: int | None = None
) -> AsyncGenerator[Reading, None]:
    """Yields a reading at each whole step of the clock, with the power that the profile has at that time of day.

    After the profile's day the same day begins again. Counters begin at the profile's offset in each call.

    Args:
        profile: of the home.
        clock: decides what time it is and when a reading is due.
        step_s: time between readings, as for `HouseholdProfile.power_w`.
        duration_s: readings of so much time; None for no end.
    """
    power_w = profile.power_w(step_s)
    meter = MeterModel(profile.day.timezone, profile.energy_offset_wh)
    step_ms = step_s * 1000
    time_ms = -(-clock.now_ms() // step_ms) * step_ms
    end_ms = None if duration_s is None else time_ms + duration_s * 1000
    while end_ms is None or time_ms < end_ms:
        await clock.sleep_until(time_ms)
        local = datetime.fromtimestamp(time_ms / 1000, profile.day.timezone)
        # A day on which the clocks go forward has fewer steps than the wall shows times.
        step = min((local.hour * 3600 + local.minute * 60 + local.second) // step_s, power_w.size - 1)
        for reading in meter.readings(time_ms, power_w[step : step + 1], step_s):
            yield reading
        time_ms += step_ms
