from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.sandbox.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.sandbox.guest import Guest


@pytest.mark.parametrize(
    "state",
    ["", "(table 900 funcref)", "(global (mut i32) (i32.const 0)) (global (mut v128) (v128.const i64x2 0 0))",
     '(data (i32.const 100) "abc") (data (i32.const 60000) "abc")'],
    ids=["memory", "table", "globals", "data"],
)  # fmt: skip
@pytest.mark.parametrize("households", [1, 2, 50, 1_000])
def test_a_guest_pays_for_itself_alone(load_wat: Callable[..., Guest], state: str, households: int) -> None:
    """Whatever has to be put back for each household, the fuel of a batch is that of its evaluations and no more."""
    guest = load_wat(f'{state} (func (export "evaluate") (result i32) i32.const 1)')
    assert Batch(guest).evaluate(np.zeros((households, 4))).fuel_total == 2 * households
