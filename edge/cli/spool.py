"""Where a gateway's readings wait, and `edge meter refused`: which of them the edge refused."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from edge.cli.options import FILE, as_identity, as_json
from edge.cli.output import print_json, safe
from edge.gateway.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

SPOOL_FILE = "spool.sqlite"
SPOOL_READINGS_MAX = 10_000_000

spool_option = click.option(
    "--spool",
    "spool_file",
    type=FILE,
    help=f"Where readings wait for the edge; {SPOOL_FILE} in the identity if left out.",
)


@click.command()
@as_identity(required=False)
@spool_option
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000), help="Show at most so many.")
@as_json
def refused(identity_folder: Path | None, spool_file: Path | None, limit: int, as_json: bool) -> None:
    """Show the readings of this gateway that the edge refused, newest first. The gateway must not run meanwhile."""
    if spool_file is None:
        if identity_folder is None:
            raise click.UsageError("Give --as, the meter's identity, or --spool.")
        spool_file = identity_folder / SPOOL_FILE
    if not spool_file.exists():
        raise click.UsageError(f"There is no spool {spool_file}.")
    with Spool.open(spool_file, SPOOL_READINGS_MAX, random.SystemRandom()) as spool:
        rows, total = spool.refused_readings(limit), spool.refused
    if as_json:
        listed = [
            {"sequence": why.sequence, "time_ms": reading.time_ms, "reason": why.reason, "message": why.message}
            for reading, why in rows
        ]
        print_json({"refused": total, "readings": listed})
        return
    click.echo(f"{total} readings refused")
    for reading, why in rows:
        click.echo(f"  {why.sequence}  {_time(reading.time_ms)}  {why.reason}  {safe(why.message)}")


def _time(time_ms: int) -> str:
    try:
        return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{time_ms} ms"  # refused, perhaps, because it is no time that there could be
