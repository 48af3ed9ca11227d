"""Tries hostile samples, each in a process of its own, and measures what each costs.

Reads the name of a sample from each line of stdin and answers each with a line of JSON. For every sample it forks, once
all is imported, so that a trial begins with clocks at zero and no memory of another's.

CPU time, not the time of day: what else the machine does counts for little. It is that of the process and of the
compiling child together. Memory is what the process grew by at its largest, and the compiling child's beyond what it
takes to compile a module of nothing.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.sandbox.admission import examine
from edge.sandbox.assemble import assemble
from edge.sandbox.batch import Batch
from edge.sandbox.compile import CompiledModule, Compiler
from edge.sandbox.evaluation import FaultCode
from edge.sandbox.sandbox import Sandbox
from edge.services.examine import Examination
from edge.settings import SandboxLimits
from tests.hostile.sample import FOLDER, Sample

if TYPE_CHECKING:
    from edge.sandbox.guest import Guest

ACTIONS = 2
ROWS = np.array([[1.0, 2.0, 3.0, 4.0], [np.nan] * 4, [-1.0, np.inf, 1e300, 5e-324]])
_STATUS = Path("/proc/self/status")
_WELL_BEHAVED = """
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (f64.gt (f64.load (i32.const 0)) (f64.const 0))))
"""


def main() -> None:
    """Answers until stdin ends."""
    well_behaved = Compiler(SandboxLimits()).compile(assemble(_WELL_BEHAVED, "well behaved"))
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            print(json.dumps(_try(line.strip(), well_behaved)), flush=True)  # noqa: T201 - its only way to answer
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if status != 0:
            print(json.dumps({"died_of": status}), flush=True)  # noqa: T201


def _try(name: str, well_behaved: CompiledModule) -> dict[str, Any]:
    sample = Sample.read(FOLDER / f"{name}.wat")
    wasm = sample.module()
    with Sandbox(sample.limits) as sandbox:
        neighbour = sandbox.load(well_behaved, input_samples=4, actions=ACTIONS)
        before = _Cost()
        if sample.refused:
            report, _ = Examination(sandbox, sample.limits).examine(wasm, None)
            return {"findings": [vars_of(finding) for finding in report.findings], **before.since(0)}
        findings = examine(wasm, sample.limits).findings
        compiled = sandbox.compile(wasm)
        guest = sandbox.load(compiled, input_samples=4, actions=ACTIONS)
        guest.evaluate(ROWS[:1])
        costs = before.since(compiled.peak_memory_bytes - well_behaved.peak_memory_bytes)
        return {"findings": [vars_of(finding) for finding in findings], **costs, **_evaluate(guest, neighbour)}


def vars_of(finding: Any) -> dict[str, str]:
    """Returns a finding as plain text."""
    return {name: getattr(finding, name) for name in ("check", "reason", "message", "advice")}


def _evaluate(guest: Guest, neighbour: Guest) -> dict[str, Any]:
    first, second = guest.evaluate(ROWS), guest.evaluate(ROWS)
    batch = Batch(guest)
    batched = batch.evaluate(ROWS), batch.evaluate(ROWS)
    return {
        "faults": [[FaultCode(code).name for code in run.faults] for run in (first, second, *batched)],
        "outcomes": [run.outcomes.tolist() for run in (first, second, *batched)],
        "fuel": [run.fuel.tolist() for run in (first, second)],
        "fuel_total": [run.fuel_total for run in (first, second, *batched)],
        "neighbour": neighbour.evaluate(ROWS).outcomes.tolist(),
    }


class _Cost:
    """What this process has used so far."""

    def __init__(self) -> None:
        self.peak_bytes = _peak_bytes()
        self.cpu_s = _cpu_s()

    def since(self, compiler_bytes: int) -> dict[str, float]:
        """Returns what has been used since, the compiling child's memory included."""
        peak_bytes = _peak_bytes()
        # Of a child that was ended there is no other figure. Linux lets it begin with the peak of its parent.
        children_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 - peak_bytes
        memory_bytes = peak_bytes - self.peak_bytes + max(0, compiler_bytes, children_bytes)
        return {"cpu_s": _cpu_s() - self.cpu_s, "memory_bytes": memory_bytes}


def _cpu_s() -> float:
    usages = (resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_bytes() -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
