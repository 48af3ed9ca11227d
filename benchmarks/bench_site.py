"""An edge in a process of its own, for benchmarks to talk to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.services.identities import Register
from edge.services.provision import EdgePlan, provision
from edge.settings import FILE_NAME, Settings, to_toml
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient
from edge_sdk.wire.v1.operator_pb2 import METER_KIND_ELECTRICITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Any

_START_S_MAX = 60.0
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Site:
    """A running edge.

    Attributes:
        readings: the folder of its day files.
    """

    pid: int
    readings: Path
    register: Register
    address: str

    def identity(self, role: Role, name: str) -> Identity:
        """Returns an identity, issued now."""
        identity, _ = self.register.issue(role, name, self.address, _now_ms(), 30)
        return identity

    async def enrol(self, meters: Sequence[str]) -> None:
        """Enrols meters, each for a household of its own."""
        async with OperatorClient(self.identity(Role.OPERATOR, "bench")) as operator:
            for meter in meters:
                await operator.enrol_meter(meter, f"h-{meter}", METER_KIND_ELECTRICITY)

    def cpu_s(self) -> float:
        """Returns the processor seconds that the edge has used."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:  # noqa: PTH123 - not a path of anybody's
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS

    def rss_bytes(self, name: str = "VmRSS") -> int:
        """Returns the edge's resident memory; `VmHWM` is the most that it ever was."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:  # noqa: PTH123 - the same
            line = next(line for line in file if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024

    def disk_bytes(self) -> int:
        """Returns the size of the readings' files, their logs included."""
        return sum(file.stat().st_size for file in self.readings.iterdir())


@contextmanager
def running(folder: Path, **sections: dict[str, Any]) -> Iterator[Site]:
    """Sets up an edge in `folder`, runs it with the settings of `sections`, and stops it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    plan = EdgePlan("bench", ("127.0.0.1",), port, "Europe/Amsterdam")
    made = provision(folder, plan, _now_ms())
    table = made.settings.model_dump(mode="json")
    for name, values in {"metrics": {"enabled": False}, "log": {"level": "warning"}, **sections}.items():
        table[name] |= values
    (made.edge_folder / FILE_NAME).write_text(to_toml(Settings.model_validate(table)))
    command = [sys.executable, "-m", "edge", "serve", str(folder)]
    with subprocess.Popen(command) as process:  # noqa: S603 - this very program
        try:
            _wait_for(port, process)
            yield Site(
                process.pid, made.edge_folder / "data" / "readings", Register.open(made.operator_folder), plan.address
            )
        finally:
            process.send_signal(signal.SIGTERM)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + _START_S_MAX
    while time.monotonic() < deadline_s and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the edge did not start")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
