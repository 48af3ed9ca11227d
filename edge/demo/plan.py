"""What is played: how many households, which day, how fast."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from edge.domain.slot import DAY_MS

SLOT_MS = 900_000
STEP_S = 60
"""Seconds of simulated time between two readings of a meter."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One showing.

    Attributes:
        speed: simulated seconds in one real second; the machine may take longer.
        day: the simulated local day; in summer there is solar power to advise about.
        duration_s: real seconds that the showing is to take.
    """

    households: int
    duration_s: float
    speed: float
    seed: int = 1
    day: date = date(2026, 6, 19)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Amsterdam"))

    @property
    def day_start_ms(self) -> int:
        """Local midnight, unix ms UTC."""
        return int(datetime(self.day.year, self.day.month, self.day.day, tzinfo=self.timezone).timestamp() * 1000)

    @property
    def slots(self) -> int:
        """How many quarter-hours are played."""
        day_ms = self._day_end_ms - self.day_start_ms
        return max(1, min(int(self.duration_s * self.speed * 1000), day_ms) // SLOT_MS)

    @property
    def start_ms(self) -> int:
        """When the showing begins: at midnight, or so that a shorter one has noon in its middle."""
        day_ms = self._day_end_ms - self.day_start_ms
        if self.slots * SLOT_MS >= day_ms:
            return self.day_start_ms
        begin = self.day_start_ms + day_ms * 13 // 24 - self.slots * SLOT_MS // 2
        begin = max(self.day_start_ms, min(begin, self._day_end_ms - self.slots * SLOT_MS))
        return begin - begin % SLOT_MS

    @property
    def slot_real_s(self) -> float:
        """Real seconds for one quarter-hour."""
        return SLOT_MS / 1000 / self.speed

    @property
    def _day_end_ms(self) -> int:
        following = self.day + timedelta(days=1)
        midnight = datetime(following.year, following.month, following.day, tzinfo=self.timezone)
        return int(midnight.timestamp() * 1000)


def plan_of(households: int, duration_s: float | None, speed: float | None) -> Plan:
    """Returns the plan for what was asked; a whole day where duration or speed is left open."""
    if duration_s is None:
        duration_s = DAY_MS / 1000 / speed if speed else 45.0
    return Plan(households, duration_s, speed or DAY_MS / 1000 / duration_s)
