"""`edge organization`: the operator's switch for everything of an organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge.cli.options import as_identity, as_json, load_identity, run
from edge.cli.output import plain, print_json, safe, time_text
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from edge_sdk.wire.v1.operator_pb2 import Organization


@click.group()
def organization() -> None:
    """Organizations: who may have modules here; stop one and let it run again."""


@organization.command(name="list")
@as_identity()
@as_json
def list_(identity_folder: Path, as_json: bool) -> None:
    """Show the organizations of the policy in force, and those that are suspended."""
    found = run(_all(load_identity(identity_folder, Role.OPERATOR)))
    if as_json:
        print_json({"organizations": [plain(item) for item in found]})
    else:
        _show(found)


@organization.command()
@click.argument("name")
@as_identity()
@click.option("--reason", default="", help="For the audit log.")
@as_json
def suspend(name: str, identity_folder: Path, reason: str, as_json: bool) -> None:
    """Stop everything of organization NAME before the next slot; what of it waits for households is cancelled."""
    _print(run(_suspend(load_identity(identity_folder, Role.OPERATOR), name, reason)), as_json=as_json)


@organization.command()
@click.argument("name")
@as_identity()
@as_json
def resume(name: str, identity_folder: Path, as_json: bool) -> None:
    """Let the modules of organization NAME run again, but for those that are stopped themselves."""
    _print(run(_resume(load_identity(identity_folder, Role.OPERATOR), name)), as_json=as_json)


async def _all(identity: Identity) -> list[Organization]:
    async with OperatorClient(identity) as client:
        return await client.organizations()


async def _suspend(identity: Identity, name: str, reason: str) -> Organization:
    async with OperatorClient(identity) as client:
        return await client.suspend_organization(name, reason)


async def _resume(identity: Identity, name: str) -> Organization:
    async with OperatorClient(identity) as client:
        return await client.resume_organization(name)


def _print(item: Organization, *, as_json: bool) -> None:
    if as_json:
        print_json(plain(item))
    else:
        _show([item])


def _show(organizations: Iterable[Organization]) -> None:
    for item in organizations:
        stopped = item.HasField("suspended_ms")
        state = f"suspended {time_text(item.suspended_ms)}  {safe(item.reason)}".rstrip() if stopped else "may run"
        click.echo(f"{safe(item.name):20} {safe(item.tier) or 'in no tier':16} {state}")
