"""`edge init`: sets up a new edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge.cli.options import FOLDER, as_json, now_ms, passphrase_file, read_passphrase
from edge.cli.output import print_json
from edge.services.provision import EdgePlan, hosts_or_local, provision

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--id", "edge_id", default="edge-1", show_default=True, help="Name of the edge among the operator's.")
@click.option("--host", "hosts", multiple=True, help="Name or address that it is reached by; repeat for several.")
@click.option("--port", default=7443, show_default=True, type=click.IntRange(1, 65_535))
@click.option("--timezone", default="Europe/Amsterdam", show_default=True, help="Of the neighbourhood, IANA name.")
@passphrase_file
@as_json
def init(
    folder: Path,
    edge_id: str,
    hosts: tuple[str, ...],
    port: int,
    timezone: str,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Set up a new edge in FOLDER: what goes into the cabinet, and what stays with the operator."""
    plan = EdgePlan(edge_id, hosts_or_local(hosts), port, timezone)
    made = provision(folder, plan, now_ms(), read_passphrase(passphrase_file))
    if as_json:
        print_json(
            {
                "edge": edge_id,
                "edge_folder": str(made.edge_folder),
                "operator_folder": str(made.operator_folder),
                "address": plan.address,
            }
        )
        return
    click.echo(
        f"""Edge {edge_id} is set up.

  {made.edge_folder}      goes to the device: settings, certificate, device key, store key, a systemd unit
  {made.operator_folder}  stays with the operator: root key, certificate authority. Keep it off the device.

Next:
  edge serve {made.edge_folder}
  edge status --as {made.operator_folder}/identities/operator
  edge identity issue household h1 --operator {made.operator_folder}"""
    )
