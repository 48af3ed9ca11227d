"""`edge` with a clock that runs ahead of the machine's by as many seconds as a file says."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from edge.cli.main import main

_machine_ns = time.time_ns
_shift_s = Path(sys.argv[1])


def _shifted_ns() -> int:
    return _machine_ns() + int(_shift_s.read_text()) * 1_000_000_000


time.time_ns = _shifted_ns
time.time = lambda: _shifted_ns() / 1e9
main(sys.argv[2:])
