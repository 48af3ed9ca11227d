"""An offer: what an organization asks of a household for one service and purpose, and where the household stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from itertools import groupby
from typing import TYPE_CHECKING

from edge.domain.consent import ConsentState, Terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.domain.consent import Consent
    from edge.domain.trigger import Trigger


class OfferState(StrEnum):
    """Where a household stands with an offer."""

    UNDECIDED = "undecided"
    """No decision stands."""
    GRANTED = "granted"
    """A consent in force covers all of it."""
    OUTGROWN = "outgrown"
    """A consent in force covers a part of it at most; the rest does not run."""
    REFUSED = "refused"
    """These very terms were refused. What an earlier consent covers runs on."""


@dataclass(frozen=True, slots=True)
class OfferedTrigger:
    """One trigger of an offer, and whether a consent in force covers it."""

    trigger: Trigger
    consented: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What a household could consent to now.

    Attributes:
        terms: the least that covers every one of its triggers.
        leak_bits_per_day: over all that the organization runs here.
    """

    terms: Terms
    state: OfferState
    leak_bits_per_day: float
    triggers: tuple[OfferedTrigger, ...]


def offers_of(triggers: Sequence[Trigger], decisions: Sequence[Consent], now_ms: int) -> list[Offer]:
    """Returns what `triggers`, all that run here, ask of the household that decided `decisions`."""
    bits: dict[str, float] = {}
    for trigger in triggers:
        bits[trigger.organization] = bits.get(trigger.organization, 0.0) + trigger.manifest.leak_bits_per_day
    ordered = sorted(triggers, key=lambda trigger: (trigger.terms.identity, trigger.key))
    return [
        _offer(list(group), decisions, bits[identity[0]], now_ms)
        for identity, group in groupby(ordered, key=lambda trigger: trigger.terms.identity)
    ]


def _offer(triggers: Sequence[Trigger], decisions: Sequence[Consent], bits: float, now_ms: int) -> Offer:
    terms = reduce(Terms.union, (trigger.terms for trigger in triggers))
    own = [consent for consent in decisions if consent.terms.identity == terms.identity]
    return Offer(
        terms=terms,
        state=_state(terms, own, now_ms),
        leak_bits_per_day=bits,
        triggers=tuple(
            OfferedTrigger(trigger, any(consent.permits(trigger.terms, now_ms) for consent in own))
            for trigger in triggers
        ),
    )


def _state(terms: Terms, decisions: Sequence[Consent], now_ms: int) -> OfferState:
    if any(consent.permits(terms, now_ms) for consent in decisions):
        return OfferState.GRANTED
    if any(consent.refuses and consent.terms == terms for consent in decisions):
        return OfferState.REFUSED
    if any(consent.state(now_ms) is ConsentState.GRANTED for consent in decisions):
        return OfferState.OUTGROWN
    return OfferState.UNDECIDED
