"""What makes one home's day differ from another's: switches going on and off, a car, a heat pump, solar panels.

Each function returns a power in W for each minute of a day. Randomness is handed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.gateway.day import LocalDay

_LATITUDE = np.radians(52.0)
_LONGITUDE_H = 5.0 / 15
# From a panel's rated power, at 1000 W/m2, to what leaves the inverter: heat, cables, orientation.
_PANEL_YIELD = 0.8
_SWITCHED_SHARE = 0.4
_SWITCHED_W = (500.0, 2_500.0)
_SWITCHED_MINUTES = (2, 20)
_CAR_USED_SHARE = 0.7
_CAR_NEEDS_WH = (4_000.0, 25_000.0)


def household_power_w(mean_w: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns one home's load around `mean_w`, the mean of many such homes: part of it steady, part switched."""
    steady_w = mean_w * (1 - _SWITCHED_SHARE) * np.repeat(rng.gamma(8, 1 / 8, mean_w.size // 15), 15)
    mean_wm = np.mean(_SWITCHED_W) * np.mean(_SWITCHED_MINUTES)
    starts = np.flatnonzero(rng.random(mean_w.size) < mean_w * _SWITCHED_SHARE / mean_wm)
    power_w = rng.uniform(*_SWITCHED_W, starts.size)
    minutes = rng.integers(*_SWITCHED_MINUTES, starts.size, endpoint=True)
    for start, height_w, length in zip(starts, power_w, minutes, strict=True):
        steady_w[start : start + length] += height_w
    return steady_w


def car_power_w(day: LocalDay, charger_w: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns the charging of a car: from coming home, at full power, until the day's driving is made up for."""
    power_w = np.zeros(day.minutes)
    arrival_h = np.clip(rng.normal(18.25, 1.5), 12, 23.5)
    needs_wh = rng.uniform(*_CAR_NEEDS_WH)
    if rng.random() < _CAR_USED_SHARE:
        start = int(np.argmax(day.local_hour() >= arrival_h))
        power_w[start : start + round(needs_wh / charger_w * 60)] = charger_w
    return power_w


def heat_pump_power_w(day: LocalDay, rated_w: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns the cycles of a heat pump: longer in winter, and at night and in the morning."""
    season = 0.55 + 0.45 * np.cos(2 * np.pi * (day.date.timetuple().tm_yday - 20) / 365)
    hour = day.local_hour()
    on_share = np.clip(0.6 * season * np.where((hour >= 22) | (hour < 9), 1.3, 0.8), 0.02, 0.95)
    cycle_minutes = rng.integers(40, 80)
    minute_of_cycle = (np.arange(hour.size) + rng.integers(cycle_minutes)) % cycle_minutes
    return np.where(minute_of_cycle < on_share * cycle_minutes, rated_w, 0.0)


def clear_sky_w_per_m2(day: LocalDay) -> NDArray[np.float64]:
    """Returns what falls on level ground at 52 N 5 E under a clear sky (Haurwitz 1945; declination by Cooper 1969)."""
    declination = np.radians(23.44) * np.sin(2 * np.pi * (284 + day.date.timetuple().tm_yday) / 365)
    utc_h = (day.start_ms / 3_600_000 + np.arange(day.minutes) / 60) % 24
    hour_angle = 2 * np.pi * (utc_h + _LONGITUDE_H - 12) / 24
    height = np.sin(_LATITUDE) * np.sin(declination) + np.cos(_LATITUDE) * np.cos(declination) * np.cos(hour_angle)
    up = np.maximum(height, 1e-3)
    return np.where(height > 1e-3, 1098 * up * np.exp(-0.057 / up), 0.0)


def cloud_share(day: LocalDay, rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns what share of the light comes through the clouds; neighbours have the same clouds."""
    clouds = np.zeros(day.minutes // 5)
    for index, change in enumerate(rng.normal(0, 0.3, clouds.size)):
        clouds[index] = 0.92 * clouds[index - 1] + change
    return np.repeat(np.clip(rng.uniform(0.4, 0.95) + 0.25 * clouds, 0.1, 1.0), 5)


def solar_power_w(light_w_per_m2: NDArray[np.float64], rated_w: float) -> NDArray[np.float64]:
    """Returns what panels of `rated_w` give in that light."""
    return _PANEL_YIELD * rated_w * light_w_per_m2 / 1000
