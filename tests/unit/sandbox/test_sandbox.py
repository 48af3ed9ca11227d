from __future__ import annotations

import threading

import numpy as np
import pytest

from edge.errors import SandboxError
from edge.sandbox.assemble import assemble
from edge.sandbox.sandbox import Sandbox
from edge.settings import SandboxLimits

ONE = assemble(
    """
    (module
      (memory (export "memory") 1)
      (func (export "edge_inputs") (result i32) i32.const 0)
      (func (export "evaluate") (result i32) i32.const 1))
    """,
    "one",
)


def test_from_binary_to_outcomes() -> None:
    """A module is compiled, loaded and evaluated through the sandbox alone."""
    with Sandbox() as sandbox:
        guest = sandbox.load(sandbox.compile(ONE), input_samples=2, actions=1)
        assert guest.evaluate(np.zeros((3, 2))).outcomes.tolist() == [1, 1, 1]


def test_one_sandbox_loads_what_another_compiled() -> None:
    """A compiled module can be kept: a later sandbox of the same limits loads it."""
    with Sandbox() as first:
        compiled = first.compile(ONE)
    with Sandbox() as second:
        assert second.load(compiled, input_samples=1, actions=1).evaluate(np.zeros((1, 1))).outcomes.tolist() == [1]


def test_an_approval_may_name_less_fuel() -> None:
    """A guest can be given lower limits than the sandbox's."""
    with Sandbox() as sandbox:
        guest = sandbox.load(sandbox.compile(ONE), input_samples=1, actions=1, limits=SandboxLimits(fuel_max=1_000))
        assert guest.limits.fuel_max == 1_000


def test_close_leaves_nothing_running() -> None:
    """Once closed, its thread is gone and it loads nothing; closing again changes nothing."""
    before = threading.active_count()
    sandbox = Sandbox()
    assert threading.active_count() == before + 1
    compiled = sandbox.compile(ONE)
    sandbox.close()
    sandbox.close()
    assert threading.active_count() == before
    with pytest.raises(SandboxError, match="closed"):
        sandbox.load(compiled, input_samples=1, actions=1)
