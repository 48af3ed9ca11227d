"""A day as people live it: from midnight to midnight where they are, 23, 24 or 25 hours long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

# Every offset in the IANA database is a whole number of these today.
_QUARTER_MS = 900_000


@dataclass(frozen=True, slots=True)
class LocalDay:
    """A day in one time zone.

    Attributes:
        start_ms: its midnight, unix ms UTC.

    Raises:
        ValueError: `start_ms` is not a midnight there.
    """

    start_ms: int
    timezone: ZoneInfo

    def __post_init__(self) -> None:
        if self._local(self.start_ms).time() != time():
            raise ValueError(f"{self.start_ms} is not midnight in {self.timezone}")

    @classmethod
    def containing(cls, time_ms: int, timezone: ZoneInfo) -> LocalDay:
        """Returns the day in which an instant lies there, unix ms UTC."""
        when = datetime.fromtimestamp(time_ms / 1000, timezone).date()
        return cls(int(datetime.combine(when, time(), timezone).timestamp()) * 1000, timezone)

    @property
    def date(self) -> date:
        """Its date there."""
        return self._local(self.start_ms).date()

    @property
    def minutes(self) -> int:
        """How long it is: 1380, 1440 or 1500 minutes."""
        midnight = datetime.combine(self.date + timedelta(days=1), time(), self.timezone)
        return (int(midnight.timestamp()) - self.start_ms // 1000) // 60

    def local_hour(self) -> NDArray[np.float64]:
        """Returns what the clock on the wall shows at each minute of the day, hours from 0 to 24."""
        quarters = (self._local(self.start_ms + index * _QUARTER_MS) for index in range(self.minutes // 15))
        starts = np.array([quarter.hour + quarter.minute / 60 for quarter in quarters])
        return (starts[:, np.newaxis] + np.arange(15) / 60).ravel()

    def _local(self, time_ms: int) -> datetime:
        return datetime.fromtimestamp(time_ms / 1000, self.timezone)
