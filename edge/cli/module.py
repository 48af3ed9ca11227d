"""`edge module`: from an organization's idea to the operator's approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge.cli.identity import revoke_at_edge
from edge.cli.inspection import describe, inspect_file
from edge.cli.options import (
    EXISTING_FILE,
    FILE,
    FOLDER,
    as_identity,
    as_json,
    load_identity,
    now_ms,
    passphrase_file,
    read_passphrase,
    root_key,
    run,
)
from edge.cli.output import SHORT_DIGEST, enum_word, plain, print_json, safe, time_text
from edge.cli.policy import fetch_policy
from edge.domain.module import digest_of
from edge.errors import ConflictError, NotFoundError
from edge.services import sign as signing
from edge.services.build import build_folder
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient
from edge_sdk.organization import OrganizationClient
from edge_sdk.scaffold import scaffold
from edge_sdk.wire.v1.module_pb2 import Module, ModuleState

if TYPE_CHECKING:
    from pathlib import Path

    from edge.domain.approval import Approval


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
def build(folder: Path, out: Path | None) -> None:
    """Make a module of trigger.toml and trigger.wat (or trigger.wasm) in FOLDER."""
    wasm = build_folder(folder)
    out = out or folder / "module.wasm"
    out.write_bytes(wasm)
    click.echo(f"{out}  {len(wasm)} bytes  {digest_of(wasm)}")


@module.command()
@click.argument("file", type=EXISTING_FILE)
@as_json
def inspect(file: Path, as_json: bool) -> None:
    """Show what a module is, what it may see and say, and how much it could leak."""
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
    uploaded = run(_upload(load_identity(identity_folder, Role.ORGANIZATION), file.read_bytes()))
    if as_json:
        print_json(plain(uploaded))
    else:
        _show([uploaded])
    if not uploaded.report.admissible:
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
        _show(modules)


@module.command()
@click.argument("digest")
@root_key
@as_identity()
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3_650), help="How long it may run.")
@click.option("--fuel", "fuel_max", type=click.IntRange(1), help="Most fuel of one evaluation; the tier's if left out.")
@click.option("--out", type=FILE, help="Write the signed approval here as well.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@passphrase_file
@as_json
def approve(
    digest: str,
    key_file: Path,
    identity_folder: Path,
    days: int,
    fuel_max: int | None,
    out: Path | None,
    yes: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Approve the module with this DIGEST (its beginning is enough): fetch, examine, sign, submit."""
    identity = load_identity(identity_folder, Role.OPERATOR)
    key = SigningKey.load(key_file, read_passphrase(passphrase_file))
    fetched, wasm = run(_fetch(identity, digest))
    if digest_of(wasm) != fetched.digest:
        raise ConflictError("The edge sent another module than it named.", advice="Do not sign; examine the edge.")
    if not yes:
        click.echo(describe(inspect_file(None, wasm)))
        click.confirm(f"Sign an approval for {safe(fetched.organization)}, {days} days?", abort=True)
    approval = run(_approval(identity, fetched, days, fuel_max))
    signed = sign_document(approval, key).to_json()
    if out is not None:
        out.write_bytes(signed)
    approved = run(_submit(identity, signed))
    if as_json:
        print_json(plain(approved))
    else:
        _show([approved])


@module.command()
@click.argument("digest")
@as_identity()
@click.option("--reason", default="", help="For the audit log.")
def suspend(digest: str, identity_folder: Path, reason: str) -> None:
    """Stop a module before its next slot; it can be resumed."""
    _show([run(_suspend(load_identity(identity_folder, Role.OPERATOR), digest, reason))])


@module.command()
@click.argument("digest")
@as_identity()
def resume(digest: str, identity_folder: Path) -> None:
    """Let a suspended module run again."""
    _show([run(_resume(load_identity(identity_folder, Role.OPERATOR), digest))])


@module.command()
@click.argument("digest")
@root_key
@as_identity()
@passphrase_file
def revoke(digest: str, key_file: Path, identity_folder: Path, passphrase_file: Path | None) -> None:
    """Revoke a module for good: signs a new list of revocations and submits it."""
    identity = load_identity(identity_folder, Role.OPERATOR)
    key = SigningKey.load(key_file, read_passphrase(passphrase_file))
    fetched, _ = run(_fetch(identity, digest))
    accepted = run(revoke_at_edge(identity, key, modules=(fetched.digest,)))
    click.echo(f"{fetched.digest} revoked; revocations version {accepted.version}")


async def _upload(identity: Identity, wasm: bytes) -> Module:
    async with OrganizationClient(identity) as client:
        return await client.upload(wasm)


async def _modules(identity: Identity) -> list[Module]:
    if identity.role is Role.OPERATOR:
        async with OperatorClient(identity) as operator:
            return await operator.modules()
    async with OrganizationClient(identity) as organization:
        return await organization.modules()


async def _fetch(identity: Identity, digest: str) -> tuple[Module, bytes]:
    async with OperatorClient(identity) as client:
        return await client.download(_full_digest(await client.modules(), digest))


async def _approval(identity: Identity, fetched: Module, days: int, fuel_max: int | None) -> Approval:
    policy = await fetch_policy(identity)
    if policy is None:
        raise NotFoundError("The edge has no policy yet.", advice="Sign one with `edge policy sign`.")
    return signing.approval(
        organization=fetched.organization,
        trigger=fetched.name,
        module_digest=fetched.digest,
        report_digest=fetched.report.digest,
        policy=policy,
        version=fetched.approval_version + 1,
        now_ms=now_ms(),
        days=days,
        fuel_max=fuel_max,
    )


async def _submit(identity: Identity, envelope_json: bytes) -> Module:
    async with OperatorClient(identity) as client:
        return (await client.submit(envelope_json)).module


async def _suspend(identity: Identity, digest: str, reason: str) -> Module:
    async with OperatorClient(identity) as client:
        return await client.suspend(_full_digest(await client.modules(), digest), reason)


async def _resume(identity: Identity, digest: str) -> Module:
    async with OperatorClient(identity) as client:
        return await client.resume(_full_digest(await client.modules(), digest))


def _full_digest(modules: list[Module], beginning: str) -> str:
    wanted = beginning if beginning.startswith("sha256:") else f"sha256:{beginning}"
    found = sorted({item.digest for item in modules if item.digest.startswith(wanted)})
    if len(found) != 1:
        problem = f"{len(found)} modules begin with" if found else "There is no module that begins with"
        raise NotFoundError(
            f"{problem} {wanted}.", advice="`edge module list` shows all digests.", reason="MODULE_NOT_FOUND"
        )
    return found[0]


def _show(modules: list[Module]) -> None:
    for item in modules:
        state = enum_word(ModuleState.Name(item.state), "ModuleState")
        click.echo(
            f"{item.digest[:SHORT_DIGEST]}  {safe(item.organization):16} {safe(item.name) or '-':20} "
            f"{item.version or '-':8} {state:10} uploaded {time_text(item.uploaded_ms)}"
        )
        for finding in item.report.findings:
            click.echo(safe(f"    {finding.check}: {finding.message}"))
