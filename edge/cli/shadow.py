"""`edge module shadow`: what a shadow would have done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge.cli.digest import full_digest
from edge.cli.options import as_identity, as_json, load_identity, of_organization, run
from edge.cli.output import plain, print_json, safe, show_modules, time_text
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient

if TYPE_CHECKING:
    from pathlib import Path

    from edge_sdk.wire.v1.operator_pb2 import GetShadowResponse, ShadowSlot


@click.command()
@click.argument("digest")
@as_identity()
@of_organization
@as_json
def shadow(digest: str, identity_folder: Path, organization: str, as_json: bool) -> None:
    """Show what the module with this DIGEST (its beginning is enough) decided as a shadow. Nobody got any of it."""
    answer = run(_shadow(load_identity(identity_folder, Role.OPERATOR), digest, organization))
    if as_json:
        print_json(plain(answer))
        return
    show_modules([answer.module])
    click.echo(f"as a shadow at {answer.slots:,} slots: {_in_words(answer.total)}")
    for slot in answer.newest:
        click.echo(f"  {time_text(slot.slot_ms)}  {_in_words(slot)}")


def _in_words(slot: ShadowSlot) -> str:
    actions = ", ".join(f"{safe(name)} to {count:,}" for name, count in sorted(slot.actions.items()))
    compared = (
        f"decided otherwise than the active version for {slot.different:,} of {slot.compared:,}"
        if slot.compared
        else "nothing to compare with"
    )
    return f"{slot.evaluations:,} evaluations, {slot.faults:,} faults, {actions or 'no actions'}, {compared}"


async def _shadow(identity: Identity, digest: str, organization: str) -> GetShadowResponse:
    async with OperatorClient(identity) as client:
        return await client.shadow(await full_digest(client, digest, organization), organization)
