"""A meter and whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MeterKind(StrEnum):
    """What a meter counts in."""

    ELECTRICITY = "electricity"
    """A household's power and energy."""
    SUB = "sub"
    """Part of what an electricity meter counts already; never added to it."""
    GAS = "gas"


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter that the operator has enrolled.

    Attributes:
        retired_ms: since when it does not count any more; None while it does.
    """

    meter_id: str
    household_id: str
    kind: MeterKind
    enrolled_ms: int
    retired_ms: int | None = None

    def counts_at(self, time_ms: int) -> bool:
        """Whether its readings up to then count, for it was not retired yet."""
        return self.retired_ms is None or time_ms < self.retired_ms

    def is_own_at(self, time_ms: int) -> bool:
        """Whether it was its household's own then: the time before may have been somebody else's."""
        return self.enrolled_ms <= time_ms and self.counts_at(time_ms)
