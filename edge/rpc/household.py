"""HouseholdService: a household decides, and reads what came of it."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from edge.errors import InvalidRequestError
from edge.rpc.actions import action_to_wire
from edge.rpc.consents import consent_to_wire, offer_to_wire, terms_from_wire
from edge.rpc.gate import Context, authenticate
from edge.rpc.view import part_to_wire, reading_to_wire, series_query
from edge_sdk.household import ACKNOWLEDGED_MAX
from edge_sdk.wire.v1 import household_pb2 as pb
from edge_sdk.wire.v1 import household_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge.clock import Clock
    from edge.services.consent import Consents
    from edge.services.dispatch import Dispatch
    from edge.services.live import LiveReadings
    from edge.services.reader import Readers
    from edge.services.receipt import Receipts
    from edge.services.view import HouseholdView
    from edge.settings import EdgeSection


class HouseholdServicer(household_pb2_grpc.HouseholdServiceServicer):
    """Called by households, each for itself: whose it is, the certificate says."""

    def __init__(
        self,
        consents: Consents,
        receipts: Receipts,
        dispatch: Dispatch,
        view: HouseholdView,
        live: LiveReadings,
        readers: Readers,
        edge: EdgeSection,
        clock: Clock,
    ) -> None:
        self._consents = consents
        self._receipts = receipts
        self._dispatch = dispatch
        self._view = view
        self._live = live
        self._readers = readers
        self._edge_id = edge.id
        self._timezone = edge.timezone
        self._clock = clock

    async def ListOffers(
        self, _request: pb.ListOffersRequest, context: Context
    ) -> AsyncIterator[pb.ListOffersResponse]:
        """Shows what could be consented to."""
        for offer in await self._consents.offers(self._household(context)):
            for part in offer_to_wire(offer):
                yield pb.ListOffersResponse(offer=part)

    async def ListConsents(self, _request: pb.ListConsentsRequest, context: Context) -> pb.ListConsentsResponse:
        """Shows every decision."""
        consents = await self._consents.decisions(self._household(context))
        now_ms = self._clock.now_ms()
        return pb.ListConsentsResponse(consents=[consent_to_wire(consent, now_ms) for consent in consents])

    async def GrantConsent(self, request: pb.GrantConsentRequest, context: Context) -> pb.GrantConsentResponse:
        """Consents."""
        terms = terms_from_wire(request.terms)
        consent = await self._consents.grant(self._household(context), terms, request.expires_ms or None)
        return pb.GrantConsentResponse(consent=consent_to_wire(consent, self._clock.now_ms()))

    async def RefuseConsent(self, request: pb.RefuseConsentRequest, context: Context) -> pb.RefuseConsentResponse:
        """Declines."""
        consent = await self._consents.refuse(self._household(context), terms_from_wire(request.terms))
        return pb.RefuseConsentResponse(consent=consent_to_wire(consent, self._clock.now_ms()))

    async def WithdrawConsent(self, request: pb.WithdrawConsentRequest, context: Context) -> pb.WithdrawConsentResponse:
        """Withdraws."""
        consent, cancelled = await self._consents.withdraw(self._household(context), request.consent_id)
        return pb.WithdrawConsentResponse(
            consent=consent_to_wire(consent, self._clock.now_ms()), actions_cancelled=cancelled
        )

    async def GetConsentReceipt(
        self, request: pb.GetConsentReceiptRequest, context: Context
    ) -> pb.GetConsentReceiptResponse:
        """Hands out a receipt."""
        envelope = await self._receipts.receipt(self._household(context), request.consent_id)
        return pb.GetConsentReceiptResponse(envelope_json=envelope)

    async def StreamInbox(
        self, request: pb.StreamInboxRequest, context: Context
    ) -> AsyncIterator[pb.StreamInboxResponse]:
        """Streams the inbox."""
        actions = self._dispatch.follow(
            self._household(context),
            request.after_cursor,
            waiting_only=request.unacknowledged_only,
            then_wait=not request.no_follow,
        )
        async with aclosing(actions):
            async for action in actions:
                yield pb.StreamInboxResponse(action=action_to_wire(action))

    async def AcknowledgeActions(
        self, request: pb.AcknowledgeActionsRequest, context: Context
    ) -> pb.AcknowledgeActionsResponse:
        """Confirms receipt."""
        if len(request.action_ids) > ACKNOWLEDGED_MAX:
            raise InvalidRequestError(f"More than {ACKNOWLEDGED_MAX} actions at once.", advice="Confirm them in parts.")
        count = await self._dispatch.acknowledge(self._household(context), list(request.action_ids))
        return pb.AcknowledgeActionsResponse(acknowledged=count)

    async def ReadSeries(self, request: pb.ReadSeriesRequest, context: Context) -> AsyncIterator[pb.ReadSeriesResponse]:
        """Shows samples of the household's own past."""
        household = await self._reader(context)
        async with aclosing(self._view.series(household, series_query(request))) as parts:
            async for part in parts:
                yield part_to_wire(part, request.resolution_s, self._timezone)

    async def ListReadings(self, request: pb.ListReadingsRequest, context: Context) -> pb.ListReadingsResponse:
        """Shows what the household's own meters said."""
        readings, token = await self._view.readings(
            await self._reader(context), request.from_ms, request.until_ms, request.page_size, request.page_token
        )
        return pb.ListReadingsResponse(
            readings=map(reading_to_wire, readings), next_page_token=token, timezone=self._timezone
        )

    async def StreamReadings(
        self, _request: pb.StreamReadingsRequest, context: Context
    ) -> AsyncIterator[pb.StreamReadingsResponse]:
        """Streams what they say."""
        async with aclosing(self._live.follow(await self._reader(context))) as parts:
            async for part in parts:
                readings = map(reading_to_wire, part.readings)
                yield pb.StreamReadingsResponse(readings=readings, left_out=part.left_out, timezone=self._timezone)

    def _household(self, context: Context) -> str:
        return authenticate(context, self._edge_id).name

    async def _reader(self, context: Context) -> str:
        return await self._readers.note(authenticate(context, self._edge_id))
