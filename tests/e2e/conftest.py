"""A real edge in a process of its own, driven through the command line and the SDK."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_S_MAX = 30.0


def free_port() -> int:
    """Returns a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def edge(*arguments: object, check: bool = True, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs the command line and returns what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "edge", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    if check and done.returncode != 0:
        pytest.fail(f"edge {' '.join(map(str, arguments))} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def edge_json(*arguments: object, timeout_s: float = 60) -> Any:
    """Runs a command with --json and returns what it printed."""
    return json.loads(edge(*arguments, "--json", timeout_s=timeout_s).stdout)


@dataclass
class Site:
    """An edge's folders, and its process while it runs."""

    folder: Path
    port: int
    metrics_port: int
    command: list[str] = field(default_factory=lambda: [sys.executable, "-m", "edge"])
    process: subprocess.Popen[bytes] | None = None
    identities: dict[str, Path] = field(default_factory=dict)

    @property
    def operator_folder(self) -> Path:
        return self.folder / "operator"

    @property
    def operator(self) -> Path:
        return self.operator_folder / "identities" / "operator"

    @property
    def root_key(self) -> Path:
        return self.operator_folder / "root.key"

    @property
    def log_file(self) -> Path:
        return self.folder / "edge.log"

    def identity(self, role: str, name: str) -> Path:
        """Returns the folder of an identity, issued when first asked for."""
        key = f"{role}-{name}"
        if key not in self.identities:
            issued = edge_json("identity", "issue", role, name, "--operator", self.operator_folder)
            self.identities[key] = Path(issued["folder"])
        return self.identities[key]

    def change_settings(self, **values: object) -> None:
        """Sets keys of settings.toml, whichever section they are in."""
        file = self.folder / "edge" / "settings.toml"
        text = file.read_text()
        for key, value in values.items():
            text, count = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
            assert count, f"no setting {key}"
        file.write_text(text)

    def launch(self) -> None:
        """Starts `edge serve`, and waits for nothing."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "serve", str(self.folder)],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def start(self) -> None:
        """Starts `edge serve` and waits until it answers."""
        self.launch()
        assert self.process is not None
        deadline_s = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline_s:
            assert self.process.poll() is None, self.log_file.read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail("the edge did not start in time")

    def kill(self) -> None:
        """Ends the process as a power cut would, as far as a process can."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> tuple[int, float]:
        """Ends the process with SIGTERM; returns its exit status and how long it took, s."""
        assert self.process is not None
        began_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        self.process = None
        return status, time.monotonic() - began_s

    def sign_policy(self, organizations: dict[str, str], *, every_s_min: int = 60, group_min: int = 2) -> None:
        """Puts a policy in force with these organizations in the supplier tier's likes."""
        file = self.operator_folder / "policy.toml"
        text = file.read_text()
        lines = "\n".join(f'"{name}" = "{tier}"' for name, tier in organizations.items())
        text = re.sub(r"\[organizations\]\n.*?\n\n", f"[organizations]\n{lines}\n\n", text, flags=re.DOTALL)
        text = re.sub(r"every_s_min = \d+", f"every_s_min = {every_s_min}", text)
        text = re.sub(r"group_min = \d+", f"group_min = {group_min}", text)
        text = re.sub(r"leak_bits_per_day_max = \d+", "leak_bits_per_day_max = 2000", text)
        file.write_text(text)
        edge("policy", "sign", file, "--key", self.root_key, "--as", self.operator)


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[[], Site]]:
    """Makes edges; whatever still runs at the end is ended."""
    sites: list[Site] = []

    def make() -> Site:
        site = Site(tmp_path / f"site-{len(sites)}", free_port(), free_port())
        edge("init", site.folder, "--id", "street-1", "--host", "127.0.0.1", "--port", site.port)
        site.change_settings(settle_s=0)
        settings = site.folder / "edge" / "settings.toml"
        settings.write_text(settings.read_text().replace("port = 9464", f"port = {site.metrics_port}"))
        sites.append(site)
        return site

    yield make
    for site in sites:
        if site.process is not None:
            site.kill()


@pytest.fixture
def site(make_site: Callable[[], Site]) -> Site:
    """An edge that runs."""
    made = make_site()
    made.start()
    return made


TRIGGER_TOML = """
[trigger]
name = "pulse"
version = "{version}"
service = "pulse-advice"
purpose = "Say once a minute that the meter was heard."
scope = "household"
every = "1m"
max_actions_per_day = 96

[[input]]
series = "{series}"
window = "1m"
resolution = "1m"

[[action]]
name = "heard"
kind = "recommendation"
text = {{ en = "Your meter was heard in the last minute." }}
"""

TRIGGER_WAT = """
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32) (i32.const 64))
  (func (export "evaluate") (result i32)
    ;; A number equals itself, NaN does not.
    (f64.eq (f64.load (i32.const 64)) (f64.load (i32.const 64)))))
"""


@pytest.fixture
def build_pulse(tmp_path: Path) -> Callable[..., Path]:
    """Builds a module that acts whenever its household was measured; returns the file."""

    def build(version: str = "1.0.0", series: str = "power_import", wat: str = TRIGGER_WAT) -> Path:
        folder = tmp_path / f"pulse-{version}-{series}"
        folder.mkdir(exist_ok=True)
        (folder / "trigger.toml").write_text(TRIGGER_TOML.format(version=version, series=series))
        (folder / "trigger.wat").write_text(wat)
        edge("module", "build", folder)
        return folder / "module.wasm"

    return build


@pytest.fixture
def run_edge() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command line; it has to succeed unless told otherwise."""
    return edge
