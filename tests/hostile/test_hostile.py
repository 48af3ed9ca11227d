"""Every sample in this folder is refused or contained exactly as its first line says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.sandbox.admission import examine
from edge.sandbox.assemble import assemble
from edge.sandbox.compile import ModuleCompileError
from edge.sandbox.guest import FaultCode, Guest
from edge.sandbox.sandbox import Sandbox
from edge.settings import SandboxLimits

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
LIMITS = SandboxLimits(fuel_max=1_000_000)
ACTIONS = 2
ROWS = np.array([[1.0, 2.0, 3.0, 4.0], [np.nan] * 4, [-1.0, np.inf, 1e300, 5e-324]])
DIRECTIVE = re.compile(r"^;; (\w+): (.+)$", re.MULTILINE)

WELL_BEHAVED = """
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (f64.gt (f64.load (i32.const 0)) (f64.const 0))))
"""


@dataclass(frozen=True)
class Sample:
    """A hostile module and what its comments claim about it."""

    name: str
    wasm: bytes
    verdict: str
    outcome: int

    @classmethod
    def read(cls, path: Path) -> Sample:
        """Returns the sample in a file, with what its comments say."""
        wat = path.read_text()
        claims = dict(DIRECTIVE.findall(wat))
        assert claims["proves"], f"{path.name} does not say what it proves"
        return cls(path.stem, assemble(wat, path.name), claims["verdict"], int(claims.get("outcome", 0)))


SAMPLES = [Sample.read(path) for path in sorted(FOLDER.glob("*.wat"))]
REFUSED = [sample for sample in SAMPLES if sample.verdict.startswith("refused at ")]
CONTAINED = [sample for sample in SAMPLES if sample.verdict.startswith("contained ")]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(LIMITS) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def well_behaved(sandbox: Sandbox) -> Guest:
    compiled = sandbox.compile(assemble(WELL_BEHAVED, "well behaved"))
    return sandbox.load(compiled, input_samples=4, actions=ACTIONS)


def test_every_sample_has_a_verdict() -> None:
    """No sample is passed over because its first line is misspelt."""
    assert len(REFUSED) + len(CONTAINED) == len(SAMPLES) > 0


@pytest.mark.parametrize("sample", REFUSED, ids=lambda sample: sample.name)
def test_refused_where_and_why_it_says(sample: Sample, sandbox: Sandbox) -> None:
    """The check that the sample names refuses it for that reason and for no other; what it says is safe to show."""
    check, reason = sample.verdict.removeprefix("refused at ").split()
    findings = examine(sample.wasm, LIMITS).findings
    if check == "compile":
        assert findings == ()
        with pytest.raises(ModuleCompileError) as refusal:
            sandbox.compile(sample.wasm)
        assert refusal.value.reason == reason
        assert str(refusal.value).isprintable()
        return
    assert {(finding.check, finding.reason) for finding in findings} == {(check, reason)}
    assert all(f"{finding.message}{finding.advice}".isprintable() for finding in findings)


@pytest.mark.parametrize("sample", CONTAINED, ids=lambda sample: sample.name)
def test_contained_as_it_says(sample: Sample, sandbox: Sandbox, well_behaved: Guest) -> None:
    """It is admitted, gives each household the fault or outcome it names, every time, and harms no other guest."""
    assert examine(sample.wasm, LIMITS).findings == ()
    guest = sandbox.load(sandbox.compile(sample.wasm), input_samples=4, actions=ACTIONS)
    fault = FaultCode[sample.verdict.removeprefix("contained ")]

    first, second = guest.evaluate(ROWS), guest.evaluate(ROWS)

    assert first.faults.tolist() == second.faults.tolist() == [fault] * len(ROWS)
    assert first.outcomes.tolist() == second.outcomes.tolist() == [sample.outcome] * len(ROWS)
    assert first.fuel.tolist() == second.fuel.tolist()
    assert first.fuel.max() <= LIMITS.fuel_max
    assert well_behaved.evaluate(ROWS).outcomes.tolist() == [1, 0, 0]
