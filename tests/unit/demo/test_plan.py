"""What `edge demo` plays for what was asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from edge.demo.plan import SLOT_MS, Plan, plan_of


def test_a_day_by_default() -> None:
    """Without options a whole day is played from midnight; duration alone or speed alone still mean a whole day."""
    for plan in (plan_of(200, None, None), plan_of(200, 5, None), plan_of(200, None, 3600)):
        assert plan.slots == 96
        assert plan.start_ms == plan.day_start_ms


def test_both_play_a_part_around_noon() -> None:
    """Ten seconds at 1,440 times the speed are four hours, with early afternoon in their middle."""
    plan = plan_of(200, 10, 1440)
    assert plan.slots == 16
    assert (plan.start_ms - plan.day_start_ms) / 3_600_000 == 11


def test_days_on_which_the_clock_changes() -> None:
    """The day that summer time begins has 92 quarter-hours, the one on which it ends 100."""
    plan = plan_of(200, None, None)
    long = replace(plan, duration_s=90_000.0, speed=1.0)
    assert replace(long, day=date(2026, 3, 29)).slots == 92
    assert replace(long, day=date(2026, 10, 25)).slots == 100


@given(st.floats(1, 100_000), st.floats(1, 100_000))
def test_it_stays_within_the_day(duration_s: float, speed: float) -> None:
    """Whatever is asked, what is played begins and ends within the day and on quarter-hours."""
    plan: Plan = plan_of(20, duration_s, speed)
    assert plan.slots >= 1
    assert plan.start_ms % SLOT_MS == 0
    assert plan.day_start_ms <= plan.start_ms
    assert plan.start_ms + plan.slots * SLOT_MS <= plan.day_start_ms + 86_400_000
