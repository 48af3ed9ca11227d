"""`edge consent`: a household decides."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from edge.cli.options import FILE, as_identity, as_json, load_identity, run
from edge.cli.output import enum_word, plain, print_json, safe, time_text
from edge.errors import NotFoundError
from edge_sdk.household import HouseholdClient
from edge_sdk.identity import Identity, Role
from edge_sdk.wire.v1.household_pb2 import Consent, ConsentState, Offer

if TYPE_CHECKING:
    from pathlib import Path

    from edge_sdk.envelope import Envelope


@click.group()
def consent() -> None:
    """What organizations offer, and what this household has agreed to."""


@consent.command(name="list")
@as_identity()
@as_json
def list_(identity_folder: Path, as_json: bool) -> None:
    """Show what is offered and what was decided."""
    offers, consents = run(_list(load_identity(identity_folder, Role.HOUSEHOLD)))
    if as_json:
        print_json({"offers": [plain(item) for item in offers], "consents": [plain(item) for item in consents]})
        return
    for offer in offers:
        _show_offer(offer)
    for item in consents:
        _show_consent(item)


@consent.command()
@click.argument("organization")
@click.argument("service")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day (UTC); the edge's default if left out.")
@as_identity()
@as_json
def grant(
    organization: str,
    service: str,
    until: datetime | None,
    identity_folder: Path,
    as_json: bool,
) -> None:
    """Consent to what ORGANIZATION's SERVICE offers, exactly as `edge consent list` shows it."""
    expires_ms = int(until.replace(hour=23, minute=59, tzinfo=UTC).timestamp() * 1000) if until else 0
    granted = run(_grant(load_identity(identity_folder, Role.HOUSEHOLD), organization, service, expires_ms))
    if as_json:
        print_json(plain(granted))
    else:
        _show_consent(granted)


@consent.command()
@click.argument("organization")
@click.argument("service")
@as_identity()
def refuse(organization: str, service: str, identity_folder: Path) -> None:
    """Decline an offer."""
    _show_consent(run(_refuse(load_identity(identity_folder, Role.HOUSEHOLD), organization, service)))


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
        _show_consent(withdrawn)
        click.echo(f"{cancelled} waiting actions cancelled")


@consent.command()
@click.argument("consent_id")
@as_identity()
@click.option("--out", type=FILE, help="Write the signed receipt (a DSSE envelope) here.")
def receipt(consent_id: str, identity_folder: Path, out: Path | None) -> None:
    """Fetch a signed receipt (ISO/IEC TS 27560), verify it and show it."""
    envelope = run(_receipt(load_identity(identity_folder, Role.HOUSEHOLD), consent_id))
    if out is not None:
        out.write_bytes(envelope.to_json())
    print_json(json.loads(envelope.payload))


async def _list(identity: Identity) -> tuple[list[Offer], list[Consent]]:
    async with HouseholdClient(identity) as client:
        return await client.offers(), await client.consents()


async def _offer(client: HouseholdClient, organization: str, service: str) -> Offer:
    for offer in await client.offers():
        if (offer.terms.organization, offer.terms.service) == (organization, service):
            return offer
    raise NotFoundError(
        f"{organization} offers no service {service} here.",
        advice="`edge consent list` shows what is offered.",
        reason="OFFER_NOT_FOUND",
    )


async def _grant(identity: Identity, organization: str, service: str, expires_ms: int) -> Consent:
    async with HouseholdClient(identity) as client:
        return await client.grant((await _offer(client, organization, service)).terms, expires_ms)


async def _refuse(identity: Identity, organization: str, service: str) -> Consent:
    async with HouseholdClient(identity) as client:
        return await client.refuse((await _offer(client, organization, service)).terms)


async def _withdraw(identity: Identity, consent_id: str) -> tuple[Consent, int]:
    async with HouseholdClient(identity) as client:
        return await client.withdraw(consent_id)


async def _receipt(identity: Identity, consent_id: str) -> Envelope:
    async with HouseholdClient(identity) as client:
        return await client.receipt(consent_id)


def _show_offer(offer: Offer) -> None:
    terms = offer.terms
    click.echo(
        safe(f"offer    {terms.organization} {terms.service}  {'consented' if offer.consented else 'not consented'}")
    )
    click.echo(safe(f"    purpose: {terms.purpose}"))
    click.echo(f"    reads {', '.join(terms.series)}; may cause {', '.join(terms.action_kinds)}")
    click.echo(f"    can tell at most {offer.leak_bits_per_day:.1f} bits about you in a day")


def _show_consent(consent: Consent) -> None:
    state = enum_word(ConsentState.Name(consent.state), "ConsentState")
    click.echo(
        safe(f"consent  {consent.consent_id}  {consent.terms.organization} {consent.terms.service}  {state}")
        + f"  until {time_text(consent.expires_ms)}"
    )
