"""Every example runs as its README says."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*/run.sh"))


def test_there_are_examples() -> None:
    """The folder of examples is where this test looks for it."""
    assert EXAMPLES


@pytest.mark.timeout(240)
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.parent.name)
def test_example(script: Path) -> None:
    """It plays to its end: a recommendation in the inbox, and a log that verifies."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = subprocess.run(
        ["/bin/sh", str(script)],
        env={**os.environ, "EDGE": f"{sys.executable} -m edge", "PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6. Everyone checks the log." in done.stdout
    assert "\nok: " in done.stdout
