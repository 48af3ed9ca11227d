from __future__ import annotations

from edge.domain.meter import Meter, MeterKind


def test_counts_until_retired() -> None:
    """A meter counts until it is retired, and what it had spooled before it was enrolled counts too."""
    meter = Meter("m1", "h1", MeterKind.ELECTRICITY, enrolled_ms=100)
    assert all(meter.counts_at(time_ms) for time_ms in (0, 100, 2**50))
    retired = Meter("m1", "h1", MeterKind.ELECTRICITY, enrolled_ms=100, retired_ms=200)
    assert [retired.counts_at(time_ms) for time_ms in (150, 199, 200, 300)] == [True, True, False, False]
