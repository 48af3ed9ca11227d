"""`edge policy`: tiers and organizations, written as TOML, signed by the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge.cli.options import (
    EXISTING_FILE,
    FILE,
    as_identity,
    as_json,
    load_identity,
    now_ms,
    passphrase_file,
    read_passphrase,
    root_key,
    run,
)
from edge.cli.output import print_json, time_text
from edge.domain.policy import Policy
from edge.errors import NotFoundError
from edge.services.sign import policy_from_toml, policy_shown, policy_to_toml
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey
from edge_sdk.envelope import Envelope
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def policy() -> None:
    """Which organization is in which tier, and what each tier may do."""


@policy.command()
@as_identity()
@as_json
def show(identity_folder: Path, as_json: bool) -> None:
    """Show the policy that the edge says it has accepted, the way `policy sign` reads it."""
    envelope_json = run(_fetch(load_identity(identity_folder, Role.OPERATOR)))
    if envelope_json is None:
        raise NotFoundError("The edge has no policy yet.", advice="Sign one with `edge policy sign`.")
    # Without the root key at hand there is nothing to check its signature with; whatever is signed checks it.
    current = Policy.model_validate_json(Envelope.from_json(envelope_json).payload)
    if as_json:
        print_json(current.model_dump(mode="json"))
    else:
        click.echo(f"# version {current.version}, valid until {time_text(current.not_after_ms)}")
        click.echo(policy_to_toml(current), nl=False)


@policy.command()
@click.argument("file", type=EXISTING_FILE)
def check(file: Path) -> None:
    """Check a policy file without signing it."""
    checked = policy_from_toml(file.read_text(encoding="utf-8"), version=1, now_ms=now_ms())
    click.echo(f"valid: {len(checked.tiers)} tiers, {len(checked.organizations)} organizations")


@policy.command()
@click.argument("file", type=EXISTING_FILE)
@root_key
@as_identity(required=False)
@click.option("--version", type=click.IntRange(1), help="One more than the edge's if left out, which needs --as.")
@click.option("--out", type=FILE, help="Write the signed policy here, to be carried to an edge.")
@passphrase_file
@as_json
def sign(
    file: Path,
    key_file: Path,
    identity_folder: Path | None,
    version: int | None,
    out: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Sign a policy file, and submit it to the edge if --as is given."""
    if identity_folder is None and (version is None or out is None):
        raise click.UsageError("Give --as to submit the policy, or --version and --out to carry it.")
    key = SigningKey.load(key_file, read_passphrase(passphrase_file))
    identity = load_identity(identity_folder, Role.OPERATOR) if identity_folder else None
    if version is None and identity is not None:
        current = policy_shown(run(_fetch(identity)), key.verify_key)
        version = current.version + 1 if current else 1
    signed = sign_document(
        policy_from_toml(file.read_text(encoding="utf-8"), version=version or 1, now_ms=now_ms()), key
    ).to_json()
    if out is not None:
        out.write_bytes(signed)
    if identity is not None:
        run(_submit(identity, signed))
    if as_json:
        print_json({"version": version, "in_force": identity is not None, "file": str(out) if out else None})
    else:
        click.echo(f"policy version {version} signed{' and in force' if identity else ''}")


async def _submit(identity: Identity, envelope_json: bytes) -> None:
    async with OperatorClient(identity) as client:
        await client.submit(envelope_json)


async def _fetch(identity: Identity) -> bytes | None:
    async with OperatorClient(identity) as client:
        return await client.document("policy")
