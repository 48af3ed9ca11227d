"""`edge inbox`: what reached a household, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from edge.cli.action import content_text, language_option
from edge.cli.options import as_identity, load_identity, run
from edge.cli.output import SHORT_DIGEST, plain, print_json, safe, time_text
from edge_sdk.household import ACKNOWLEDGED_MAX, HouseholdClient
from edge_sdk.identity import Identity, Role
from edge_sdk.wire.v1.household_pb2 import ACTION_STATE_WAITING, Action

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@click.command()
@as_identity()
@click.option("--follow", is_flag=True, help="Go on with what arrives, until interrupted.")
@click.option("--new", "new_only", is_flag=True, help="Leave out what was shown before.")
@language_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with --follow one line for each action.")
def inbox(identity_folder: Path, follow: bool, new_only: bool, language: str, as_json: bool) -> None:
    """Show recommendations and commands, each with its cause, and confirm that they arrived."""
    identity = load_identity(identity_folder, Role.HOUSEHOLD)
    try:
        if follow:
            run(
                _follow(identity, _print_line if as_json else lambda action: _show(action, language), new_only=new_only)
            )
        elif as_json:
            run(_print_all(identity, new_only=new_only))
        else:
            run(_read(identity, lambda action: _show(action, language), new_only=new_only))
    except KeyboardInterrupt:
        click.echo("", err=True)


async def _read(identity: Identity, show: Callable[[Action], None], *, new_only: bool) -> None:
    async with HouseholdClient(identity) as client:
        await _show_what_is_there(client, show, new_only=new_only)


async def _follow(identity: Identity, show: Callable[[Action], None], *, new_only: bool) -> None:
    async with HouseholdClient(identity) as client:
        cursor = await _show_what_is_there(client, show, new_only=new_only)
        async for action in client.inbox(after_cursor=cursor, unacknowledged_only=new_only):
            show(action)
            await _acknowledge(client, [action])


async def _print_all(identity: Identity, *, new_only: bool) -> None:
    async with HouseholdClient(identity) as client:
        actions = [action async for action in client.inbox(follow=False, unacknowledged_only=new_only)]
        print_json({"actions": [plain(action) for action in actions]})
        await _acknowledge(client, actions)


async def _show_what_is_there(client: HouseholdClient, show: Callable[[Action], None], *, new_only: bool) -> int:
    """Shows and confirms, many at a time, what is in the inbox now; returns the newest action's cursor."""
    cursor = 0
    shown: list[Action] = []
    async for action in client.inbox(follow=False, unacknowledged_only=new_only):
        show(action)
        cursor = action.cursor
        shown.append(action)
        if len(shown) == ACKNOWLEDGED_MAX:
            await _acknowledge(client, shown)
            shown.clear()
    await _acknowledge(client, shown)
    return cursor


async def _acknowledge(client: HouseholdClient, shown: list[Action]) -> None:
    # Only what has been shown counts as delivered; what was delivered before is not confirmed again.
    await client.acknowledge([action.action_id for action in shown if action.state == ACTION_STATE_WAITING])


def _print_line(action: Action) -> None:
    line: dict[str, Any] = plain(action)
    click.echo(json.dumps(line, ensure_ascii=False))


def _show(action: Action, language: str) -> None:
    cause = action.cause
    click.echo(f"{time_text(action.created_ms)}  {safe(content_text(action, language))}")
    who = f"{cause.organization} {cause.trigger} {cause.module_version} ({cause.module_digest[:SHORT_DIGEST]})"
    when = f"slot {time_text(cause.slot_ms)}, valid until {time_text(action.expires_ms)}"
    click.echo(safe(f"    by {who}, under consent {cause.consent_id[:8]}"))
    click.echo(f"    {when}")
