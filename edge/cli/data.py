"""`edge data`: what a household's own meters measured."""

from __future__ import annotations

import json
import math
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click

from edge.cli.options import as_identity, as_json, load_identity, now_ms, run
from edge.cli.output import plain, print_json
from edge.cli.readings import reading_text
from edge.cli.samples import CsvSamples, SampleLines, SampleWriter
from edge.cli.times import Duration, Time, local_times
from edge_sdk.household import HouseholdClient
from edge_sdk.identity import Identity, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edge_sdk.wire.v1.household_pb2 import ReadSeriesResponse

_DAY_MS = 86_400_000


@click.group()
def data() -> None:
    """Read the readings of this household's own meters: samples, single readings, or as they come."""


def _range(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--from` and `--until`."""
    until = click.option("--until", "until_ms", type=Time(), help="End, as 2026-06-20T00:00:00+02:00; now if left out.")
    begin = click.option("--from", "from_ms", type=Time(), help="Beginning; a day before the end if left out.")
    return begin(until(command))


def _ends(from_ms: int | None, until_ms: int | None) -> tuple[int, int]:
    until_ms = now_ms() if until_ms is None else until_ms
    return (max(until_ms - _DAY_MS, 0) if from_ms is None else from_ms), until_ms


@data.command()
@as_identity()
@click.option("--series", "names", multiple=True, required=True, help="Such as power_import; may be given repeatedly.")
@_range
@click.option(
    "--resolution",
    "resolution_s",
    type=Duration(),
    default="15m",
    show_default=True,
    help="Length of a sample, up to 1d. Samples begin at multiples of it, UTC.",
)
@click.option(
    "--csv", "as_csv", is_flag=True, help="Print a table with commas; a cell is empty if nothing was measured."
)
@as_json
def history(
    identity_folder: Path,
    names: Sequence[str],
    from_ms: int | None,
    until_ms: int | None,
    resolution_s: int,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show samples of a range of time, as modules are given them. A sample without a value was not measured."""
    if as_csv and as_json:
        raise click.UsageError("Give --csv or --json, not both.")
    identity = load_identity(identity_folder, Role.HOUSEHOLD)
    query = (names, *_ends(from_ms, until_ms), resolution_s)
    if as_json:
        print_json(run(_collected(identity, query)))
    else:
        run(_written(identity, query, CsvSamples(sys.stdout) if as_csv else SampleLines()))


async def _written(identity: Identity, query: tuple[Sequence[str], int, int, int], writer: SampleWriter) -> None:
    async with HouseholdClient(identity) as client, aclosing(client.series(*query)) as parts:
        async for part in parts:
            writer.write(part)


async def _collected(identity: Identity, query: tuple[Sequence[str], int, int, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with HouseholdClient(identity) as client, aclosing(client.series(*query)) as parts:
        async for part in parts:
            if not found:
                found = _head(part)
            for item in part.series:
                found["series"][item.name]["values"] += [None if math.isnan(value) else value for value in item.values]
    return found


def _head(part: ReadSeriesResponse) -> dict[str, Any]:
    return {
        "from_ms": part.from_ms,
        "resolution_s": part.resolution_s,
        "timezone": part.timezone,
        "series": {item.name: {"unit": item.unit, "values": []} for item in part.series},
    }


@data.command()
@as_identity()
@_range
@as_json
def readings(identity_folder: Path, from_ms: int | None, until_ms: int | None, as_json: bool) -> None:
    """Show what the meters said: every register, what is odd about a reading, and sub-meters at their own times."""
    identity = load_identity(identity_folder, Role.HOUSEHOLD)
    run(_readings(identity, *_ends(from_ms, until_ms), as_json=as_json))


async def _readings(identity: Identity, from_ms: int, until_ms: int, *, as_json: bool) -> None:
    found: dict[str, Any] = {"timezone": "", "readings": []}
    async with HouseholdClient(identity) as client, aclosing(client.readings(from_ms, until_ms)) as pages:
        async for page in pages:
            found["timezone"] = page.timezone
            for reading in page.readings:
                if as_json:
                    found["readings"].append(plain(reading))
                else:
                    click.echo(reading_text(reading, local_times(page.timezone)))
    if as_json:
        print_json(found)


@data.command()
@as_identity()
@click.option("--count", type=click.IntRange(min=1), help="End after so many readings.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line for each reading.")
def live(identity_folder: Path, count: int | None, as_json: bool) -> None:
    """Show readings as they are stored, until interrupted or the edge stops."""
    identity = load_identity(identity_folder, Role.HOUSEHOLD)
    try:
        run(_live(identity, count, as_json=as_json))
    except KeyboardInterrupt:
        click.echo("", err=True)


async def _live(identity: Identity, count: int | None, *, as_json: bool) -> None:
    shown = 0
    async with HouseholdClient(identity) as client, aclosing(client.live()) as parts:
        async for part in parts:
            if part.left_out and not as_json:
                click.echo(f"  {part.left_out:,} readings left out here: `edge data readings` has them")
            show = local_times(part.timezone)
            for place, reading in enumerate(part.readings):
                if as_json:
                    line = {"left_out": 0 if place else part.left_out, **plain(reading)}
                    click.echo(json.dumps(line, ensure_ascii=False))
                else:
                    click.echo(reading_text(reading, show))
                shown += 1
                if shown == count:
                    return
    click.echo("The edge has ended the stream: it is stopping.", err=True)
