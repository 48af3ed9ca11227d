"""`edge inbox`: what reached a household, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from edge.cli.options import as_identity, load_identity, run
from edge.cli.output import SHORT_DIGEST, plain, safe, time_text
from edge_sdk.household import HouseholdClient
from edge_sdk.identity import Identity, Role

if TYPE_CHECKING:
    from pathlib import Path

    from edge_sdk.wire.v1.household_pb2 import Action


@click.command()
@as_identity()
@click.option("--follow", is_flag=True, help="Go on with what arrives, until interrupted.")
@click.option("--new", "new_only", is_flag=True, help="Leave out what was shown before.")
@click.option("--language", default="en", show_default=True, help="Of the recommendations, where they have it.")
@click.option("--json", "as_json", is_flag=True, help="Print each action as one line of JSON.")
def inbox(identity_folder: Path, follow: bool, new_only: bool, language: str, as_json: bool) -> None:
    """Show recommendations and commands, each with its cause, and confirm that they arrived."""
    identity = load_identity(identity_folder, Role.HOUSEHOLD)
    try:
        run(_read(identity, follow=follow, new_only=new_only, language=None if as_json else language))
    except KeyboardInterrupt:
        click.echo("", err=True)


async def _read(identity: Identity, *, follow: bool, new_only: bool, language: str | None) -> None:
    async with HouseholdClient(identity) as client:
        async for action in client.inbox(follow=follow, unacknowledged_only=new_only):
            if language is None:
                click.echo(json.dumps(plain(action), ensure_ascii=False))
            else:
                _show(action, language)
            # Only what has been shown counts as delivered.
            await client.acknowledge([action.action_id])


def _show(action: Action, language: str) -> None:
    cause = action.cause
    click.echo(f"{time_text(action.created_ms)}  {safe(_content(action, language))}")
    who = f"{cause.organization} {cause.trigger} {cause.module_version} ({cause.module_digest[:SHORT_DIGEST]})"
    when = f"slot {time_text(cause.slot_ms)}, valid until {time_text(action.expires_ms)}"
    click.echo(safe(f"    by {who}, under consent {cause.consent_id[:8]}"))
    click.echo(f"    {when}")


def _content(action: Action, language: str) -> str:
    if action.WhichOneof("content") == "recommendation":
        texts = action.recommendation.text
        return str(texts[language] if language in texts else texts["en"])
    command = action.appliance_command
    parts = [f"limit {command.limit_w} W"] if command.HasField("limit_w") else []
    if command.HasField("on"):
        parts.append("on" if command.on else "off")
    return f"{command.appliance}: {', '.join(parts)}"
