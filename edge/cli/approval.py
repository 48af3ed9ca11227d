"""`edge module approve`: the operator's desk, where what an edge shows is checked, read and signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from edge.cli.digest import full_digest, spelled_out
from edge.cli.inspection import describe, inspect_module
from edge.cli.options import (
    FILE,
    all_edges,
    as_identity,
    as_json,
    load_identity,
    meant_edges,
    now_ms,
    of_organization,
    passphrase_file,
    read_passphrase,
    root_key,
    run,
)
from edge.cli.output import plain, print_json, safe, show_modules
from edge.domain.approval import Mode
from edge.domain.document import EVERY_EDGE
from edge.errors import ConflictError, Fault
from edge.services import sign as signing
from edge.services.vet import Shown, Vetted, Wanted, vet
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient

if TYPE_CHECKING:
    from pathlib import Path

    from edge.domain.approval import Approval
    from edge_sdk.wire.v1.module_pb2 import Module


_FINDINGS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Terms:
    """What the operator decides itself about an approval."""

    days: int
    fuel_max: int | None
    edges: tuple[str, ...]
    mode: Mode


@click.command()
@click.argument("digest")
@root_key
@as_identity()
@of_organization
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3_650), help="How long it may run.")
@click.option("--fuel", "fuel_max", type=click.IntRange(1), help="Most fuel of one evaluation; the tier's if left out.")
@all_edges
@click.option("--shadow", is_flag=True, help="Let it run beside the active version, without any effect.")
@click.option("--out", type=FILE, help="Write the signed approval here as well.")
@click.option("--yes", is_flag=True, help="Do not ask. Give the whole digest and --organization then.")
@passphrase_file
@as_json
def approve(
    digest: str,
    key_file: Path,
    identity_folder: Path,
    organization: str,
    days: int,
    fuel_max: int | None,
    all_edges: bool,
    shadow: bool,
    out: Path | None,
    yes: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Approve the module with this DIGEST (its beginning is enough): fetch, check, read, sign, submit."""
    identity = load_identity(identity_folder, Role.OPERATOR)
    key = SigningKey.load(key_file, read_passphrase(passphrase_file))
    shown = run(fetch(identity, digest, organization))
    wanted = Wanted(spelled_out(digest), organization)
    vetted = vet(shown, wanted, edge_id=identity.edge_id, operator_key=key.verify_key, now_ms=now_ms())
    examined = inspect_module(shown.wasm)
    check_admissible(examined)
    mode = Mode.SHADOW if shadow else Mode.ACTIVE
    terms = _Terms(days, fuel_max, meant_edges(identity, everywhere=all_edges), mode)
    if not yes:
        # With --json, standard output is for the one object.
        _ask(shown, vetted, examined, terms, err=as_json)
    signed = sign_document(_approval(shown, vetted, terms), key).to_json()
    if out is not None:
        out.write_bytes(signed)
    approved = run(submit(identity, signed))
    if as_json:
        print_json(plain(approved))
    else:
        show_modules([approved])


async def fetch(identity: Identity, digest: str, organization: str) -> Shown:
    """Asks an edge for everything that an approval is signed over, and believes none of it."""
    async with OperatorClient(identity) as client:
        module = await client.module(await full_digest(client, digest, organization), organization)
        return Shown(
            digest=module.digest,
            organization=module.organization,
            wasm=await client.download(module.digest, module.organization),
            report_json=module.report.canonical_json,
            report_digest=module.report.digest,
            approval_version=module.approval_version,
            policy_json=await client.document("policy"),
        )


def check_admissible(examined: dict[str, Any]) -> None:
    """Checks, whether anybody reads it or not, that the code is admissible by this release too.

    Raises:
        ConflictError: it is not, so the edge has other limits, or lies.
    """
    if examined["admissible"]:
        return
    reasons = "; ".join(finding["message"] for finding in examined["findings"][:_FINDINGS_SHOWN])
    raise ConflictError(
        f"The edge admitted a module that is not admissible here: {reasons}",
        advice="Sign nothing: the edge does not tell the truth, or runs under wider limits than this release's.",
        reason="ANSWER_FALSE",
        fault=Fault.EDGE,
    )


def _ask(shown: Shown, vetted: Vetted, examined: dict[str, Any], terms: _Terms, *, err: bool) -> None:
    click.echo(_to_read(shown, vetted, examined), err=err)
    where = "every edge" if terms.edges == (EVERY_EDGE,) else ", ".join(terms.edges)
    what = "an approval as a shadow" if terms.mode is Mode.SHADOW else "an approval"
    question = f"Sign {what} for {safe(shown.organization)} on {where}, {terms.days} days?"
    click.confirm(question, abort=True, err=err)


def _approval(shown: Shown, vetted: Vetted, terms: _Terms) -> Approval:
    return signing.approval(
        organization=shown.organization,
        trigger=vetted.manifest.trigger.name,
        module_digest=shown.digest,
        report_digest=shown.report_digest,
        policy=vetted.policy,
        version=shown.approval_version + 1,
        now_ms=now_ms(),
        days=terms.days,
        fuel_max=terms.fuel_max,
        edges=terms.edges,
        mode=terms.mode,
    )


def _to_read(shown: Shown, vetted: Vetted, examined: dict[str, Any]) -> str:
    """Returns what was found here and what the edge found, which is what the signature will be over."""
    lines = [describe(examined), "", f"The edge's own report, {safe(shown.report_digest)}:"]
    facts: dict[str, Any] = vetted.report["facts"]
    for name, title in (("compile", "compiling"), ("dry_run", "dry run"), ("leak", "leak bound")):
        lines.append(safe(f"  {title}: {', '.join(f'{key} {value}' for key, value in facts[name].items())}"))
    return "\n".join([*lines, "  findings: none", ""])


async def submit(identity: Identity, envelope_json: bytes) -> Module:
    """Submits an approval and returns the module that it is for, as it stands now."""
    async with OperatorClient(identity) as client:
        return (await client.submit(envelope_json)).module
