"""Offers, consents and receipts, for a person to read before and after deciding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge.cli.action import content_text
from edge.cli.output import SHORT_DIGEST, enum_word, safe, time_text
from edge_sdk.catalogue import in_words
from edge_sdk.durations import every_in_words
from edge_sdk.wire.v1.household_pb2 import (
    CONSENT_STATE_GRANTED,
    OFFER_STATE_GRANTED,
    OFFER_STATE_OUTGROWN,
    OFFER_STATE_REFUSED,
    OFFER_STATE_UNDECIDED,
    Consent,
    ConsentState,
    ConsentTerms,
    Offer,
    OfferedAction,
    OfferedTrigger,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATES = {
    OFFER_STATE_UNDECIDED: "not decided",
    OFFER_STATE_GRANTED: "granted",
    OFFER_STATE_OUTGROWN: "granted in part: the rest needs a new consent",
    OFFER_STATE_REFUSED: "refused",
}
_SCOPES = {"household": "for your household", "neighbourhood": "for the neighbourhood as a whole"}


def describe_offer(offer: Offer, language: str) -> str:
    """Returns all that a household needs to decide, with nothing in it that a terminal would act on."""
    terms = offer.terms
    all_of_it = f"all that {terms.organization} runs here"
    lines = [
        f"offer    {terms.organization} {terms.service}  {_STATES.get(offer.state, 'unknown')}",
        *_terms_lines(terms),
        f"    {all_of_it} can tell at most {offer.leak_bits_per_day:.1f} bits about you in a day",
    ]
    for trigger in offer.triggers:
        lines += _trigger_lines(trigger, language)
    return "\n".join(safe(line) for line in lines)


def describe_consent(consent: Consent) -> str:
    """Returns a decision, with nothing in it that a terminal would act on."""
    terms = consent.terms
    state = enum_word(ConsentState.Name(consent.state), "ConsentState")
    until = f"  until {time_text(consent.expires_ms)}" if consent.state == CONSENT_STATE_GRANTED else ""
    ended = f", ended {time_text(consent.ended_ms)}" if consent.HasField("ended_ms") else ""
    lines = [
        f"consent  {consent.consent_id}  {terms.organization} {terms.service}  {state}{until}",
        f"    decided {time_text(consent.decided_ms)}{ended}",
        *_terms_lines(terms),
    ]
    return "\n".join(safe(line) for line in lines)


def describe_receipt(receipt: dict[str, Any]) -> str:
    """Returns a receipt, with nothing in it that a terminal would act on."""
    service = receipt["services"][0]
    signed = f"signed by edge {receipt['processor']['name']} at {time_text(receipt['issued_ms'])}"
    between = f"{receipt['pii_principal_id']} to {receipt['pii_controllers'][0]['name']}, {service['service']}"
    lines = [
        f"receipt  {receipt['receipt_id']}  {signed}",
        f"    {between}: {receipt['state']}, decided {time_text(receipt['decided_ms'])}",
    ]
    for purpose in service["purposes"]:
        lines.append(f"    purpose: {purpose['purpose']}")
        lines += [f"    reads {item['in_words']}" for item in purpose["pii_categories"]]
        lines.append(f"    may cause {', '.join(purpose['actions'])}")
    return "\n".join(safe(line) for line in lines)


def _terms_lines(terms: ConsentTerms) -> Iterator[str]:
    yield f"    purpose: {terms.purpose}"
    for item in terms.series:
        yield f"    reads {in_words(item.name, item.window_s, item.resolution_s)}"
    yield f"    may cause {', '.join(terms.action_kinds)}"


def _trigger_lines(trigger: OfferedTrigger, language: str) -> Iterator[str]:
    runs = "runs under your consent" if trigger.consented else "does not run for you"
    yield f"    trigger {trigger.name} {trigger.version} ({trigger.module_digest[:SHORT_DIGEST]}), {runs}"
    scope = _SCOPES.get(trigger.scope, trigger.scope)
    yield f"        {every_in_words(trigger.every_s)} {scope}, at most {trigger.max_actions_per_day} actions a day:"
    for action in trigger.actions:
        yield f"        {action.name}: {_does(action, language)}"


def _does(action: OfferedAction, language: str) -> str:
    text = content_text(action, language)
    return f'says "{text}"' if action.WhichOneof("content") == "recommendation" else f"commands {text}"
