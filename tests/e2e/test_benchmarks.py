"""The benchmarks run, at a size that says nothing about speed, and answer with figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = {
    "evaluations": ["--households", "600"],
    "slot": ["--households", "20", "--triggers", "2", "--rounds", "1"],
    "ingest": ["--readings", "2000", "--baseline-readings", "20", "--runs", "1"],
    "streams": ["--meters", "10", "--seconds", "2"],
    "windows": ["--households", "4", "--step", "900", "--rounds", "1"],
    "storage": ["--households", "2", "--step", "900"],
}


def test_each_is_tried() -> None:
    """Every file in the folder is a benchmark that is tried here, or something that several of them use."""
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert files == {*SMALL, "street", "bench_site"}
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}.py`" in page for name in files)


@pytest.mark.parametrize("name", SMALL)
def test_answers_with_figures(name: str) -> None:
    """It ends well and prints one JSON object, last on standard output."""
    command = [sys.executable, f"benchmarks/{name}.py", "--json", *SMALL[name]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert json.loads(done.stdout.splitlines()[-1])
