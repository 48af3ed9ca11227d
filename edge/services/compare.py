"""Compares what an evaluation came to with what it came to when it was evaluated again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.sandbox.evaluation import FaultCode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.domain.recording import Result


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is the same and what is not.

    Attributes:
        outcomes_differ: the evaluations, by their place, whose outcome is another.
        faults_differ: the same of the fault.
        wall_clock: how many were stopped by the wall clock, then or now. That is the machine's doing and says nothing
            about the module: they are not compared, and neither is fuel, of which only the sum is known.
    """

    evaluations: int
    outcomes_differ: tuple[int, ...]
    faults_differ: tuple[int, ...]
    wall_clock: int
    fuel_recorded: int
    fuel_replayed: int

    @property
    def fuel_same(self) -> bool | None:
        """Whether fuel is the same; None where it cannot be compared."""
        return None if self.wall_clock else self.fuel_recorded == self.fuel_replayed

    @property
    def same(self) -> bool:
        """Whether nothing that can be compared differs."""
        return not self.outcomes_differ and not self.faults_differ and self.fuel_same is not False


def compare(recorded: Result, replayed: Result) -> Comparison:
    """Returns how two evaluations of the same inputs compare; they have the same length."""
    stopped = (recorded.faults == FaultCode.WALL_CLOCK) | (replayed.faults == FaultCode.WALL_CLOCK)
    return Comparison(
        evaluations=len(recorded.outcomes),
        outcomes_differ=_places((recorded.outcomes != replayed.outcomes) & ~stopped),
        faults_differ=_places((recorded.faults != replayed.faults) & ~stopped),
        wall_clock=int(np.count_nonzero(stopped)),
        fuel_recorded=recorded.fuel_total,
        fuel_replayed=replayed.fuel_total,
    )


def _places(differ: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(differ).tolist())
