from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.gateway import appliances
from edge.gateway.day import LocalDay

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def day(timezone: ZoneInfo, month: int, number: int = 21) -> LocalDay:
    return LocalDay(int(datetime(2026, month, number, tzinfo=timezone).timestamp()) * 1000, timezone)


def test_household_keeps_its_mean() -> None:
    """Over many homes the switched and steady parts together have the mean they were made around."""
    mean_w = np.full(1440, 400.0)
    total_w = sum(appliances.household_power_w(mean_w, np.random.default_rng(seed)) for seed in range(200))
    assert np.mean(total_w) / 200 == pytest.approx(400, rel=0.03)


def test_household_is_not_smooth() -> None:
    """A single home has peaks far above its mean, and never gives power."""
    power_w = appliances.household_power_w(np.full(1440, 400.0), np.random.default_rng(1))
    assert power_w.max() > 1_000
    assert power_w.min() >= 0


@pytest.mark.parametrize("charger_w", [3_700.0, 11_000.0])
def test_car_charges_in_one_go_in_the_evening(amsterdam: ZoneInfo, charger_w: float) -> None:
    """A car that was used charges at full power, without a pause, from the afternoon or evening on."""
    used = 0
    for seed in range(50):
        power_w = appliances.car_power_w(day(amsterdam, 6), charger_w, np.random.default_rng(seed))
        charging = np.flatnonzero(power_w)
        if charging.size:
            used += 1
            assert set(power_w[charging]) == {charger_w}
            assert charging[0] >= 12 * 60
            assert charging.size == charging[-1] - charging[0] + 1
    assert 20 <= used <= 50


def test_heat_pump_works_in_winter(amsterdam: ZoneInfo) -> None:
    """A heat pump uses several times as much in January as in July, and is either on or off."""
    january = appliances.heat_pump_power_w(day(amsterdam, 1), 2_000, np.random.default_rng(1))
    july = appliances.heat_pump_power_w(day(amsterdam, 7), 2_000, np.random.default_rng(1))
    assert set(january) == {0.0, 2_000.0}
    assert january.sum() > 3 * july.sum() > 0


def test_sun_stands_where_it_does(amsterdam: ZoneInfo) -> None:
    """At 52 N the sun shines about 16 and a half hours in June and under 8 in December, most around noon UTC."""
    june, december = (appliances.clear_sky_w_per_m2(day(amsterdam, month)) for month in (6, 12))
    assert np.count_nonzero(june) / 60 == pytest.approx(16.5, abs=0.4)
    assert np.count_nonzero(december) / 60 == pytest.approx(7.6, abs=0.4)
    # Midnight in Amsterdam in June is 22:00 UTC; 5 degrees east the sun culminates 20 minutes before 12:00 UTC.
    assert int(june.argmax()) == pytest.approx(14 * 60 - 20, abs=2)
    assert 850 < june.max() < 950
    assert 100 < december.max() < 250


def test_clouds_only_take_away(amsterdam: ZoneInfo) -> None:
    """What comes through the clouds is a share, and it changes during the day."""
    share = appliances.cloud_share(day(amsterdam, 6), np.random.default_rng(1))
    assert share.size == 1440
    assert 0.1 <= share.min() < share.max() <= 1.0


def test_panels_give_less_than_rated() -> None:
    """Under 1000 W/m2 panels give their rated power less what heat, cables and orientation cost; at night nothing."""
    assert appliances.solar_power_w(np.array([0.0, 500.0, 1000.0]), 4_000).tolist() == [0.0, 1600.0, 3200.0]
