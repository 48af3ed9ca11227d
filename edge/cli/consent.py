"""`edge consent`: a household decides."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from edge.cli.action import language_option
from edge.cli.decision import describe_consent, describe_offer, describe_receipt
from edge.cli.options import FILE, as_identity, as_json, load_identity, run
from edge.cli.output import plain, print_json
from edge.errors import InvalidRequestError, NotFoundError
from edge_sdk.household import HouseholdClient
from edge_sdk.identity import Identity, Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge_sdk.envelope import Envelope
    from edge_sdk.wire.v1.household_pb2 import Consent, Offer


@click.group()
def consent() -> None:
    """What organizations offer, and what this household has agreed to."""


def _which_offer(command: Callable[..., None]) -> Callable[..., None]:
    """Takes ORGANIZATION, SERVICE and `--purpose`."""
    purpose = click.option(
        "--purpose", default="", help="How the offer's purpose begins; needed where the service has several."
    )
    return click.argument("organization")(click.argument("service")(purpose(command)))


@consent.command(name="list")
@language_option
@as_identity()
@as_json
def list_(language: str, identity_folder: Path, as_json: bool) -> None:
    """Show what is offered, with all that there is to know of it, and what was decided."""
    offers, consents = run(_list(load_identity(identity_folder, Role.HOUSEHOLD)))
    if as_json:
        print_json({"offers": [plain(item) for item in offers], "consents": [plain(item) for item in consents]})
        return
    for offer in offers:
        click.echo(describe_offer(offer, language))
    for item in consents:
        click.echo(describe_consent(item))


@consent.command()
@_which_offer
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day (UTC); the edge's default if left out.")
@as_identity()
@as_json
def grant(
    organization: str,
    service: str,
    purpose: str,
    until: datetime | None,
    identity_folder: Path,
    as_json: bool,
) -> None:
    """Consent to what ORGANIZATION's SERVICE offers, exactly as `edge consent list` shows it.

    It takes the place of an earlier consent for the same purpose. One to the same terms stays as it is, unless
    --until says otherwise.
    """
    expires_ms = int(until.replace(hour=23, minute=59, tzinfo=UTC).timestamp() * 1000) if until else 0
    identity = load_identity(identity_folder, Role.HOUSEHOLD)
    _show(run(_grant(identity, organization, service, purpose, expires_ms)), as_json=as_json)


@consent.command()
@_which_offer
@as_identity()
@as_json
def refuse(organization: str, service: str, purpose: str, identity_folder: Path, as_json: bool) -> None:
    """Decline an offer as it is; it is not asked again until its terms change."""
    identity = load_identity(identity_folder, Role.HOUSEHOLD)
    _show(run(_refuse(identity, organization, service, purpose)), as_json=as_json)


@consent.command()
@click.argument("consent_id")
@as_identity()
@as_json
def withdraw(consent_id: str, identity_folder: Path, as_json: bool) -> None:
    """Withdraw a consent: before the next evaluation, and with it what waits to be delivered."""
    withdrawn, cancelled = run(_withdraw(load_identity(identity_folder, Role.HOUSEHOLD), consent_id))
    if as_json:
        print_json({"consent": plain(withdrawn), "actions_cancelled": cancelled})
    else:
        click.echo(describe_consent(withdrawn))
        click.echo(f"{cancelled} waiting actions cancelled")


@consent.command()
@click.argument("consent_id")
@as_identity()
@click.option("--out", type=FILE, help="Write the signed receipt (a DSSE envelope) here.")
@as_json
def receipt(consent_id: str, identity_folder: Path, out: Path | None, as_json: bool) -> None:
    """Fetch a signed receipt (ISO/IEC TS 27560), verify it and show it."""
    envelope = run(_receipt(load_identity(identity_folder, Role.HOUSEHOLD), consent_id))
    if out is not None:
        out.write_bytes(envelope.to_json())
    fields: dict[str, Any] = json.loads(envelope.payload)
    if as_json:
        print_json(fields)
    else:
        click.echo(describe_receipt(fields))


async def _list(identity: Identity) -> tuple[list[Offer], list[Consent]]:
    async with HouseholdClient(identity) as client:
        return await client.offers(), await client.consents()


async def _offer(client: HouseholdClient, organization: str, service: str, purpose: str) -> Offer:
    found = [
        offer
        for offer in await client.offers()
        if (offer.terms.organization, offer.terms.service) == (organization, service)
        and offer.terms.purpose.startswith(purpose)
    ]
    if not found:
        raise NotFoundError(
            f"{organization} offers no service {service}{' for such a purpose' if purpose else ''} here.",
            advice="`edge consent list` shows what is offered.",
            reason="OFFER_NOT_FOUND",
        )
    if len(found) > 1:
        raise InvalidRequestError(
            f"{organization} offers {service} for {len(found)} purposes, each a decision of its own.",
            advice="Say which one with --purpose and how it begins.",
            reason="OFFER_AMBIGUOUS",
        )
    return found[0]


async def _grant(identity: Identity, organization: str, service: str, purpose: str, expires_ms: int) -> Consent:
    async with HouseholdClient(identity) as client:
        return await client.grant((await _offer(client, organization, service, purpose)).terms, expires_ms)


async def _refuse(identity: Identity, organization: str, service: str, purpose: str) -> Consent:
    async with HouseholdClient(identity) as client:
        return await client.refuse((await _offer(client, organization, service, purpose)).terms)


async def _withdraw(identity: Identity, consent_id: str) -> tuple[Consent, int]:
    async with HouseholdClient(identity) as client:
        return await client.withdraw(consent_id)


async def _receipt(identity: Identity, consent_id: str) -> Envelope:
    async with HouseholdClient(identity) as client:
        return await client.receipt(consent_id)


def _show(decided: Consent, *, as_json: bool) -> None:
    if as_json:
        print_json(plain(decided))
    else:
        click.echo(describe_consent(decided))
