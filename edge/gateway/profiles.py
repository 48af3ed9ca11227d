"""A neighbourhood's day, made up from one seed: the same seed, size and day give the same powers on every machine.

Homes follow the standard load profile H25 of BDEW, the mean of many German homes. Homes with panels follow it too, and
what their panels give is taken off; BDEW's own profile for them (P25) has the sun in it already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from demandlib.bdew import H25

from edge.gateway import appliances
from edge.gateway.day import LocalDay

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

_YEARLY_KWH = (1_500.0, 6_000.0)
_CAR_SHARE = 0.25
_PANELS_SHARE = 0.4
_HEAT_PUMP_SHARE = 0.2
_CHARGERS_W = (3_700.0, 11_000.0)
_PANELS_W = (2_000.0, 8_000.0)
_HEAT_PUMP_W = (1_000.0, 3_000.0)
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, eq=False)
class HouseholdProfile:
    """One home's day.

    Attributes:
        name: unique in its neighbourhood.
        energy_offset_wh: what its meter's import counters show before the day.
        minute_w: net power for each minute of the day, W; positive is import. Read-only.
    """

    name: str
    day: LocalDay
    has_ev: bool
    has_pv: bool
    has_heat_pump: bool
    energy_offset_wh: int
    minute_w: NDArray[np.int64]

    def power_w(self, step_s: int) -> NDArray[np.int64]:
        """Returns the net power of each step of the day, W: the mean of its minutes, rounded down; positive is import.

        Raises:
            ValueError: steps of `step_s` do not fill an hour, or cut minutes unevenly.
        """
        if step_s < 1 or 3600 % step_s or (step_s % 60 and 60 % step_s):
            raise ValueError(f"{step_s} s is no whole part or multiple of a minute that fills an hour")
        if step_s < 60:
            return np.repeat(self.minute_w, 60 // step_s)
        minutes = step_s // 60
        steps_wm: NDArray[np.int64] = self.minute_w.reshape(-1, minutes).sum(axis=1)
        return steps_wm // minutes


@dataclass(frozen=True, slots=True)
class _Home:
    """What stays from day to day. A power of 0 W stands for an appliance that is not there."""

    yearly_kwh: float
    habit_minutes: int
    car_w: float
    panels_w: float
    heat_pump_w: float
    energy_offset_wh: int


def neighbourhood(households: int, seed: int, day_start_ms: int, timezone: ZoneInfo) -> list[HouseholdProfile]:
    """Returns the profiles of a neighbourhood's homes on one day. A home stays the same when others are added.

    Args:
        households: how many homes.
        seed: decides what the homes are like; with the day, also what happens there.
        day_start_ms: local midnight, unix ms UTC.
        timezone: where the neighbourhood is.
    """
    day = LocalDay(day_start_ms, timezone)
    day_number = day_start_ms // _DAY_MS
    mean_w_per_kwh = _mean_w_per_yearly_kwh(day)
    # Stream 0 is the sky, the homes follow.
    clouds = appliances.cloud_share(day, np.random.default_rng([seed, 0, day_number]))
    light = appliances.clear_sky_w_per_m2(day) * clouds
    profiles = []
    for number in range(1, households + 1):
        home = _home(np.random.default_rng([seed, number]))
        rng = np.random.default_rng([seed, number, day_number])
        profiles.append(_profile(f"household-{number:03}", home, day, mean_w_per_kwh, light, rng))
    return profiles


def _home(rng: np.random.Generator) -> _Home:
    has_car, has_panels, has_heat_pump = rng.random(3) < (_CAR_SHARE, _PANELS_SHARE, _HEAT_PUMP_SHARE)
    return _Home(
        yearly_kwh=float(np.clip(rng.lognormal(np.log(2_900), 0.35), *_YEARLY_KWH)),
        habit_minutes=int(rng.normal(0, 45)),
        car_w=float(rng.choice(_CHARGERS_W) * has_car),
        panels_w=float(rng.uniform(*_PANELS_W) * has_panels),
        heat_pump_w=float(rng.uniform(*_HEAT_PUMP_W) * has_heat_pump),
        energy_offset_wh=int(rng.integers(20_000_000)),
    )


def _profile(
    name: str,
    home: _Home,
    day: LocalDay,
    mean_w_per_kwh: NDArray[np.float64],
    light: NDArray[np.float64],
    rng: np.random.Generator,
) -> HouseholdProfile:
    net_w = appliances.household_power_w(np.roll(mean_w_per_kwh * home.yearly_kwh, home.habit_minutes), rng)
    if home.car_w:
        net_w += appliances.car_power_w(day, home.car_w, rng)
    if home.heat_pump_w:
        net_w += appliances.heat_pump_power_w(day, home.heat_pump_w, rng)
    if home.panels_w:
        net_w -= appliances.solar_power_w(light, home.panels_w)
    minute_w = np.rint(net_w).astype(np.int64)
    minute_w.flags.writeable = False
    return HouseholdProfile(
        name=name,
        day=day,
        has_ev=home.car_w > 0,
        has_pv=home.panels_w > 0,
        has_heat_pump=home.heat_pump_w > 0,
        energy_offset_wh=home.energy_offset_wh,
        minute_w=minute_w,
    )


def _mean_w_per_yearly_kwh(day: LocalDay) -> NDArray[np.float64]:
    """Returns the mean power at each minute of a home that uses 1 kWh a year."""
    start = pd.Timestamp(day.start_ms, unit="ms", tz="UTC").tz_convert(day.timezone)
    quarters = pd.date_range(start, periods=day.minutes // 15, freq="15min")
    # demandlib scales to 1 GWh a year and gives kW.
    w_per_kwh = H25(quarters).to_numpy(dtype=np.float64) / 1000
    return np.repeat(w_per_kwh, 15)
