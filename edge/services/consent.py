"""Offers and consents: the household decides."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from edge.domain.consent import Consent, ConsentState, Terms
from edge.domain.event import Event, EventKind, household_subject
from edge.domain.offer import Offer, OfferState, offers_of
from edge.domain.slot import DAY_MS
from edge.errors import ConflictError, InvalidRequestError, LimitError, NotFoundError
from edge.services.triggers import active_triggers
from edge_sdk.catalogue import APPLIANCES, CATALOGUE
from edge_sdk.manifest import WINDOW_S_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from edge.clock import Clock
    from edge.services.audit import AuditLog
    from edge.services.documents import Documents
    from edge.settings import ConsentSection
    from edge.store.store import Store, Tables, Transaction


class Consents:
    """What households decide, and what follows from it at once."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        documents: Documents,
        settings: ConsentSection,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._audit = audit
        self._documents = documents
        self._settings = settings
        self._clock = clock
        self._random_bytes = random_bytes

    async def offers(self, household_id: str) -> list[Offer]:
        """Returns what the triggers that may run now need of this household, by organization, service and purpose."""
        now_ms = self._clock.now_ms()
        return await self._store.read(
            lambda tables: self._offers(tables, tables.consents.of_household(household_id), now_ms)
        )

    async def decisions(self, household_id: str) -> list[Consent]:
        """Returns every decision of a household, newest first."""
        return await self._store.read(lambda tables: tables.consents.of_household(household_id))

    async def grant(self, household_id: str, terms: Terms, expires_ms: int | None) -> Consent:
        """Consents to `terms`, in place of what was decided before about the same service and purpose.

        A consent in force to just these terms is returned as it is, unless the household asks for another expiry.

        Raises:
            NotFoundError: nobody offers this service for this purpose here.
            InvalidRequestError: the terms would permit nothing that is offered, or the expiry is out of bounds.
            LimitError: the household has decided as often as it may.
        """
        now_ms = self._clock.now_ms()
        expiry_ms = self._expiry(expires_ms, now_ms)
        consent = self._decision(household_id, terms, ConsentState.GRANTED, now_ms, expiry_ms)

        def work(transaction: Transaction) -> Consent:
            decisions = transaction.consents.of_household(household_id)
            offer = self._offer(transaction, terms, decisions, now_ms)
            _check_permits_something(terms, offer)
            for earlier in decisions:
                in_force = earlier.terms == terms and earlier.state(now_ms) is ConsentState.GRANTED
                if in_force and expires_ms in (None, earlier.expires_ms):
                    return earlier
            self._check_room(decisions)
            self._take_place(transaction, consent, decisions)
            transaction.consents.insert(consent)
            self._audit.record(transaction, [_event(EventKind.CONSENT_GRANTED, now_ms, consent)])
            return consent

        return await self._store.write(work)

    async def refuse(self, household_id: str, terms: Terms) -> Consent:
        """Declines an offer. One that is declined already stays so, by the same decision.

        A narrower consent in force stays in force: what is declined is what goes beyond it.

        Raises:
            NotFoundError: nobody offers this service for this purpose here.
            ConflictError: the offer has other terms, or a consent in force covers it.
            LimitError: the household has decided as often as it may.
        """
        now_ms = self._clock.now_ms()
        refusal = self._decision(household_id, terms, ConsentState.REFUSED, now_ms, now_ms)

        def work(transaction: Transaction) -> Consent:
            decisions = transaction.consents.of_household(household_id)
            _check_refusable(terms, self._offer(transaction, terms, decisions, now_ms))
            for earlier in decisions:
                if earlier.refuses and earlier.terms == terms:
                    return earlier
            self._check_room(decisions)
            _end_refusals(transaction, refusal, decisions)
            transaction.consents.insert(refusal)
            self._audit.record(transaction, [_event(EventKind.CONSENT_REFUSED, now_ms, refusal)])
            return refusal

        return await self._store.write(work)

    async def withdraw(self, household_id: str, consent_id: str) -> tuple[Consent, int]:
        """Ends a consent before the next evaluation and cancels what waits under it.

        Returns:
            The consent as it is now, and how many actions were cancelled.

        Raises:
            NotFoundError: the household has no such consent.
            ConflictError: it was withdrawn or refused already.
        """
        now_ms = self._clock.now_ms()

        def work(transaction: Transaction) -> tuple[Consent, int]:
            return self._end(transaction, consent_of(transaction, household_id, consent_id), now_ms)

        return await self._store.write(work)

    def _offers(self, tables: Tables, decisions: Sequence[Consent], now_ms: int) -> list[Offer]:
        return offers_of(self._documents.permitted(active_triggers(tables, now_ms)), decisions, now_ms)

    def _offer(self, tables: Tables, terms: Terms, decisions: Sequence[Consent], now_ms: int) -> Offer:
        for offer in self._offers(tables, decisions, now_ms):
            if offer.terms.identity == terms.identity:
                return offer
        raise NotFoundError(
            f"Organization {terms.organization!r} offers no service {terms.service!r} for this purpose here.",
            advice="`edge consent list` shows what is offered.",
            reason="OFFER_NOT_FOUND",
        )

    def _decision(
        self, household_id: str, terms: Terms, decided: ConsentState, now_ms: int, expires_ms: int
    ) -> Consent:
        return Consent(self._random_bytes(16).hex(), household_id, terms, decided, now_ms, expires_ms)

    def _expiry(self, expires_ms: int | None, now_ms: int) -> int:
        if expires_ms is None:
            return now_ms + self._settings.days_default * DAY_MS
        if not now_ms < expires_ms <= now_ms + self._settings.days_max * DAY_MS:
            raise InvalidRequestError(
                f"A consent ends between now and {self._settings.days_max} days from now.",
                advice="Choose an expiry within that time.",
                reason="CONSENT_EXPIRY",
            )
        return expires_ms

    def _check_room(self, decisions: Sequence[Consent]) -> None:
        if len(decisions) >= self._settings.decisions_max:
            raise LimitError(
                f"This household has granted and refused {len(decisions)} times, as often as this edge keeps.",
                advice="Withdrawing still works. The operator can raise `consent.decisions_max`.",
                reason="CONSENT_DECISIONS_TOO_MANY",
            )

    def _take_place(self, transaction: Transaction, consent: Consent, decisions: Sequence[Consent]) -> None:
        # What was refused beyond it stays refused.
        _end_refusals(transaction, consent, [earlier for earlier in decisions if consent.terms.cover(earlier.terms)])
        now_ms = consent.decided_ms
        # What waits was agreed to; it is cancelled only where the household does not agree to it any more.
        agreed = {
            item.module_digest for item in active_triggers(transaction, now_ms) if consent.terms.cover(item.terms)
        }
        for earlier in decisions:
            if earlier.terms.identity == consent.terms.identity and earlier.decided is ConsentState.GRANTED:
                self._end(transaction, earlier, now_ms, None if consent.terms.cover(earlier.terms) else agreed)

    def _end(
        self, transaction: Transaction, consent: Consent, now_ms: int, agreed: Collection[str] | None = ()
    ) -> tuple[Consent, int]:
        """Withdraws a consent, and cancels what waits under it and under those whose place it took.

        Args:
            transaction: in which.
            consent: which.
            now_ms: when.
            agreed: digests of modules whose actions the household still agrees to; None for all.
        """
        withdrawn = consent.withdraw(now_ms)
        transaction.consents.update(withdrawn)
        cancelled = 0 if agreed is None else transaction.actions.cancel(withdrawn.household_id, withdrawn.terms, agreed)
        self._audit.record(transaction, [_event(EventKind.CONSENT_WITHDRAWN, now_ms, withdrawn, cancelled=cancelled)])
        return withdrawn, cancelled


def consent_of(tables: Tables, household_id: str, consent_id: str) -> Consent:
    """Returns a consent of a household.

    Raises:
        NotFoundError: it has no such consent.
    """
    consent = tables.consents.get(household_id, consent_id)
    if consent is None:
        raise NotFoundError(
            f"This household has no consent {consent_id!r}.",
            advice="`edge consent list` shows its consents.",
            reason="CONSENT_NOT_FOUND",
        )
    return consent


def series_facts(terms: Terms) -> list[dict[str, object]]:
    """Returns what may be read, exactly and in words, JSON-like."""
    ordered = sorted(terms.series, key=lambda item: item.name)
    return [{**asdict(item), "in_words": item.in_words()} for item in ordered]


def _check_permits_something(terms: Terms, offer: Offer) -> None:
    kinds = {"recommendation", *(f"appliance:{appliance}" for appliance in APPLIANCES)}
    known = all(
        item.name in CATALOGUE and 1 <= item.resolution_s <= item.window_s <= WINDOW_S_MAX for item in terms.series
    )
    if not known or not terms.action_kinds <= kinds:
        raise InvalidRequestError(
            "The terms name series, windows or kinds of action that there are not.",
            advice="Consent to the offer as it is.",
            reason="TERMS_UNKNOWN",
        )
    if not any(terms.cover(item.trigger.terms) for item in offer.triggers):
        raise _permits_nothing(terms, offer.triggers[0].trigger.terms)


def _permits_nothing(terms: Terms, needed: Terms) -> InvalidRequestError:
    missing = [item.in_words() for item in needed.series if not any(agreed.cover(item) for agreed in terms.series)]
    missing += needed.action_kinds - terms.action_kinds
    return InvalidRequestError(
        f"This consent would permit nothing: it leaves out {'; '.join(sorted(missing))}.",
        advice="Consent to the offer as it is, or refuse it.",
        reason="CONSENT_PERMITS_NOTHING",
    )


def _check_refusable(terms: Terms, offer: Offer) -> None:
    if terms != offer.terms:
        raise ConflictError(
            "These are not the terms of the offer, which may have changed.",
            advice="Look at it again (`edge consent list`), then refuse it as it is.",
            reason="OFFER_CHANGED",
        )
    if offer.state is OfferState.GRANTED:
        raise ConflictError(
            "A consent in force covers this offer.",
            advice="Withdraw the consent: `edge consent withdraw`.",
            reason="CONSENT_IN_FORCE",
        )


def _end_refusals(transaction: Transaction, decision: Consent, decisions: Sequence[Consent]) -> None:
    for earlier in decisions:
        if earlier.refuses and earlier.terms.identity == decision.terms.identity:
            transaction.consents.update(replace(earlier, ended_ms=decision.decided_ms))


def _event(kind: EventKind, now_ms: int, consent: Consent, **more: object) -> Event:
    terms = consent.terms
    detail: dict[str, object] = {
        "consent": consent.consent_id,
        "organization": terms.organization,
        "service": terms.service,
        "purpose": terms.purpose,
        "series": series_facts(terms),
        "action_kinds": sorted(terms.action_kinds),
        "expires_ms": consent.expires_ms,
        **more,
    }
    return Event(kind, now_ms, (household_subject(consent.household_id),), detail)
