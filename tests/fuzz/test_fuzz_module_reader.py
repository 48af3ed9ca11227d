"""A short run of the fuzzer. `CONTRIBUTING.md` has the command for a long one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subprocess import CompletedProcess

ROOT = Path(__file__).parents[2]
RUNS = 10_000


def fuzz(folder: Path, *arguments: str) -> CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzz.fuzz_module_reader", f"-artifact_prefix={folder}/", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_ten_thousand_runs(tmp_path: Path) -> None:
    """No input of so many, grown from hostile samples and examples, breaks a claim of the fuzz target."""
    done = fuzz(tmp_path, "-seed=1", f"-runs={RUNS}", "-print_new=0")
    assert done.returncode == 0, done.stderr[-3_000:]
    assert f"Done {RUNS} runs" in done.stderr
    assert list(tmp_path.iterdir()) == []
