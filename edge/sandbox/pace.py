"""How many households the next batch of a guest takes, and how much fuel: learnt from the batches before.

None of it changes an outcome. It only decides how often a batch has to be run again.
"""

from __future__ import annotations

from typing import Final

_ROWS_AT_FIRST: Final = 64
_ROWS_AFTER_SUSPECT: Final = 16
"""A household that runs on uses up what was meant to put back the memory for all after it: then fewer are better."""
_HEADROOM: Final = 4
"""A batch gets so many times the fuel that its households are expected to use, for they differ."""
_FUEL_LEAST: Final = 100_000
"""Of a batch, unless an evaluation may use less: about a tenth of a millisecond."""


class Pace:
    """The pace of one guest's batches."""

    def __init__(self, fuel_max: int) -> None:
        self._fuel_max = fuel_max
        self._rows = _ROWS_AT_FIRST
        self._mean_fuel: int | None = None
        self._until_suspect: int | None = None

    @property
    def is_at_suspect(self) -> bool:
        """Whether fuel ran out at the next household before."""
        return self._until_suspect == 0

    def rows(self, rows_max: int) -> int:
        """Returns how many households to take, at most `rows_max`."""
        return min(self._rows, rows_max, self._until_suspect or rows_max)

    def fuel(self, rows: int) -> int:
        """Returns what so many may use together: never more than one of them may."""
        if self._mean_fuel is None:
            return self._fuel_max
        return min(self._fuel_max, max(_FUEL_LEAST, _HEADROOM * rows * self._mean_fuel))

    def completed(self, rows: int, fuel: int, *, asked: int) -> None:
        """Notes that the first `rows` of the `asked` completed, and what they used together."""
        if rows:
            self._mean_fuel = max(1, fuel // rows)
            self._rows = max(1, min(2 * max(self._rows, rows), self._fuel_max // (_HEADROOM * self._mean_fuel)))
        if rows < asked:
            self._rows = max(1, rows)
        if self._until_suspect is not None:
            self._until_suspect -= rows

    def ran_out_of_fuel(self, rows: int) -> None:
        """Notes that fuel ran out at the household after the first `rows`.

        Those may have used some of the driver's fuel too, so that they need more than one batch.
        """
        self._until_suspect = rows
        self._rows = max(1, rows // 2)

    def ran_out_of_time(self, rows: int) -> None:
        """Notes that time ran out at the household after the first `rows`; it may be any of them that took it."""
        self._rows = max(1, rows // 2)
        if rows == 0:
            self._until_suspect = 0

    def suspect_evaluated(self) -> None:
        """Notes that the household at which fuel ran out has been evaluated by itself."""
        self._until_suspect = None
        self._rows = min(self._rows, _ROWS_AFTER_SUSPECT)
