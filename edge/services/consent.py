"""Offers, consents and receipts: the household decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import rfc8785

from edge.domain.consent import Consent, ConsentState, Terms
from edge.domain.event import Event, EventKind, household_subject
from edge.domain.slot import DAY_MS
from edge.domain.trigger import Trigger, active_trigger
from edge.errors import InvalidRequestError, NotFoundError
from edge_sdk.catalogue import APPLIANCES, CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.clock import Clock
    from edge.services.audit import AuditLog
    from edge.settings import ConsentSection
    from edge.store.store import Store, Tables, Transaction
    from edge.trust.keys import SigningKey

RECEIPT_PAYLOAD_TYPE = "application/vnd.edge.consent-receipt.v1+json"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a household could consent to now.

    Attributes:
        leak_bits_per_day: over all active modules of the organization.
    """

    terms: Terms
    module_digest: str
    module_version: str
    leak_bits_per_day: float
    consented: bool


class Consents:
    """What households decide, and what follows from it at once."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        settings: ConsentSection,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        edge_id: str,
        device_key: SigningKey,
    ) -> None:
        self._store = store
        self._audit = audit
        self._settings = settings
        self._clock = clock
        self._random_bytes = random_bytes
        self._edge_id = edge_id
        self._device_key = device_key

    async def offers(self, household_id: str) -> list[Offer]:
        """Returns what the active modules would need of this household."""
        now_ms = self._clock.now_ms()

        def work(tables: Tables) -> list[Offer]:
            triggers = _active(tables, now_ms)
            consents = tables.consents.of_household(household_id)
            return [
                Offer(
                    terms=trigger.terms,
                    module_digest=trigger.module_digest,
                    module_version=trigger.manifest.trigger.version,
                    leak_bits_per_day=sum(
                        other.manifest.leak_bits_per_day
                        for other in triggers
                        if other.organization == trigger.organization
                    ),
                    consented=any(consent.permits(trigger.terms, now_ms) for consent in consents),
                )
                for trigger in triggers
            ]

        return await self._store.read(work)

    async def decisions(self, household_id: str) -> list[Consent]:
        """Returns every decision of a household, newest first."""
        return await self._store.read(lambda tables: tables.consents.of_household(household_id))

    async def grant(self, household_id: str, terms: Terms, expires_ms: int | None) -> Consent:
        """Consents to `terms` and ends an earlier consent to the same service.

        Raises:
            NotFoundError: no organization offers this service here.
            InvalidRequestError: the terms would permit nothing that is offered, or the expiry is out of bounds.
        """
        now_ms = self._clock.now_ms()
        consent = Consent(
            consent_id=self._random_bytes(16).hex(),
            household_id=household_id,
            terms=terms,
            decided=ConsentState.GRANTED,
            granted_ms=now_ms,
            expires_ms=self._expiry(expires_ms, now_ms),
        )

        def work(transaction: Transaction) -> Consent:
            offered = _offered(transaction, terms, now_ms)
            _check_known(terms)
            if not any(terms.cover(trigger.terms) for trigger in offered):
                raise _permits_nothing(terms, offered[0].terms)
            self._end_earlier(transaction, consent)
            transaction.consents.insert(consent)
            self._audit.record(transaction, [_event(EventKind.CONSENT_GRANTED, now_ms, consent)])
            return consent

        return await self._store.write(work)

    async def refuse(self, household_id: str, terms: Terms) -> Consent:
        """Declines an offer.

        Raises:
            NotFoundError: no organization offers this service here.
        """
        now_ms = self._clock.now_ms()
        consent = Consent(
            consent_id=self._random_bytes(16).hex(),
            household_id=household_id,
            terms=terms,
            decided=ConsentState.REFUSED,
            granted_ms=now_ms,
            expires_ms=now_ms,
            ended_ms=now_ms,
        )

        def work(transaction: Transaction) -> Consent:
            if terms not in [trigger.terms for trigger in _offered(transaction, terms, now_ms)]:
                raise InvalidRequestError(
                    "These terms are not what is offered.",
                    advice="Refuse the offer as `edge consent list` shows it.",
                    reason="OFFER_NOT_FOUND",
                )
            transaction.consents.insert(consent)
            self._audit.record(transaction, [_event(EventKind.CONSENT_REFUSED, now_ms, consent)])
            return consent

        return await self._store.write(work)

    async def withdraw(self, household_id: str, consent_id: str) -> tuple[Consent, int]:
        """Ends a consent before the next evaluation and cancels what waits under it.

        Returns:
            The consent as it is now, and how many actions were cancelled.

        Raises:
            NotFoundError: the household has no such consent.
            ConflictError: it is not in force.
        """
        now_ms = self._clock.now_ms()

        def work(transaction: Transaction) -> tuple[Consent, int]:
            consent = _get(transaction, household_id, consent_id).withdraw(now_ms)
            transaction.consents.update(consent)
            cancelled = _cancel(transaction, consent)
            self._audit.record(transaction, [_event(EventKind.CONSENT_WITHDRAWN, now_ms, consent, cancelled=cancelled)])
            return consent, cancelled

        return await self._store.write(work)

    async def receipt(self, household_id: str, consent_id: str) -> bytes:
        """Returns a signed receipt of a consent, as an envelope.

        Raises:
            NotFoundError: the household has no such consent.
        """
        consent = await self._store.read(lambda tables: _get(tables, household_id, consent_id))
        receipt = _receipt(consent, self._edge_id, self._clock.now_ms())
        return self._device_key.sign_envelope(RECEIPT_PAYLOAD_TYPE, rfc8785.dumps(receipt)).to_json()  # type: ignore[arg-type]

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

    def _end_earlier(self, transaction: Transaction, consent: Consent) -> None:
        for earlier in transaction.consents.of_household(consent.household_id):
            if _same_service(earlier, consent) and earlier.state(consent.granted_ms) is ConsentState.GRANTED:
                ended = earlier.withdraw(consent.granted_ms)
                transaction.consents.update(ended)
                # What waits was agreed to; it is cancelled only where the household now agrees to less.
                narrower = not consent.terms.cover(earlier.terms)
                cancelled = _cancel(transaction, earlier) if narrower else 0
                event = _event(EventKind.CONSENT_WITHDRAWN, consent.granted_ms, ended, cancelled=cancelled)
                self._audit.record(transaction, [event])


def _active(tables: Tables, now_ms: int) -> list[Trigger]:
    triggers = (active_trigger(module, now_ms) for module in tables.modules.all())
    return sorted((trigger for trigger in triggers if trigger), key=lambda trigger: trigger.key)


def _offered(tables: Tables, terms: Terms, now_ms: int) -> list[Trigger]:
    offered = [
        trigger
        for trigger in _active(tables, now_ms)
        if (trigger.terms.organization, trigger.terms.service) == (terms.organization, terms.service)
    ]
    if not offered:
        raise NotFoundError(
            f"Organization {terms.organization!r} offers no service {terms.service!r} here.",
            advice="`edge consent list` shows what is offered.",
            reason="OFFER_NOT_FOUND",
        )
    return offered


def _check_known(terms: Terms) -> None:
    kinds = {"recommendation", *(f"appliance:{appliance}" for appliance in APPLIANCES)}
    if terms.series <= CATALOGUE.keys() and terms.action_kinds <= kinds:
        return
    raise InvalidRequestError(
        "The terms name series or kinds of action that there are not.",
        advice="Consent to the offer as it is.",
        reason="TERMS_UNKNOWN",
    )


def _permits_nothing(terms: Terms, needed: Terms) -> InvalidRequestError:
    if terms.purpose != needed.purpose:
        problem = "it names another purpose than the offer"
    else:
        missing = sorted((needed.series - terms.series) | (needed.action_kinds - terms.action_kinds))
        problem = f"it leaves out {', '.join(missing)}"
    return InvalidRequestError(
        f"This consent would permit nothing: {problem}.",
        advice="Consent to the offer as it is, or refuse it.",
        reason="CONSENT_PERMITS_NOTHING",
    )


def _get(tables: Tables, household_id: str, consent_id: str) -> Consent:
    consent = tables.consents.get(household_id, consent_id)
    if consent is None:
        raise NotFoundError(
            f"This household has no consent {consent_id!r}.",
            advice="`edge consent list` shows its consents.",
            reason="CONSENT_NOT_FOUND",
        )
    return consent


def _same_service(one: Consent, other: Consent) -> bool:
    return (one.terms.organization, one.terms.service) == (other.terms.organization, other.terms.service)


def _cancel(transaction: Transaction, consent: Consent) -> int:
    """Cancels what waits under a consent and under earlier ones, whose place it took; returns how many."""
    decisions = transaction.consents.of_household(consent.household_id)
    return sum(transaction.actions.cancel(other.consent_id) for other in decisions if _same_service(other, consent))


def _event(kind: EventKind, now_ms: int, consent: Consent, **more: object) -> Event:
    detail = {"consent": consent.consent_id, **_terms(consent.terms), "expires_ms": consent.expires_ms, **more}
    return Event(kind, now_ms, (household_subject(consent.household_id),), detail)


def _terms(terms: Terms) -> dict[str, object]:
    return {
        "organization": terms.organization,
        "service": terms.service,
        "purpose": terms.purpose,
        "series": sorted(terms.series),
        "action_kinds": sorted(terms.action_kinds),
    }


def _receipt(consent: Consent, edge_id: str, now_ms: int) -> dict[str, object]:
    """The fields of ISO/IEC TS 27560 that apply, named as in the Data Privacy Vocabulary."""
    return {
        "schema_version": "ISO-27560:2023",
        "receipt_id": f"{consent.consent_id}-{now_ms}",
        "record_id": consent.consent_id,
        "issued_ms": now_ms,
        "pii_principal_id": consent.household_id,
        "pii_controllers": [{"name": consent.terms.organization, "role": "dpv:DataController"}],
        "processor": {"name": edge_id, "role": "dpv:DataProcessor", "location": "at the edge; readings stay there"},
        "services": [
            {
                "service": consent.terms.service,
                "purposes": [
                    {
                        "purpose": consent.terms.purpose,
                        "legal_basis": "dpv:Consent",
                        "pii_categories": sorted(consent.terms.series),
                        "processing": ["dpv:Analyse"],
                        "actions": sorted(consent.terms.action_kinds),
                        "withdrawal": "edge consent withdraw",
                    }
                ],
            }
        ],
        "events": [{"state": consent.decided.value, "event_ms": consent.ended_ms or consent.granted_ms}],
        "state": consent.state(now_ms).value,
        "granted_ms": consent.granted_ms,
        "expires_ms": consent.expires_ms,
    }
