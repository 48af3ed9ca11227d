"""Receipts: what a household can hold against an organization, signed by the edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rfc8785

from edge.services.consent import consent_of, series_facts

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.domain.consent import Consent
    from edge.store.store import Store
    from edge.trust.keys import SigningKey

RECEIPT_PAYLOAD_TYPE = "application/vnd.edge.consent-receipt.v1+json"


class Receipts:
    """Writes and signs receipts of what was decided."""

    def __init__(self, store: Store, clock: Clock, edge_id: str, device_key: SigningKey) -> None:
        self._store = store
        self._clock = clock
        self._edge_id = edge_id
        self._device_key = device_key

    async def receipt(self, household_id: str, consent_id: str) -> bytes:
        """Returns a signed receipt of a consent, as an envelope.

        Raises:
            NotFoundError: the household has no such consent.
        """
        consent = await self._store.read(lambda tables: consent_of(tables, household_id, consent_id))
        receipt = _receipt(consent, self._edge_id, self._clock.now_ms())
        return self._device_key.sign_envelope(RECEIPT_PAYLOAD_TYPE, rfc8785.dumps(receipt)).to_json()  # type: ignore[arg-type]


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
                        "pii_categories": series_facts(consent.terms),
                        "processing": ["dpv:Analyse"],
                        "actions": sorted(consent.terms.action_kinds),
                        "withdrawal": "edge consent withdraw",
                    }
                ],
            }
        ],
        "events": [{"state": consent.decided.value, "event_ms": consent.ended_ms or consent.decided_ms}],
        "state": consent.state(now_ms).value,
        "decided_ms": consent.decided_ms,
        "expires_ms": consent.expires_ms,
    }
