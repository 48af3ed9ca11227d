from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.services.rate import Bucket, RateLimit


def test_a_burst_passes_and_the_rest_waits() -> None:
    """What fits into the burst does not wait; beyond it each waits until the rate has made up for it."""
    bucket = Bucket(per_s=10, burst=20)
    assert [bucket.take(10, 0.0), bucket.take(10, 0.0), bucket.take(5, 0.0)] == [0, 0, 0.5]
    assert bucket.take(5, 1.0) == 0
    assert bucket.take(1, 1.0) == 0.1


@given(takes=st.lists(st.tuples(st.integers(0, 50), st.floats(0, 5)), max_size=30))
def test_no_more_than_burst_and_rate(takes: list[tuple[int, float]]) -> None:
    """Whoever waits as told takes, over any time from the start, no more than the burst and what the rate gives."""
    bucket, now_s, taken = Bucket(per_s=10, burst=20), 0.0, 0
    for amount, pause_s in takes:
        now_s += pause_s
        now_s += bucket.take(amount, now_s)
        taken += amount
        assert taken <= 20 + 10 * now_s + 1e-6


async def test_meters_at_rest_are_forgotten() -> None:
    """What is remembered of meters that have all their room again does not pile up."""
    limit = RateLimit(1_000_000, 10, 1_000_000, 10_000)
    for number in range(1_000):
        await limit.pass_by(f"m{number}", 1)
    assert len(limit._meters) < 100
