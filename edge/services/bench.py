"""Measures a module: what its evaluations use of their fuel, and how fast this machine evaluates them."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from edge.sandbox.evaluation import FaultCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.domain.recording import Matrix
    from edge.sandbox.evaluation import Evaluation, MeasuredEvaluation

PERCENTILES: Final = (("min", 0), ("p50", 50), ("p90", 90), ("p99", 99), ("max", 100))
RUNS: Final = 5
FUEL_ROWS_MAX: Final = 10_000
"""Whose fuel is measured one by one; a batch tells only what all used together."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What evaluating an input block several times showed.

    Attributes:
        fuel: of one evaluation, by the names of `PERCENTILES`; values that occurred, not means of two; over the first
            `FUEL_ROWS_MAX` households.
        faults: how many evaluations ended in each fault, by its name in lower case.
        outcomes: how many evaluations without a fault came to each.
        run_s: of each of the runs over all households, in batches as at an edge.
        one_by_one_us: of one evaluation in an instance of its own.
    """

    households: int
    fuel: dict[str, int]
    fuel_max: int
    faults: dict[str, int]
    outcomes: dict[int, int]
    run_s: tuple[float, ...]
    one_by_one_us: float

    @property
    def evaluation_us(self) -> float:
        """Of one evaluation, in the median run."""
        return statistics.median(self.run_s) / self.households * 1e6

    @property
    def households_per_s(self) -> float:
        """In the median run."""
        return self.households / statistics.median(self.run_s)

    @property
    def fuel_share(self) -> float:
        """What the dearest evaluation uses of the limit, 0 to 1."""
        return self.fuel["max"] / self.fuel_max


def bench(
    each: Callable[[Matrix], MeasuredEvaluation],
    together: Callable[[Matrix], Evaluation],
    inputs: Matrix,
    fuel_max: int,
    clock_s: Callable[[], float] = time.perf_counter,
) -> Bench:
    """Evaluates `inputs`, of which there is at least one row: one by one, then in batches, `RUNS` times.

    Args:
        each: the plain path, which measures each evaluation.
        together: what an edge does.
        inputs: a row a household.
        fuel_max: of one evaluation.
        clock_s: tells the time.

    Raises:
        SandboxError: the sandbox could not do its work.
    """
    begun_s = clock_s()
    fuel = each(inputs[:FUEL_ROWS_MAX]).fuel
    one_by_one_s = (clock_s() - begun_s) / len(fuel)
    evaluation = together(inputs)  # the first makes ready what the others find
    run_s = []
    for _ in range(RUNS):
        begun_s = clock_s()
        evaluation = together(inputs)
        run_s.append(clock_s() - begun_s)
    found = [np.percentile(fuel, at, method="closest_observation") for _, at in PERCENTILES]
    faults = Counter(FaultCode(code).name.lower() for code in evaluation.faults.tolist() if code)
    fine = evaluation.outcomes[evaluation.faults == FaultCode.NONE]
    return Bench(
        households=len(inputs),
        fuel={name: int(value) for (name, _), value in zip(PERCENTILES, found, strict=True)},
        fuel_max=fuel_max,
        faults=dict(sorted(faults.items())),
        outcomes=dict(sorted(Counter(fine.tolist()).items())),
        run_s=tuple(run_s),
        one_by_one_us=one_by_one_s * 1e6,
    )
