"""`edge demo`: the whole system, live."""

from __future__ import annotations

import logging
import resource
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from edge import logs
from edge.cli.options import as_json, run
from edge.cli.output import print_json
from edge.demo.plan import Plan, plan_of
from edge.demo.story import Story
from edge.demo.view import LineView, LiveView, SilentView, View
from edge.settings import LogSection

if TYPE_CHECKING:
    from edge.demo.result import DemoResult

_FILES_PER_HOUSEHOLD = 6


@click.command()
@click.option("--households", default=200, show_default=True, type=click.IntRange(30, 5_000))
@click.option(
    "--duration", "duration_s", type=click.FloatRange(1), help="Real seconds to take; 45 for a day if left out."
)
@click.option("--speed", type=click.FloatRange(1), help="Simulated seconds in a real one; a whole day if left out.")
@as_json
def demo(households: int, duration_s: float | None, speed: float | None, as_json: bool) -> None:
    """Play a day of a neighbourhood: meters, an organization's module, consent, recommendations, the audit log.

    Everything is real but the time and the weather: mutual TLS on this machine's loopback, encrypted DuckDB files in a
    temporary folder, the wasmtime sandbox. With both --duration and --speed less than a day is played, around noon.
    """
    plan = plan_of(households, duration_s, speed)
    logs.configure(LogSection(level="error", format="console"))
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    _allow_open_files(households * _FILES_PER_HOUSEHOLD)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="edge-demo-") as folder:
        result = _play(plan, Path(folder) / "demo", _view(console, plan, silent=as_json))
    if as_json:
        print_json(result.to_json_dict())
    else:
        _sum_up(console, result)


def _play(plan: Plan, folder: Path, view: View) -> DemoResult:
    story = Story(plan, folder, view)
    with view.showing():
        return run(story.play())


def _view(console: Console, plan: Plan, *, silent: bool) -> View:
    if silent:
        return SilentView()
    return LiveView(console, plan.timezone) if console.is_terminal else LineView(console, plan.timezone)


def _sum_up(console: Console, result: DemoResult) -> None:
    latency = result.reading_to_action_ms
    console.print(
        f"{result.readings:,} readings, {result.evaluations:,} evaluations, {result.actions_delivered:,} actions "
        f"delivered to {result.households_with_actions} of {result.households} households in {result.real_s} s; "
        + (f"reading to action {latency.p50} ms at the median; " if latency.p50 is not None else "")
        + f"{result.bytes_in:,} bytes in, {result.bytes_out:,} out.",
        highlight=False,
    )
    console.print("Next: README.md, or begin a trigger of your own with `edge module new my-trigger`.", highlight=False)


def _allow_open_files(needed: int) -> None:
    """Raises this process's own limit, where the system lets it: every connection is a file at either end."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = needed + 512
    if soft < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted, hard)
        )
