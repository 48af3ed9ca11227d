"""Tries a guest on generated inputs before an operator is asked to approve it.

It proves nothing about a module: a function of 64-bit floats has more inputs than can be tried. It shows the operator
what the module does on the inputs that programs most often get wrong, and on ordinary ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from edge.sandbox.evaluation import FaultCode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.sandbox.guest import Guest

ROWS: Final = 64


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a guest did on generated inputs. It follows from the guest and the seed alone.

    Attributes:
        evaluations: how many were tried.
        fuel_worst: most fuel one of them used.
        outcomes_seen: distinct outcomes of those without a fault, ascending.
        faults: how many ended in a fault.
        faults_seen: distinct reasons of those, ascending.
    """

    evaluations: int
    fuel_worst: int
    outcomes_seen: tuple[int, ...]
    faults: int
    faults_seen: tuple[FaultCode, ...]


def dry_run(guest: Guest, *, seed: int) -> DryRun:
    """Returns what the guest does on `generate_inputs` of this seed.

    Args:
        guest: any.
        seed: of the generator of typical loads.

    Raises:
        SandboxError: if the sandbox itself fails.
    """
    evaluation = guest.evaluate(generate_inputs(guest.input_samples, seed=seed))
    fine = evaluation.faults == FaultCode.NONE
    return DryRun(
        evaluations=len(evaluation.outcomes),
        fuel_worst=int(evaluation.fuel.max()),
        outcomes_seen=tuple(np.unique(evaluation.outcomes[fine]).tolist()),
        faults=int(np.count_nonzero(~fine)),
        faults_seen=tuple(FaultCode(code) for code in np.unique(evaluation.faults[~fine])),
    )


def generate_inputs(samples: int, *, seed: int, rows: int = ROWS) -> NDArray[np.float64]:
    """Returns `rows` rows of `samples`: first the edge cases of floats and windows, then loads as of households."""
    edge_cases = _edge_cases(samples)[:rows]
    loads = _typical_loads(np.random.default_rng(seed), rows - len(edge_cases), samples)
    return np.concatenate([edge_cases, loads])


def _edge_cases(samples: int) -> NDArray[np.float64]:
    limits = np.finfo(np.float64)
    constants = [0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, limits.max, limits.min, limits.smallest_subnormal]
    # Where conversions to integers trap or lose digits.
    constants += [2.0**31 - 1, 2.0**31, -(2.0**31) - 1, 2.0**53 + 2, 2.0**63, 2.0**64]
    position = np.arange(samples)
    ramp = position * (10_000.0 / samples)
    rows = [np.full(samples, constant) for constant in constants]
    rows += [ramp, ramp[::-1], -ramp, np.where(position % 2 == 0, 10_000.0, -10_000.0)]
    # Nothing measured yet, nothing measured lately, every second reading lost, one left.
    gaps = [position < samples / 2, position >= samples / 2, position % 2 == 0, position != samples - 1]
    rows += [np.where(gap, np.nan, 500.0) for gap in gaps]
    return np.stack(rows)


def _typical_loads(random: np.random.Generator, rows: int, samples: int) -> NDArray[np.float64]:
    """Returns powers in W: a base load, appliances that switch on for a while, and in every other row lost readings."""
    base_w = random.uniform(50, 400, size=(rows, 1))
    appliance_w = random.choice([0.0, 800.0, 2000.0, 3700.0, 11_000.0], size=(rows, 1))
    phase = random.uniform(0, 1, size=(rows, 1)) + np.arange(samples) / samples
    loads_w = base_w + appliance_w * (phase % 1 < 0.3) + random.gamma(2.0, 40.0, size=(rows, samples))
    is_lost = random.random((rows, samples)) < 0.05
    is_lost[::2] = False
    return np.where(is_lost, np.nan, np.round(loads_w))
