"""`edge module bench`: what a module's evaluations cost."""

from __future__ import annotations

import resource
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from edge.cli.inputs import Data, data_options, read_inputs, read_module
from edge.cli.options import EXISTING_FILE, as_json
from edge.cli.output import print_json
from edge.sandbox.batch import Batch
from edge.sandbox.dry_run import generate_inputs
from edge.sandbox.inspection import inspect
from edge.sandbox.sandbox import Sandbox
from edge.services.bench import PERCENTILES, RUNS, Bench
from edge.services.bench import bench as measure
from edge.settings import SandboxLimits

if TYPE_CHECKING:
    from pathlib import Path

_KIB = 1024


@click.command()
@click.argument("file", type=EXISTING_FILE)
@click.option("--households", default=1_000, show_default=True, type=click.IntRange(1, 1_000_000), help="Generated.")
@click.option("--seed", default=1, show_default=True, help="Of the generated inputs.")
@click.option(
    "--fuel-max",
    type=click.IntRange(1),
    default=SandboxLimits().fuel_max,
    show_default=True,
    help="Of one evaluation.",
)
@data_options
@as_json
def bench(
    file: Path,
    households: int,
    seed: int,
    fuel_max: int,
    file_of_inputs: Path | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Measure the module in FILE: fuel, time, memory, on generated inputs or on those of --inputs."""
    limits = SandboxLimits(fuel_max=fuel_max)
    module = read_module(file, limits)
    samples = module.manifest.samples
    inputs = (
        generate_inputs(samples, seed=seed, rows=households)
        if file_of_inputs is None
        else read_inputs(Data(file_of_inputs, **how), module).block
    )
    with Sandbox(limits) as sandbox:
        compiled = sandbox.compile(module.wasm)
        guest = sandbox.load(compiled, input_samples=samples, actions=len(module.manifest.action))
        measured = measure(guest.evaluate, Batch(guest).evaluate, inputs, fuel_max)
    memory_bytes = inspect(module.wasm).memories[0].min_bytes
    answer: dict[str, Any] = {
        "module": module.digest,
        **asdict(measured),
        "evaluation_us": measured.evaluation_us,
        "households_per_s": measured.households_per_s,
        "fuel_share": measured.fuel_share,
        "memory_bytes": memory_bytes,
        "process_peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB,
        "compile_s": compiled.compile_s,
        "compile_peak_memory_bytes": compiled.peak_memory_bytes,
    }
    if as_json:
        print_json(answer)
    else:
        _show(measured, answer)


def _show(measured: Bench, answer: dict[str, Any]) -> None:
    click.echo(f"{answer['module']}: {measured.households:,} households, {RUNS} runs")
    spread = "  ".join(f"{name} {measured.fuel[name]:,}" for name, _ in PERCENTILES)
    click.echo(f"  fuel      {spread}")
    click.echo(f"            the dearest uses {measured.fuel_share:.2%} of the limit of {measured.fuel_max:,}")
    click.echo(
        f"  time      {measured.evaluation_us:,.2f} us an evaluation in batches, "
        f"{measured.households_per_s:,.0f} households/s; {measured.one_by_one_us:,.0f} us in an instance each"
    )
    click.echo(
        f"  memory    the guest begins with {answer['memory_bytes']:,} bytes; "
        f"this process had {answer['process_peak_memory_bytes']:,} at most"
    )
    click.echo(
        f"  compile   {answer['compile_s']:.2f} s, {answer['compile_peak_memory_bytes']:,} bytes of memory at most"
    )
    outcomes = ", ".join(f"{times:,} x {outcome}" for outcome, times in measured.outcomes.items()) or "none"
    click.echo(f"  outcomes  {outcomes}")
    if measured.faults:
        faults = ", ".join(f"{times:,} x {name}" for name, times in measured.faults.items())
        click.echo(
            f"  FAULTS    {faults}: {sum(measured.faults.values()) / measured.households:.1%} of the evaluations"
        )
