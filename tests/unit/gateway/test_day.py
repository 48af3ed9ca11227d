from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.gateway.day import LocalDay

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def day(when: date, timezone: ZoneInfo) -> LocalDay:
    return LocalDay(int(datetime(when.year, when.month, when.day, tzinfo=timezone).timestamp()) * 1000, timezone)


@pytest.mark.parametrize(
    ("when", "minutes"), [(date(2026, 3, 29), 1380), (date(2026, 6, 24), 1440), (date(2026, 10, 25), 1500)]
)
def test_length(amsterdam: ZoneInfo, when: date, minutes: int) -> None:
    """The days on which the clocks change have 23 and 25 hours."""
    assert day(when, amsterdam).minutes == minutes
    assert day(when, amsterdam).local_hour().size == minutes


def test_hours_on_the_wall(amsterdam: ZoneInfo) -> None:
    """In March the wall shows no time between 2 and 3; in October it shows it twice."""
    march = day(date(2026, 3, 29), amsterdam).local_hour()
    october = day(date(2026, 10, 25), amsterdam).local_hour()
    assert not ((march >= 2) & (march < 3)).any()
    assert ((october >= 2) & (october < 3)).sum() == 120


@given(st.dates(date(2000, 1, 1), date(2035, 12, 31)))
def test_every_day_ends_where_the_next_begins(amsterdam: ZoneInfo, when: date) -> None:
    """A day's date is the one it was made from, and its length leads to the next midnight."""
    today = day(when, amsterdam)
    assert today.date == when
    tomorrow = LocalDay(today.start_ms + today.minutes * 60_000, amsterdam)
    assert (tomorrow.date - when).days == 1


@given(minute=st.integers(0, 1499))
def test_the_day_of_an_instant(amsterdam: ZoneInfo, minute: int) -> None:
    """Every minute of a day leads back to its midnight, also on a day of 25 hours."""
    october = day(date(2026, 10, 25), amsterdam)
    assert LocalDay.containing(october.start_ms + minute * 60_000, amsterdam) == october


def test_only_midnight_starts_a_day(amsterdam: ZoneInfo) -> None:
    """An instant that is not midnight there is refused: the day would silently begin elsewhere."""
    with pytest.raises(ValueError, match="not midnight"):
        LocalDay(day(date(2026, 6, 24), amsterdam).start_ms + 1, amsterdam)
