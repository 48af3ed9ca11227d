"""`edge module`: from an organization's idea to the operator's approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge.cli.approval import approve
from edge.cli.bench import bench
from edge.cli.digest import full_digest
from edge.cli.identity import revoke_at_edge
from edge.cli.inspection import describe, disassembly_of, inspect_file, read_at_most
from edge.cli.options import (
    EXISTING_FILE,
    FILE,
    FOLDER,
    all_edges,
    as_identity,
    as_json,
    load_identity,
    of_organization,
    passphrase_file,
    read_passphrase,
    root_key,
    run,
)
from edge.cli.output import plain, print_json, safe, show_modules
from edge.cli.rollback import rollback
from edge.cli.run import run_
from edge.cli.shadow import shadow
from edge.domain.module import digest_of
from edge.errors import ConflictError, LimitError
from edge.services.build import build_folder
from edge.trust.keys import SigningKey
from edge_sdk.channel import MESSAGE_BYTES_MAX
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient
from edge_sdk.organization import OrganizationClient
from edge_sdk.scaffold import scaffold

if TYPE_CHECKING:
    from pathlib import Path

    from edge_sdk.wire.v1.module_pb2 import Module

_EVERY_FUNCTION = "*"


@click.group()
def module() -> None:
    """Organizations' code: build, inspect, upload; the operator approves."""


@module.command()
@click.argument("folder", type=FOLDER)
def new(folder: Path) -> None:
    """Write a small working trigger into FOLDER, to begin from."""
    if folder.exists() and any(folder.iterdir()):
        raise ConflictError(f"{folder} is not empty.", advice="Choose a new folder; nothing was changed.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in scaffold().items():
        (folder / name).write_text(text, encoding="utf-8")
    click.echo(f"{folder}: trigger.toml, trigger.wat\nNext: edge module build {folder}")


@module.command()
@click.argument("folder", type=FOLDER)
@click.option("-o", "--out", type=FILE, help="The module; FOLDER/module.wasm if left out.")
@as_json
def build(folder: Path, out: Path | None, as_json: bool) -> None:
    """Make a module of trigger.toml and trigger.wat (or trigger.wasm) in FOLDER."""
    wasm = build_folder(folder)
    out = out or folder / "module.wasm"
    out.write_bytes(wasm)
    if as_json:
        print_json({"file": str(out), "size_bytes": len(wasm), "digest": digest_of(wasm)})
    else:
        click.echo(f"{out}  {len(wasm)} bytes  {digest_of(wasm)}")


@module.command()
@click.argument("file", type=EXISTING_FILE)
@click.option(
    "--disassemble",
    "wanted",
    is_flag=False,
    flag_value=_EVERY_FUNCTION,
    metavar="[FUNCTION]",
    help="Show the code of a function, by its index or the name it is exported by; of all without one.",
)
@as_json
def inspect(file: Path, wanted: str | None, as_json: bool) -> None:
    """Show what a module is, what it may see and say, and how much it could leak; or its code."""
    if wanted is not None:
        lines = disassembly_of(file, None if wanted == _EVERY_FUNCTION else wanted)
        print_json({"disassembly": lines}) if as_json else click.echo("\n".join(lines).rstrip())
        return
    inspected = inspect_file(file)
    if as_json:
        print_json(inspected)
    else:
        click.echo(describe(inspected))


@module.command()
@click.argument("file", type=EXISTING_FILE)
def check(file: Path) -> None:
    """Exit with 0 if an edge would admit the module (a tier may still not allow it), else 1 with the reasons."""
    inspected = inspect_file(file)
    for finding in inspected["findings"]:
        click.echo(safe(f"{finding['check']}: {finding['message']} {finding['advice']}").rstrip(), err=True)
    if not inspected["admissible"]:
        raise SystemExit(1)
    click.echo(f"admissible: {inspected['digest']}")


@module.command()
@click.argument("file", type=EXISTING_FILE)
@as_identity()
@as_json
def upload(file: Path, identity_folder: Path, as_json: bool) -> None:
    """Upload a module; exits with 1 if the edge does not admit it."""
    identity = load_identity(identity_folder, Role.ORGANIZATION)
    wasm = read_at_most(file, MESSAGE_BYTES_MAX)
    if len(wasm) > MESSAGE_BYTES_MAX:
        raise LimitError(
            f"{file} has more than {MESSAGE_BYTES_MAX} bytes, which no edge takes.",
            advice="Build with optimisation for size and strip debug data.",
            reason="MODULE_TOO_LARGE",
        )
    uploaded = run(_upload(identity, wasm))
    _print(uploaded, as_json=as_json)
    if not uploaded.admission.admissible:
        raise SystemExit(1)


@module.command(name="list")
@as_identity()
@as_json
def list_(identity_folder: Path, as_json: bool) -> None:
    """Show the organization's own modules, or to the operator all of them."""
    modules = run(_modules(load_identity(identity_folder, Role.ORGANIZATION, Role.OPERATOR)))
    if as_json:
        print_json({"modules": [plain(item) for item in modules]})
    else:
        show_modules(modules)


module.add_command(approve)
module.add_command(rollback)
module.add_command(shadow)
module.add_command(bench)
module.add_command(run_)


@module.command()
@click.argument("digest")
@as_identity()
@of_organization
@click.option("--reason", default="", help="For the audit log.")
@as_json
def suspend(digest: str, identity_folder: Path, organization: str, reason: str, as_json: bool) -> None:
    """Stop the module with this DIGEST (its beginning is enough) before its next slot; it can be resumed."""
    identity = load_identity(identity_folder, Role.OPERATOR)
    _print(run(_suspend(identity, digest, organization, reason)), as_json=as_json)


@module.command()
@click.argument("digest")
@as_identity()
@of_organization
@as_json
def resume(digest: str, identity_folder: Path, organization: str, as_json: bool) -> None:
    """Let a suspended or quarantined module run again."""
    _print(run(_resume(load_identity(identity_folder, Role.OPERATOR), digest, organization)), as_json=as_json)


@module.command()
@click.argument("digest")
@root_key
@as_identity()
@all_edges
@passphrase_file
@as_json
def revoke(
    digest: str,
    key_file: Path,
    identity_folder: Path,
    all_edges: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Revoke a module for good, whoever uploaded it: signs a new list of revocations and submits it."""
    identity = load_identity(identity_folder, Role.OPERATOR)
    key = SigningKey.load(key_file, read_passphrase(passphrase_file))
    revoked = run(_full_digest(identity, digest))
    accepted = run(revoke_at_edge(identity, key, modules=(revoked,), everywhere=all_edges))
    if as_json:
        print_json({"digest": revoked, "revocations_version": accepted.version})
    else:
        click.echo(f"{revoked} revoked; revocations version {accepted.version}")


async def _upload(identity: Identity, wasm: bytes) -> Module:
    async with OrganizationClient(identity) as client:
        return await client.upload(wasm)


async def _modules(identity: Identity) -> list[Module]:
    if identity.role is Role.OPERATOR:
        async with OperatorClient(identity) as operator:
            return await operator.modules()
    async with OrganizationClient(identity) as organization:
        return await organization.modules()


async def _suspend(identity: Identity, digest: str, organization: str, reason: str) -> Module:
    async with OperatorClient(identity) as client:
        return await client.suspend(await full_digest(client, digest, organization), reason, organization)


async def _resume(identity: Identity, digest: str, organization: str) -> Module:
    async with OperatorClient(identity) as client:
        return await client.resume(await full_digest(client, digest, organization), organization)


async def _full_digest(identity: Identity, digest: str) -> str:
    async with OperatorClient(identity) as client:
        return await full_digest(client, digest, "")


def _print(item: Module, *, as_json: bool) -> None:
    if as_json:
        print_json(plain(item))
    else:
        show_modules([item])
