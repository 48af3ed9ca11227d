from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.sandbox.dry_run import ROWS, dry_run, generate_inputs
from edge.sandbox.evaluation import FaultCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.sandbox.guest import Guest

# Traps at NaN and at what does not fit an integer; otherwise 1 above 1 kW.
TRAPPING = """
  (func (export "evaluate") (result i32)
    (i32.gt_s (i32.trunc_f64_s (f64.load (i32.const 24))) (i32.const 1000)))
"""


@given(samples=st.integers(1, 200), seed=st.integers(0, 2**32 - 1))
def test_inputs_follow_from_the_seed(samples: int, seed: int) -> None:
    """The same seed gives the same bits, in as many rows and samples as promised."""
    inputs = generate_inputs(samples, seed=seed)
    assert inputs.shape == (ROWS, samples)
    assert inputs.dtype == np.float64
    assert inputs.tobytes() == generate_inputs(samples, seed=seed).tobytes()


def test_inputs_have_what_goes_wrong() -> None:
    """Among the rows are all zeros, all NaN, both infinities, both extremes, partly NaN, and typical loads."""
    inputs = generate_inputs(96, seed=1)
    limits = np.finfo(np.float64)
    for value in (0.0, np.inf, -np.inf, limits.max, limits.min):
        assert (inputs == value).all(axis=1).any()
    lost = np.isnan(inputs)
    assert lost.all(axis=1).any()
    assert (lost.any(axis=1) & ~lost.all(axis=1)).sum() > 4
    loads = np.nan_to_num(inputs[-30:])
    assert loads.min() >= 0
    assert 500 < loads.max() < 20_000


def test_report(load_wat: Callable[..., Guest]) -> None:
    """The report counts evaluations and faults and names what was seen; the same seed gives an equal one."""
    guest = load_wat(TRAPPING)
    report = dry_run(guest, seed=3)
    assert report.evaluations == ROWS
    assert report.outcomes_seen == (0, 1)
    assert 5 < report.faults < ROWS
    assert report.faults_seen == (FaultCode.TRAP,)
    assert report.fuel_worst > 0
    assert report == dry_run(guest, seed=3)
    assert report != dry_run(load_wat('(func (export "evaluate") (result i32) i32.const 2)'), seed=3)


def test_worst_fuel_is_the_worst(load_wat: Callable[..., Guest]) -> None:
    """A guest that spends the whole limit on one kind of input is reported as spending it."""
    spin = "(if (f64.eq (f64.load (i32.const 0)) (f64.const inf)) (then (loop br 0)))"
    report = dry_run(load_wat(f'(func (export "evaluate") (result i32) {spin} i32.const 0)'), seed=0)
    assert report.fuel_worst == 100_000
    assert report.faults == 1
    assert report.faults_seen == (FaultCode.FUEL,)
