"""`edge identity`: issues, lists and revokes certificates, at the operator's desk."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from edge.cli.options import (
    FOLDER,
    as_identity,
    as_json,
    load_identity,
    meant_edges,
    now_ms,
    operator_folder,
    passphrase_file,
    read_passphrase,
    run,
)
from edge.cli.output import print_json, time_text
from edge.services.identities import ROOT_KEY, Register
from edge.services.sign import revocations_after
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient

if TYPE_CHECKING:
    from pathlib import Path

    from edge_sdk.wire.v1.operator_pb2 import SubmitDocumentResponse

ROLE = click.Choice([role.value for role in Role if role is not Role.EDGE])


@click.group()
def identity() -> None:
    """Who may call the edge: certificates for meters, households, organizations and the operator."""


@identity.command()
@click.argument("role", type=ROLE)
@click.argument("name")
@operator_folder
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3_650), help="How long it is valid.")
@click.option("--address", help="host:port that the holder reaches the edge at; the operator's own if left out.")
@click.option("--out", type=FOLDER, help="Where to write it; a folder in the operator's if left out.")
@passphrase_file
@as_json
def issue(
    role: str,
    name: str,
    operator_folder: Path,
    days: int,
    address: str | None,
    out: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Issue a certificate to ROLE NAME; hand the folder to its holder over a safe way."""
    register = Register.open(operator_folder, read_passphrase(passphrase_file))
    issued, folder = register.issue(Role(role), name, address or register.address(), now_ms(), days, out)
    if as_json:
        print_json({"role": role, "name": name, "folder": str(folder), "not_after_ms": issued.not_after_ms})
    else:
        click.echo(f"{folder}  valid until {time_text(issued.not_after_ms)}")


@identity.command(name="list")
@operator_folder
@passphrase_file
@as_json
def list_(operator_folder: Path, passphrase_file: Path | None, as_json: bool) -> None:
    """Show every certificate that was issued."""
    issued = Register.open(operator_folder, read_passphrase(passphrase_file)).issued()
    if as_json:
        print_json({"identities": [asdict(item) for item in issued]})
        return
    for item in issued:
        state = "expired" if item.not_after_ms <= now_ms() else f"until {time_text(item.not_after_ms)}"
        click.echo(f"{item.role:12} {item.name:24} {state}  {item.serial_hex}")


@identity.command()
@click.argument("role", type=ROLE)
@click.argument("name")
@operator_folder
@as_identity()
@passphrase_file
def revoke(role: str, name: str, operator_folder: Path, identity_folder: Path, passphrase_file: Path | None) -> None:
    """Revoke every certificate of ROLE NAME: signs a new list of revocations and submits it."""
    passphrase = read_passphrase(passphrase_file)
    serials = Register.open(operator_folder, passphrase).serials_of(Role(role), name)
    key = SigningKey.load(operator_folder / ROOT_KEY, passphrase)
    accepted = run(revoke_at_edge(load_identity(identity_folder, Role.OPERATOR), key, certificates=serials))
    click.echo(f"{len(serials)} certificate(s) of {role} {name} revoked; revocations version {accepted.version}")


async def revoke_at_edge(
    identity: Identity,
    key: SigningKey,
    *,
    certificates: tuple[str, ...] = (),
    modules: tuple[str, ...] = (),
    everywhere: bool = False,
) -> SubmitDocumentResponse:
    """Adds to the edge's list of revocations, signed anew, for this edge or for every one of the operator's."""
    async with OperatorClient(identity) as client:
        before = await client.document("revocations")
        document = revocations_after(
            before,
            key.verify_key,
            certificates=certificates,
            modules=modules,
            now_ms=now_ms(),
            edges=meant_edges(identity, everywhere=everywhere),
        )
        return await client.submit(sign_document(document, key).to_json())
