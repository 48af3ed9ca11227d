"""The client of a household: decides who may compute over its readings, and reads what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_sdk.channel import translated
from edge_sdk.client import Client
from edge_sdk.envelope import Envelope
from edge_sdk.wire.v1 import household_pb2 as pb
from edge_sdk.wire.v1.household_pb2_grpc import HouseholdServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from edge_sdk.wire.v1.household_pb2_grpc import HouseholdServiceAsyncStub

CALL_TIMEOUT_S = 30.0
ACKNOWLEDGED_MAX = 1_000
"""Actions that one call confirms at most."""


class HouseholdClient(Client):
    """Speaks to an edge as one household. Every call raises `RpcError` if the edge refuses."""

    async def offers(self) -> list[pb.Offer]:
        """Returns what organizations offer: each offer with what it would need, its triggers, and where it stands."""
        offers: list[pb.Offer] = []
        async with translated(self._identity):
            async for response in self._stub.ListOffers(pb.ListOffersRequest(), timeout=CALL_TIMEOUT_S):
                if offers and offers[-1].terms == response.offer.terms:
                    offers[-1].triggers.extend(response.offer.triggers)
                else:
                    offers.append(response.offer)
        return offers

    async def consents(self) -> list[pb.Consent]:
        """Returns every decision so far, newest first."""
        async with translated(self._identity):
            response = await self._stub.ListConsents(pb.ListConsentsRequest(), timeout=CALL_TIMEOUT_S)
        return list(response.consents)

    async def grant(self, terms: pb.ConsentTerms, expires_ms: int = 0) -> pb.Consent:
        """Consents to `terms`, until `expires_ms` (unix ms UTC) or for the edge's default duration.

        A consent in force to the same terms is returned as it is, unless `expires_ms` asks for another end.
        """
        request = pb.GrantConsentRequest(terms=terms, expires_ms=expires_ms)
        async with translated(self._identity):
            response = await self._stub.GrantConsent(request, timeout=CALL_TIMEOUT_S)
        return response.consent

    async def refuse(self, terms: pb.ConsentTerms) -> pb.Consent:
        """Declines an offer, whose terms these are."""
        async with translated(self._identity):
            response = await self._stub.RefuseConsent(pb.RefuseConsentRequest(terms=terms), timeout=CALL_TIMEOUT_S)
        return response.consent

    async def withdraw(self, consent_id: str) -> tuple[pb.Consent, int]:
        """Withdraws a consent; returns it and how many waiting actions were cancelled."""
        request = pb.WithdrawConsentRequest(consent_id=consent_id)
        async with translated(self._identity):
            response = await self._stub.WithdrawConsent(request, timeout=CALL_TIMEOUT_S)
        return response.consent, response.actions_cancelled

    async def receipt(self, consent_id: str) -> Envelope:
        """Returns a receipt of a consent, once its signature has been found to be the edge's.

        Raises:
            EnvelopeError: it is not signed by the edge.
        """
        request = pb.GetConsentReceiptRequest(consent_id=consent_id)
        async with translated(self._identity):
            response = await self._stub.GetConsentReceipt(request, timeout=CALL_TIMEOUT_S)
        envelope = Envelope.from_json(response.envelope_json)
        envelope.verify(self._identity.edge_public_key)
        return envelope

    async def inbox(
        self, *, after_cursor: int = 0, follow: bool = True, unacknowledged_only: bool = False
    ) -> AsyncIterator[pb.Action]:
        """Yields the actions after a cursor, oldest first, then those that come; confirm with `acknowledge`."""
        request = pb.StreamInboxRequest(
            after_cursor=after_cursor, no_follow=not follow, unacknowledged_only=unacknowledged_only
        )
        async with translated(self._identity):
            call = self._stub.StreamInbox(request, timeout=None if follow else CALL_TIMEOUT_S)
            try:
                async for response in call:
                    yield response.action
            finally:
                call.cancel()

    async def acknowledge(self, action_ids: Sequence[str]) -> int:
        """Confirms receipt, however many they are; returns how many were not confirmed before."""
        count = 0
        for start in range(0, len(action_ids), ACKNOWLEDGED_MAX):
            request = pb.AcknowledgeActionsRequest(action_ids=action_ids[start : start + ACKNOWLEDGED_MAX])
            async with translated(self._identity):
                count += (await self._stub.AcknowledgeActions(request, timeout=CALL_TIMEOUT_S)).acknowledged
        return count

    async def series(
        self, names: Sequence[str], from_ms: int, until_ms: int, resolution_s: int
    ) -> AsyncGenerator[pb.ReadSeriesResponse, None]:
        """Yields the samples of this household that lie wholly in a range of time, unix ms UTC, a part at a time.

        Args:
            names: of household series of the catalogue.
            from_ms: beginning of the range.
            until_ms: its end.
            resolution_s: length of a sample; they begin at multiples of it, UTC.

        Yields:
            At least one part. A value is NaN where nothing was measured.
        """
        request = pb.ReadSeriesRequest(series=names, from_ms=from_ms, until_ms=until_ms, resolution_s=resolution_s)
        async with translated(self._identity):
            call = self._stub.ReadSeries(request)
            try:
                async for response in call:
                    yield response
            finally:
                call.cancel()

    async def readings(
        self, from_ms: int, until_ms: int, page_size: int = 0
    ) -> AsyncGenerator[pb.ListReadingsResponse, None]:
        """Yields what this household's meters said in a range of time, unix ms UTC, oldest first, a page at a time."""
        request = pb.ListReadingsRequest(from_ms=from_ms, until_ms=until_ms, page_size=page_size)
        while True:
            async with translated(self._identity):
                response = await self._stub.ListReadings(request, timeout=CALL_TIMEOUT_S)
            yield response
            request.page_token = response.next_page_token
            if not request.page_token:
                return

    async def live(self) -> AsyncGenerator[pb.StreamReadingsResponse, None]:
        """Yields what this household's meters say from now on, once it is stored, until the edge stops.

        Whoever takes it more slowly than it comes gets the newest, and is told how many were left out.
        """
        async with translated(self._identity):
            call = self._stub.StreamReadings(pb.StreamReadingsRequest())
            try:
                async for response in call:
                    yield response
            finally:
                call.cancel()

    @property
    def _stub(self) -> HouseholdServiceAsyncStub:
        return HouseholdServiceStub(self._channel)
