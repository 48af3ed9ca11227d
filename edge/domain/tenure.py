"""Tenures: which meters were a household's own, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.domain.meter import Meter

FOREVER_MS: Final = 2**62


@dataclass(frozen=True, slots=True)
class Tenure:
    """A time, from its start up to its end, throughout which the same meters were a household's own."""

    from_ms: int
    until_ms: int
    meters: tuple[Meter, ...]


def tenures(meters: Sequence[Meter]) -> list[Tenure]:
    """Returns the tenures of a household's meters, ascending; a time when it had none is in no tenure."""
    ends = {FOREVER_MS if meter.retired_ms is None else meter.retired_ms for meter in meters}
    seams = sorted({meter.enrolled_ms for meter in meters} | ends)
    found = [
        Tenure(from_ms, until_ms, tuple(meter for meter in meters if meter.is_own_at(from_ms)))
        for from_ms, until_ms in pairwise(seams)
    ]
    return [tenure for tenure in found if tenure.meters]
