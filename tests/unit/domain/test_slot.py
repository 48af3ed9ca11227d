from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.domain.slot import DAY_MS, day_of, slot_at_or_before, slots_between

TIMES_MS = st.integers(0, 2**43)
# What a manifest can say: whole minutes that divide a day.
PERIODS_S = st.sampled_from([minutes * 60 for minutes in range(1, 1441) if 1440 % minutes == 0])


@given(time_ms=TIMES_MS, every_s=PERIODS_S)
def test_slot_is_newest_aligned(time_ms: int, every_s: int) -> None:
    """The slot found is aligned, not after the time, and the next one is after it."""
    slot_ms = slot_at_or_before(time_ms, every_s)
    assert slot_ms % (every_s * 1000) == 0
    assert slot_ms <= time_ms < slot_ms + every_s * 1000


@given(start_ms=TIMES_MS, steps_ms=st.lists(st.integers(0, 2 * DAY_MS), max_size=5), every_s=PERIODS_S)
def test_no_slot_lost_or_repeated(start_ms: int, steps_ms: list[int], every_s: int) -> None:
    """However time is cut into pieces, their slots are together those of the whole, each once."""
    every_s = max(every_s, 900)
    found: list[int] = []
    time_ms = start_ms
    for step_ms in steps_ms:
        found += slots_between(time_ms, time_ms + step_ms, every_s)
        time_ms += step_ms
    assert found == list(slots_between(start_ms, time_ms, every_s))
    assert found == [slot for slot in found if start_ms < slot <= time_ms and slot % (every_s * 1000) == 0]


def test_both_ends() -> None:
    """A slot at the end counts, one at the beginning was counted before."""
    assert list(slots_between(0, 1_800_000, 900)) == [900_000, 1_800_000]
    assert list(slots_between(900_000, 1_799_999, 900)) == []
    assert list(slots_between(900_001, 900_001, 900)) == []


@given(day=st.integers(0, 60_000), every_s=PERIODS_S)
def test_every_day_has_the_same_slots(day: int, every_s: int) -> None:
    """Each UTC day has as many slots as the leak bound reckons with, whatever the local clock does."""
    slots = slots_between(day * DAY_MS - 1, (day + 1) * DAY_MS - 1, every_s)
    assert len(slots) == 86_400 // every_s
    assert {day_of(slots[0]), day_of(slots[-1])} == {day}
