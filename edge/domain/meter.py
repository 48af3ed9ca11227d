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
    """A meter that the operator has enrolled."""

    meter_id: str
    household_id: str
    kind: MeterKind
    enrolled_ms: int
