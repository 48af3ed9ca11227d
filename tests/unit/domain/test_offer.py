from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from edge.domain.consent import Consent, ConsentState, SeriesTerms, Terms
from edge.domain.offer import Offer, OfferState, offers_of
from edge.domain.trigger import Trigger
from edge_sdk.manifest import Manifest

if TYPE_CHECKING:
    from edge.domain.approval import Approval

BOILER = {"name": "off", "kind": "appliance", "appliance": "boiler", "command": {"on": False}}
NOW_MS = 1_500


def trigger(manifest: Manifest, approval: Approval, *, organization: str = "sunny", **changes: Any) -> Trigger:
    """A trigger like the one of `manifest`, with another table, inputs or actions."""
    document = manifest.model_dump(mode="json", exclude_none=True)
    document["input"] = changes.pop("input", document["input"])
    document["action"] = changes.pop("action", document["action"])
    document["trigger"] |= changes
    return Trigger(organization, "sha256:00", Manifest.model_validate(document), approval)


def decision(terms: Terms, decided: ConsentState = ConsentState.GRANTED, ended_ms: int | None = None) -> Consent:
    """A decision that is in force unless it says otherwise."""
    return Consent("c1", "h1", terms, decided, decided_ms=1_000, expires_ms=2_000, ended_ms=ended_ms)


@pytest.fixture
def pair(manifest: Manifest, approval: Approval) -> list[Trigger]:
    """Two triggers of one service and purpose that read and do different things."""
    first = [{"series": "power_export", "window": "1h", "resolution": "15m"}]
    second = [
        {"series": "power_export", "window": "15m", "resolution": "5m"},
        {"series": "gas", "window": "1d", "resolution": "1h"},
    ]
    return [
        trigger(manifest, approval, name="first", input=first),
        trigger(manifest, approval, name="second", input=second, action=[BOILER]),
    ]


def only(triggers: list[Trigger], *decisions: Consent) -> Offer:
    (offer,) = offers_of(triggers, decisions, NOW_MS)
    return offer


def test_one_offer_for_service_and_purpose(pair: list[Trigger]) -> None:
    """Triggers of one organization, service and purpose are one offer, of the least terms that cover each of them."""
    offer = only(pair)
    assert offer.terms == Terms(
        "sunny",
        "charging-advice",
        "Advise when to charge.",
        frozenset({SeriesTerms("power_export", 3_600, 300), SeriesTerms("gas", 86_400, 3_600)}),
        frozenset({"recommendation", "appliance:ev_charger", "appliance:boiler"}),
    )
    assert [item.trigger for item in offer.triggers] == pair
    assert all(offer.terms.cover(item.terms) for item in pair)


def test_separate_offers(manifest: Manifest, approval: Approval, pair: list[Trigger]) -> None:
    """Another organization, service or purpose is another offer; bits are counted over an organization."""
    others = [
        trigger(manifest, approval, name="third", purpose="Sell."),
        trigger(manifest, approval, name="fourth", service="research"),
        trigger(manifest, approval, organization="shady"),
    ]
    offers = offers_of([*others, *pair], [], NOW_MS)
    identities = [offer.terms.identity for offer in offers]
    assert identities == sorted({item.terms.identity for item in [*others, *pair]})
    sunny = sum(item.manifest.leak_bits_per_day for item in [*others[:2], *pair])
    assert [offer.leak_bits_per_day for offer in offers] == pytest.approx(
        [others[2].manifest.leak_bits_per_day, *[sunny] * 3]
    )


def test_no_offer() -> None:
    """Where nothing runs, nothing is offered."""
    assert offers_of([], [], NOW_MS) == []


def test_states(pair: list[Trigger]) -> None:
    """An offer is undecided, granted in all, outgrown where a consent covers a part, refused as it stands."""
    offered, part = only(pair).terms, pair[0].terms
    wider = replace(offered, action_kinds=offered.action_kinds | {"appliance:battery"})
    refused, ended = ConsentState.REFUSED, ConsentState.WITHDRAWN
    cases: list[tuple[list[Consent], OfferState, list[bool]]] = [
        ([], OfferState.UNDECIDED, [False, False]),
        ([decision(offered)], OfferState.GRANTED, [True, True]),
        ([decision(wider)], OfferState.GRANTED, [True, True]),
        ([decision(part)], OfferState.OUTGROWN, [True, False]),
        ([decision(replace(part, series=frozenset()))], OfferState.OUTGROWN, [False, False]),
        ([decision(offered, refused)], OfferState.REFUSED, [False, False]),
        ([decision(part, refused)], OfferState.UNDECIDED, [False, False]),
        ([decision(offered, refused), decision(part)], OfferState.REFUSED, [True, False]),
        ([decision(part, refused), decision(part)], OfferState.OUTGROWN, [True, False]),
        ([decision(offered, refused, ended_ms=1_200)], OfferState.UNDECIDED, [False, False]),
        ([decision(offered, ended, ended_ms=1_200)], OfferState.UNDECIDED, [False, False]),
        ([replace(decision(offered), expires_ms=NOW_MS)], OfferState.UNDECIDED, [False, False]),
        ([decision(replace(offered, purpose="Sell."))], OfferState.UNDECIDED, [False, False]),
    ]
    for decisions, state, consented in cases:
        offer = only(pair, *decisions)
        assert (offer.state, [item.consented for item in offer.triggers]) == (state, consented), decisions
