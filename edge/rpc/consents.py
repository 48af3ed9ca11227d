"""Offers and consents on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.consent import Consent, ConsentState, SeriesTerms, Terms
from edge.domain.offer import Offer, OfferedTrigger, OfferState
from edge.errors import InvalidRequestError
from edge.rpc.actions import content_to_wire
from edge_sdk.wire.v1 import household_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CONSENT_STATES = {
    ConsentState.GRANTED: pb.CONSENT_STATE_GRANTED,
    ConsentState.WITHDRAWN: pb.CONSENT_STATE_WITHDRAWN,
    ConsentState.EXPIRED: pb.CONSENT_STATE_EXPIRED,
    ConsentState.REFUSED: pb.CONSENT_STATE_REFUSED,
}
_OFFER_STATES = {
    OfferState.UNDECIDED: pb.OFFER_STATE_UNDECIDED,
    OfferState.GRANTED: pb.OFFER_STATE_GRANTED,
    OfferState.OUTGROWN: pb.OFFER_STATE_OUTGROWN,
    OfferState.REFUSED: pb.OFFER_STATE_REFUSED,
}
_TERMS_MAX = 100


def terms_from_wire(terms: pb.ConsentTerms) -> Terms:
    """Returns what a household decides on.

    Raises:
        InvalidRequestError: it names more than there is, or a series twice.
    """
    if len(terms.series) > _TERMS_MAX or len(terms.action_kinds) > _TERMS_MAX:
        raise InvalidRequestError("The terms name more series or kinds of action than there are.")
    return Terms(
        terms.organization,
        terms.service,
        terms.purpose,
        frozenset(SeriesTerms(item.name, item.window_s, item.resolution_s) for item in terms.series),
        frozenset(terms.action_kinds),
    )


def consent_to_wire(consent: Consent, now_ms: int) -> pb.Consent:
    """Returns a decision as its household sees it."""
    return pb.Consent(
        consent_id=consent.consent_id,
        terms=_terms(consent.terms),
        state=_CONSENT_STATES[consent.state(now_ms)],
        decided_ms=consent.decided_ms,
        expires_ms=consent.expires_ms,
        ended_ms=consent.ended_ms,
    )


def offer_to_wire(offer: Offer) -> Iterator[pb.Offer]:
    """Yields an offer once for each of its triggers, with that trigger: all of them may be too much for a message."""
    for trigger in offer.triggers:
        yield pb.Offer(
            terms=_terms(offer.terms),
            state=_OFFER_STATES[offer.state],
            leak_bits_per_day=offer.leak_bits_per_day,
            triggers=[_trigger(trigger)],
        )


def _trigger(offered: OfferedTrigger) -> pb.OfferedTrigger:
    trigger, table = offered.trigger, offered.trigger.manifest.trigger
    wire = pb.OfferedTrigger(
        name=table.name,
        version=table.version,
        module_digest=trigger.module_digest,
        scope=table.scope,
        every_s=table.every_s,
        max_actions_per_day=table.max_actions_per_day,
        series=_series(trigger.terms.series),
        consented=offered.consented,
    )
    for declared in trigger.manifest.action:
        content_to_wire(declared, wire.actions.add(name=declared.name))
    return wire


def _terms(terms: Terms) -> pb.ConsentTerms:
    return pb.ConsentTerms(
        organization=terms.organization,
        service=terms.service,
        purpose=terms.purpose,
        series=_series(terms.series),
        action_kinds=sorted(terms.action_kinds),
    )


def _series(series: Iterable[SeriesTerms]) -> list[pb.SeriesTerms]:
    return [
        pb.SeriesTerms(name=item.name, window_s=item.window_s, resolution_s=item.resolution_s)
        for item in sorted(series, key=lambda item: item.name)
    ]
