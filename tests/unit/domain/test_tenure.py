"""Which meters were a household's own, and when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.domain.meter import Meter, MeterKind
from edge.domain.tenure import FOREVER_MS, tenures

TIMES = st.integers(0, 30)


@st.composite
def some_meters(draw: st.DrawFn) -> list[Meter]:
    """Meters of one household that come and go within a few instants, and often at the same one."""
    return [
        Meter(f"m{place}", "h1", MeterKind.ELECTRICITY, enrolled, None if ever else enrolled + lasted)
        for place, (enrolled, lasted, ever) in enumerate(
            draw(st.lists(st.tuples(TIMES, TIMES, st.booleans()), max_size=4))
        )
    ]


@given(some_meters(), st.integers(0, 70))
def test_an_instant_is_in_the_tenure_of_just_its_meters(meters: list[Meter], time_ms: int) -> None:
    """At every instant the one tenure that it is in has exactly the meters that were the household's own then."""
    own = tuple(meter for meter in meters if meter.is_own_at(time_ms))
    found = [tenure.meters for tenure in tenures(meters) if tenure.from_ms <= time_ms < tenure.until_ms]
    assert found == ([own] if own else [])


def test_own_from_enrolment_until_retirement() -> None:
    """A meter is its household's own from the instant it was enrolled up to, not including, that it was retired."""
    meter = Meter("m1", "h1", MeterKind.ELECTRICITY, 100, 200)
    assert [meter.is_own_at(time_ms) for time_ms in (99, 100, 199, 200)] == [False, True, True, False]
    assert tenures([Meter("m1", "h1", MeterKind.ELECTRICITY, 100)])[0].until_ms == FOREVER_MS
