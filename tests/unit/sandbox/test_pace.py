from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.sandbox.pace import Pace


@given(fuel_max=st.integers(1, 10**9), mean=st.integers(1, 10**9), rows=st.integers(1, 1_000))
def test_a_batch_never_gets_more_than_one_evaluation_may_use(fuel_max: int, mean: int, rows: int) -> None:
    """That is what makes a completed batch proof that none of its households used more."""
    pace = Pace(fuel_max)
    assert pace.fuel(rows) <= fuel_max
    pace.completed(rows, mean * rows, asked=rows)
    assert 1 <= pace.fuel(rows) <= fuel_max


def test_batches_become_as_long_as_the_fuel_lets_them() -> None:
    """Households that use little are taken by the thousand, those that use much one by one."""
    frugal, costly = Pace(1_000_000), Pace(1_000_000)
    for _ in range(10):
        frugal.completed(frugal.rows(1_000), 100 * frugal.rows(1_000), asked=frugal.rows(1_000))
        costly.completed(costly.rows(1_000), 900_000 * costly.rows(1_000), asked=costly.rows(1_000))
    assert frugal.rows(1_000) == 1_000
    assert costly.rows(1_000) == 1


@given(progress=st.lists(st.integers(0, 1_000), max_size=60))
def test_it_always_comes_to_the_suspect(progress: list[int]) -> None:
    """However often fuel or time runs out, each try is shorter, until the next household is evaluated alone."""
    pace, left = Pace(1_000), 1_000
    for number, wish in enumerate(progress):
        if pace.is_at_suspect:
            break
        asked = pace.rows(left)
        assert asked >= 1
        done = min(wish, asked - 1)
        (pace.ran_out_of_fuel if number % 3 else pace.ran_out_of_time)(done)
        assert pace.rows(left) <= max(1, asked - 1)
    else:
        return
    pace.suspect_evaluated()
    assert not pace.is_at_suspect
    assert pace.rows(left) >= 1
