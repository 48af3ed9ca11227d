from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.window import LocalTime, WindowSpec, clock_window, window_specs
from edge_sdk.catalogue import CATALOGUE

if TYPE_CHECKING:
    from edge_sdk.manifest import Manifest

LOCAL = LocalTime(ZoneInfo("Europe/Amsterdam"), tariff_normal_from_hour=7, tariff_normal_until_hour=23)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def utc_ms(*date: int) -> int:
    """Returns unix ms of a time in UTC."""
    return int(datetime(*date, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc, arg-type]


# Amsterdam is at UTC+1, from the one instant of 2026 up to the other at UTC+2.
SUMMER_BEGINS_MS = utc_ms(2026, 3, 29, 1)
SUMMER_ENDS_MS = utc_ms(2026, 10, 25, 1)


def amsterdam_ms(time_ms: int) -> int:
    """Returns what a clock on the wall in Amsterdam shows in 2026, as ms since 1970-01-01 00:00 by that clock."""
    return time_ms + (2 if SUMMER_BEGINS_MS <= time_ms < SUMMER_ENDS_MS else 1) * HOUR_MS


def window(name: str, slot_ms: int, samples: int, resolution_ms: int = HOUR_MS) -> list[float]:
    """Returns a window of a clock series."""
    return clock_window(WindowSpec(CATALOGUE[name], samples, resolution_ms), slot_ms, LOCAL)


def test_specs_in_manifest_order(manifest: Manifest) -> None:
    """The windows stand in the order of the manifest's inputs, with their lengths in samples and milliseconds."""
    assert window_specs(manifest) == (
        WindowSpec(CATALOGUE["power_export"], samples=4, resolution_ms=900_000),
        WindowSpec(CATALOGUE["clock.tariff"], samples=1, resolution_ms=1_800_000),
    )


@given(samples=st.integers(1, 4_096), resolution_s=st.integers(1, 86_400), slot_ms=st.integers(2**40, 2**43))
def test_window_ends_at_the_slot(samples: int, resolution_s: int, slot_ms: int) -> None:
    """A window begins as long before the slot as its samples last together."""
    spec = WindowSpec(CATALOGUE["power_net"], samples, resolution_s * 1000)
    assert spec.start_ms(slot_ms) + samples * resolution_s * 1000 == slot_ms


@given(
    slot_minute=st.integers(utc_ms(2026, 2, 1) // 60_000, utc_ms(2026, 12, 31) // 60_000),
    resolution_ms=st.sampled_from([60_000, 900_000, HOUR_MS, DAY_MS]),
    samples=st.integers(1, 30),
)
def test_clock_series(slot_minute: int, resolution_ms: int, samples: int) -> None:
    """Every clock series says what a clock on the wall shows at the start of each sample, all year round."""
    slot_ms = slot_minute * 60_000
    starts_ms = [slot_ms - (samples - place) * resolution_ms for place in range(samples)]
    walls_ms = [amsterdam_ms(time_ms) for time_ms in starts_ms]
    hours = [wall_ms % DAY_MS / HOUR_MS for wall_ms in walls_ms]
    # 1970-01-01 was a Thursday.
    weekdays = [(wall_ms // DAY_MS + 3) % 7 for wall_ms in walls_ms]
    tariffs = [2 if day < 5 and 7 <= hour < 23 else 1 for day, hour in zip(weekdays, hours, strict=True)]
    assert window("clock.unix_s", slot_ms, samples, resolution_ms) == [time_ms / 1000 for time_ms in starts_ms]
    assert window("clock.local_hour", slot_ms, samples, resolution_ms) == pytest.approx(hours, rel=1e-12)
    assert window("clock.weekday", slot_ms, samples, resolution_ms) == weekdays
    assert window("clock.tariff", slot_ms, samples, resolution_ms) == tariffs


def test_day_of_23_hours() -> None:
    """On the day summer time begins there is no hour 2; 23 hours make the day."""
    midnight_ms = utc_ms(2026, 3, 28, 23)
    hours = window("clock.local_hour", midnight_ms + 24 * HOUR_MS, 24)
    assert hours == [0, 1, *range(3, 24), 0]
    assert window("clock.weekday", midnight_ms + 24 * HOUR_MS, 24) == [6] * 23 + [0]


def test_day_of_25_hours() -> None:
    """On the day summer time ends hour 2 is there twice; 25 hours make the day."""
    midnight_ms = utc_ms(2026, 10, 24, 22)
    hours = window("clock.local_hour", midnight_ms + 25 * HOUR_MS, 25)
    assert hours == [0, 1, 2, 2, *range(3, 24)]
    assert window("clock.weekday", midnight_ms + 25 * HOUR_MS, 25) == [6] * 25
    assert window("clock.unix_s", midnight_ms + 25 * HOUR_MS, 25) == [
        midnight_ms / 1000 + 3600 * place for place in range(25)
    ]


def test_tariff_bounds() -> None:
    """The normal tariff begins with its first hour and ends before its last, on working days only."""
    monday_ms = utc_ms(2026, 11, 22, 23)
    day = window("clock.tariff", monday_ms + DAY_MS, 24)
    assert day == [1] * 7 + [2] * 16 + [1]
    assert window("clock.tariff", monday_ms, 48) == [1] * 48


def test_fractions_of_an_hour() -> None:
    """The local hour has fractions: a quarter past one is 1.25."""
    assert window("clock.local_hour", utc_ms(2026, 11, 23, 0, 30), 2, 900_000) == [1.0, 1.25]
