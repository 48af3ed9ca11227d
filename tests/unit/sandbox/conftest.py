from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from edge.sandbox.assemble import assemble
from edge.sandbox.guest import Guest
from edge.sandbox.sandbox import Sandbox
from edge.settings import SandboxLimits

LoadWat = Callable[..., Guest]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with little fuel, so that tests of endless loops are short."""
    with Sandbox(SandboxLimits(fuel_max=100_000)) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def load_wat(sandbox: Sandbox) -> LoadWat:
    """Loads a guest of 4 input samples at address 0 and 2 actions from the fields of its module."""

    def load(fields: str, limits: SandboxLimits | None = None) -> Guest:
        abi = '(memory (export "memory") 1) (func (export "edge_inputs") (result i32) i32.const 0)'
        compiled = sandbox.compile(assemble(f"(module {abi} {fields})", "test"))
        return sandbox.load(compiled, input_samples=4, actions=2, limits=limits)

    return load
