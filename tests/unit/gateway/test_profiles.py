from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.gateway.profiles import HouseholdProfile, neighbourhood

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def midnight_ms(timezone: ZoneInfo, *date: int) -> int:
    return int(datetime(date[0], date[1], date[2], tzinfo=timezone).timestamp()) * 1000


@pytest.fixture(scope="module")
def june(amsterdam: ZoneInfo) -> list[HouseholdProfile]:
    return neighbourhood(200, 7, midnight_ms(amsterdam, 2026, 6, 24), amsterdam)


def same(one: HouseholdProfile, other: HouseholdProfile) -> bool:
    return one.name == other.name and bool((one.minute_w == other.minute_w).all())


def test_seed_decides(amsterdam: ZoneInfo, june: list[HouseholdProfile]) -> None:
    """The same seed gives the same neighbourhood; another seed another one; a smaller one is a part of it."""
    start_ms = midnight_ms(amsterdam, 2026, 6, 24)
    again = neighbourhood(20, 7, start_ms, amsterdam)
    other = neighbourhood(20, 8, start_ms, amsterdam)
    assert all(same(one, two) for one, two in zip(again, june[:20], strict=True))
    assert not any(same(one, two) for one, two in zip(other, again, strict=True))


def test_homes_stay_and_days_differ(amsterdam: ZoneInfo, june: list[HouseholdProfile]) -> None:
    """The next day the same homes have the same appliances and another day."""
    tomorrow = neighbourhood(20, 7, midnight_ms(amsterdam, 2026, 6, 25), amsterdam)
    for one, two in zip(june[:20], tomorrow, strict=True):
        assert all(getattr(one, name) == getattr(two, name) for name in ("name", "has_ev", "has_pv", "has_heat_pump"))
        assert not same(one, two)


def test_appliances_are_mixed(june: list[HouseholdProfile]) -> None:
    """In a neighbourhood some homes have a car, panels or a heat pump, and some have none; names are unique."""
    for tag in ("has_ev", "has_pv", "has_heat_pump"):
        assert 0.1 < np.mean([getattr(profile, tag) for profile in june]) < 0.6
    assert any(not (profile.has_ev or profile.has_pv or profile.has_heat_pump) for profile in june)
    assert len({profile.name for profile in june}) == 200


def test_only_panels_export(june: list[HouseholdProfile]) -> None:
    """In June nearly every home with panels exports around noon, and no other ever does."""
    noon = slice(13 * 60, 15 * 60)
    with_panels = [profile for profile in june if profile.has_pv]
    assert np.mean([profile.minute_w[noon].min() < 0 for profile in with_panels]) > 0.9
    assert all(profile.minute_w.min() >= 0 for profile in june if not profile.has_pv)


def test_plain_homes_use_what_homes_use(june: list[HouseholdProfile], amsterdam: ZoneInfo) -> None:
    """Homes without appliances use 4 to 20 kWh on a mean day, more in January than in June."""
    january = neighbourhood(200, 7, midnight_ms(amsterdam, 2026, 1, 14), amsterdam)
    june_kwh, january_kwh = (
        np.mean([p.minute_w.sum() / 60_000 for p in homes if not (p.has_ev or p.has_pv or p.has_heat_pump)])
        for homes in (june, january)
    )
    assert 4 < june_kwh < january_kwh < 20


@pytest.mark.parametrize(("date", "hours"), [((2026, 3, 29), 23), ((2026, 6, 24), 24), ((2026, 10, 25), 25)])
def test_days_have_their_own_length(amsterdam: ZoneInfo, date: tuple[int, int, int], hours: int) -> None:
    """A profile covers the local day, also on the days on which the clocks change."""
    (profile,) = neighbourhood(1, 7, midnight_ms(amsterdam, *date), amsterdam)
    assert profile.power_w(3600).size == hours
    assert profile.power_w(900).size == hours * 4
    assert profile.power_w(1).size == hours * 3600


@pytest.mark.parametrize("step_s", [1, 10, 60, 300, 900, 3600])
def test_steps_keep_the_energy(june: list[HouseholdProfile], step_s: int) -> None:
    """Whatever the step, the energy of the day is the same but for rounding each step down by less than 1 W."""
    for profile in june[:10]:
        power_w = profile.power_w(step_s)
        exact_ws = int(profile.minute_w.sum()) * 60
        assert 0 <= exact_ws - int(power_w.sum()) * step_s < power_w.size * step_s


@pytest.mark.parametrize("step_s", [0, -60, 7, 45, 90, 7200])
def test_uneven_steps_are_refused(june: list[HouseholdProfile], step_s: int) -> None:
    """A step that does not fill an hour evenly is refused."""
    with pytest.raises(ValueError, match="fills an hour"):
        june[0].power_w(step_s)


def test_profiles_cannot_be_changed(june: list[HouseholdProfile]) -> None:
    """A profile's powers are read-only."""
    with pytest.raises(ValueError, match="read-only"):
        june[0].minute_w[0] = 1
