"""What the edge knows of the time besides its clock: instants that have certainly been."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import ClockError

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.store.store import Tables

_STEP_BACK_MS = 5_000
"""By so much a clock that is being set right may step back."""


class TimeWitness:
    """Remembers the newest instant that the edge's clock has shown.

    A clock that shows less is wrong, or was wrong then: which of the two, nobody here can say. So while it does, the
    edge goes by it, but takes no decision that could not be taken back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._newest_ms = 0

    def note(self, time_ms: int) -> None:
        """Notes that the clock has shown `time_ms`."""
        self._newest_ms = max(self._newest_ms, time_ms)

    def note_stored(self, tables: Tables) -> None:
        """Notes what the state says."""
        for meter in tables.meters.all():
            self.note(meter.enrolled_ms)
        self.note(tables.evaluations.newest_ran_ms())

    def doubt(self) -> ClockError | None:
        """Returns why the clock cannot be believed, or None if it shows no less than it once did."""
        behind_ms = self._newest_ms - self._clock.now_ms()
        if behind_ms <= _STEP_BACK_MS:
            return None
        return ClockError(f"The edge's clock is {behind_ms / 1000:.0f} s behind a time that it showed before.")
