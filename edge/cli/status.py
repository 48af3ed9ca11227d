"""`edge status`: how an edge is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge.cli.options import as_identity, as_json, load_identity, run
from edge.cli.output import plain, print_json, show_modules, time_text
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient

if TYPE_CHECKING:
    from pathlib import Path

    from edge_sdk.wire.v1.operator_pb2 import GetStatusResponse


@click.command()
@as_identity()
@as_json
def status(identity_folder: Path, as_json: bool) -> None:
    """Show what an edge holds and has done."""
    answer = run(_status(load_identity(identity_folder, Role.OPERATOR)))
    if as_json:
        print_json(plain(answer))
        return
    click.echo(f"edge {answer.edge_id}, release {answer.software_version}, up since {time_text(answer.started_ms)}")
    for name, value in plain(answer).items():
        if name not in ("edge_id", "software_version", "time_ms", "started_ms", "modules_troubled"):
            click.echo(f"  {name.replace('_', ' '):24} {value:>12,}")
    if answer.modules_troubled:
        click.echo("modules that fault too often:")
        show_modules(answer.modules_troubled)


async def _status(identity: Identity) -> GetStatusResponse:
    async with OperatorClient(identity) as client:
        return await client.status()
