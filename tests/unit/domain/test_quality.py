from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.quality import judge
from edge.domain.reading import CLOCK_AHEAD_MS, Counters, Quality
from tests.rows import Reading, batch_of

POWER_W_MAX = 3_600
"""One watt-hour a second."""
NOW_MS = 50_000
WATT_HOURS = st.none() | st.integers(0, 40)
READINGS = st.builds(
    Reading,
    st.just(1),
    st.integers(0, 70).map(lambda second: second * 1_000),
    energy_import_t1_wh=WATT_HOURS,
    energy_import_t2_wh=WATT_HOURS,
    energy_import_wh=WATT_HOURS,
    energy_export_t1_wh=WATT_HOURS,
    energy_export_t2_wh=WATT_HOURS,
    energy_export_wh=WATT_HOURS,
)


def judged(reading: Reading, before: Counters | None) -> tuple[Quality, Counters]:
    """The rule for one reading, as the docstrings of `Quality` have it; and the newest reading from then on."""
    quality = Quality.CLOCK_AHEAD if reading.time_ms > NOW_MS + CLOCK_AHEAD_MS else Quality.GOOD
    newest = Counters(reading.time_ms, reading.total_import_wh, reading.total_export_wh)
    if before is None:
        return quality, newest
    if reading.time_ms < before.time_ms:
        return quality | Quality.OUT_OF_ORDER, before
    step_s = (reading.time_ms - before.time_ms) / 1_000
    if not step_s:
        quality |= Quality.TIME_REPEATED
    for new, old in ((newest.import_wh, before.import_wh), (newest.export_wh, before.export_wh)):
        if new is not None and old is not None:
            quality |= Quality.COUNTER_BACKWARDS if new < old else Quality.GOOD
            quality |= Quality.ENERGY_JUMP if new - old > step_s + 10 else Quality.GOOD
    return quality, newest


@given(
    readings=st.lists(st.tuples(READINGS, st.booleans()), max_size=8),
    before=st.none()
    | st.builds(Counters, st.integers(0, 70).map(lambda second: second * 1_000), WATT_HOURS, WATT_HOURS),
)
def test_a_batch_is_judged_as_its_readings_one_by_one(
    readings: list[tuple[Reading, bool]], before: Counters | None
) -> None:
    """Each kept reading is marked as the rule says of it and of those before it; a refused one counts for nothing."""
    batch = batch_of([reading for reading, _ in readings])
    rows = np.flatnonzero([kept for _, kept in readings])
    quality, newest = judge(batch, rows, before, NOW_MS, POWER_W_MAX)
    expected, known = [], before
    for reading, kept in readings:
        marks = Quality.GOOD
        if kept:
            marks, known = judged(reading, known)
        expected.append(int(marks))
    assert quality.tolist() == expected
    assert newest == known


def test_the_marks_by_example() -> None:
    """A reset counter, a late reading, a repeated time, a clock that runs ahead and a leap are each told apart."""
    readings = [
        Reading(1, 10_000, energy_import_wh=1_000),
        Reading(2, 20_000, energy_import_wh=1_005),
        Reading(3, 15_000, energy_import_wh=9),
        Reading(4, 20_000, energy_import_wh=1_006),
        Reading(5, 30_000, energy_import_wh=3),
        Reading(6, 40_000, energy_import_wh=24),
        Reading(7, 60_001, energy_import_wh=25),
    ]
    quality, newest = judge(batch_of(readings), np.arange(7), None, NOW_MS, POWER_W_MAX)
    assert [Quality(int(mark)) for mark in quality] == [
        Quality.GOOD,
        Quality.GOOD,
        Quality.OUT_OF_ORDER,
        Quality.TIME_REPEATED,
        Quality.COUNTER_BACKWARDS,
        Quality.ENERGY_JUMP,
        Quality.CLOCK_AHEAD,
    ]
    assert newest == Counters(60_001, 25, None)


def test_nothing_to_judge() -> None:
    """A batch of which nothing is kept leaves the meter's newest reading as it was."""
    before = Counters(5, 6, None)
    quality, newest = judge(batch_of([Reading(1, 0)]), np.arange(0), before, NOW_MS, POWER_W_MAX)
    assert (quality.tolist(), newest) == ([0], before)
