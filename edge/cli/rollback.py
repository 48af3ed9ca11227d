"""`edge module rollback`: back to the version that was active before, by a new approval."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from edge.cli.approval import check_admissible, fetch, submit
from edge.cli.digest import spelled_out
from edge.cli.inspection import inspect_module
from edge.cli.options import (
    as_identity,
    as_json,
    load_identity,
    now_ms,
    of_organization,
    passphrase_file,
    read_passphrase,
    root_key,
    run,
)
from edge.cli.output import enum_word, plain, print_json, safe, show_modules, time_text
from edge.domain.revocations import Revocations
from edge.errors import ConflictError, DocumentError, NotFoundError
from edge.services.rollback import approvals_shown, restored, version_before
from edge.services.vet import Shown, Wanted, vet
from edge.trust.documents import open_document, sign_document
from edge.trust.keys import SigningKey
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient
from edge_sdk.wire.v1.module_pb2 import ModuleState

if TYPE_CHECKING:
    from pathlib import Path

    from edge.domain.approval import Approval
    from edge.services.vet import Vetted
    from edge_sdk.envelope import VerifyKey
    from edge_sdk.wire.v1.module_pb2 import Module

_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{6,64}")


@click.command()
@click.argument("trigger")
@root_key
@as_identity()
@of_organization
@click.option("--yes", is_flag=True, help="Do not ask.")
@passphrase_file
@as_json
def rollback(
    trigger: str,
    key_file: Path,
    identity_folder: Path,
    organization: str,
    yes: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Approve the version of TRIGGER that was active before; TRIGGER may be a digest of one of its versions.

    The version that is active now is superseded. The one before runs within the limits it was approved with and those
    of the policy in force, until its approval would have ended. Once more, and the two change places again.
    """
    identity = load_identity(identity_folder, Role.OPERATOR)
    key = SigningKey.load(key_file, read_passphrase(passphrase_file))
    owner, name = run(_named(identity, trigger, organization))
    before, shown = run(_before(identity, key.verify_key, owner, name))
    wanted = Wanted(before.module_digest, owner)
    vetted = vet(shown, wanted, edge_id=identity.edge_id, operator_key=key.verify_key, now_ms=now_ms())
    check_admissible(inspect_module(shown.wasm))
    again = restored(
        before,
        vetted.policy,
        run(_revocations(identity, key.verify_key)),
        report_digest=shown.report_digest,
        version=shown.approval_version + 1,
        edge_id=identity.edge_id,
        now_ms=now_ms(),
    )
    if not yes:
        click.confirm(_question(again, vetted), abort=True, err=as_json)
    rolled_back = run(submit(identity, sign_document(again, key).to_json()))
    _print(rolled_back, as_json=as_json)


def _question(again: Approval, vetted: Vetted) -> str:
    version = safe(vetted.manifest.trigger.version)
    return (
        f"Sign an approval of {safe(again.trigger)} {version}, {again.module_digest}, for {safe(again.organization)} "
        f"on {', '.join(again.edges)}, until {time_text(again.not_after_ms)}?"
    )


def _print(module: Module, *, as_json: bool) -> None:
    if as_json:
        print_json(plain(module))
        return
    show_modules([module])
    if module.state != ModuleState.MODULE_STATE_ACTIVE:
        state = enum_word(ModuleState.Name(module.state), "ModuleState")
        click.echo(f"It is {state} and does not run until it is resumed: edge module resume", err=True)


async def _named(identity: Identity, trigger: str, organization: str) -> tuple[str, str]:
    """Returns whose trigger is meant, and its name."""
    async with OperatorClient(identity) as client:
        modules = [item for item in await client.modules() if organization in ("", item.organization)]
    found = {(item.organization, item.name) for item in modules if item.name == trigger}
    if not found and _DIGEST.fullmatch(trigger):
        wanted = spelled_out(trigger)
        found = {(item.organization, item.name) for item in modules if item.name and item.digest.startswith(wanted)}
    if not found:
        raise NotFoundError(
            f"There is no trigger {trigger!r} here.",
            advice="`edge module list` shows what there is.",
            reason="MODULE_NOT_FOUND",
        )
    if len(found) > 1:
        names = ", ".join(f"{owner}/{name}" for owner, name in sorted(found))
        raise ConflictError(
            f"{trigger} may be: {names}.", advice="Say whose is meant, with --organization.", reason="MODULE_AMBIGUOUS"
        )
    return found.pop()


async def _before(identity: Identity, key: VerifyKey, organization: str, trigger: str) -> tuple[Approval, Shown]:
    """Returns the approval to go back to, and what the edge shows of its module."""
    async with OperatorClient(identity) as client:
        envelopes = await client.approvals(organization, trigger)
    approvals = approvals_shown(envelopes, key, organization=organization, trigger=trigger)
    before = version_before(approvals, now_ms())
    return before, await fetch(identity, before.module_digest, organization)


async def _revocations(identity: Identity, key: VerifyKey) -> Revocations | None:
    async with OperatorClient(identity) as client:
        envelope_json = await client.document("revocations")
    document = open_document(envelope_json, key) if envelope_json else None
    if document is not None and not isinstance(document, Revocations):
        raise DocumentError("The edge showed another kind of document as its revocations.")
    return document
