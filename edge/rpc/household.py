"""HouseholdService: a household decides, and reads what came of it."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from edge.domain.action import Action, ActionState
from edge.domain.consent import Consent, ConsentState, Terms
from edge.errors import InvalidRequestError
from edge.rpc.gate import Context, authenticate
from edge_sdk.manifest import Recommendation
from edge_sdk.wire.v1 import household_pb2 as pb
from edge_sdk.wire.v1 import household_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge.clock import Clock
    from edge.services.consent import Consents
    from edge.services.dispatch import Dispatch

_CONSENT_STATES = {
    ConsentState.REQUESTED: pb.CONSENT_STATE_REQUESTED,
    ConsentState.GRANTED: pb.CONSENT_STATE_GRANTED,
    ConsentState.WITHDRAWN: pb.CONSENT_STATE_WITHDRAWN,
    ConsentState.EXPIRED: pb.CONSENT_STATE_EXPIRED,
    ConsentState.REFUSED: pb.CONSENT_STATE_REFUSED,
}
_ACTION_STATES = {
    ActionState.WAITING: pb.ACTION_STATE_WAITING,
    ActionState.DELIVERED: pb.ACTION_STATE_DELIVERED,
    ActionState.CANCELLED: pb.ACTION_STATE_CANCELLED,
}
_ACKNOWLEDGED_MAX = 1_000
_TERMS_MAX = 100


class HouseholdServicer(household_pb2_grpc.HouseholdServiceServicer):
    """Called by households, each for itself: whose it is, the certificate says."""

    def __init__(self, consents: Consents, dispatch: Dispatch, edge_id: str, clock: Clock) -> None:
        self._consents = consents
        self._dispatch = dispatch
        self._edge_id = edge_id
        self._clock = clock

    async def ListOffers(self, _request: pb.ListOffersRequest, context: Context) -> pb.ListOffersResponse:
        """Shows what could be consented to."""
        offers = await self._consents.offers(self._household(context))
        return pb.ListOffersResponse(
            offers=[
                pb.Offer(
                    terms=_terms_to_wire(offer.terms),
                    module_digest=offer.module_digest,
                    module_version=offer.module_version,
                    leak_bits_per_day=offer.leak_bits_per_day,
                    consented=offer.consented,
                )
                for offer in offers
            ]
        )

    async def ListConsents(self, _request: pb.ListConsentsRequest, context: Context) -> pb.ListConsentsResponse:
        """Shows every decision."""
        consents = await self._consents.decisions(self._household(context))
        return pb.ListConsentsResponse(consents=[self._consent(consent) for consent in consents])

    async def GrantConsent(self, request: pb.GrantConsentRequest, context: Context) -> pb.GrantConsentResponse:
        """Consents."""
        terms = _terms_from_wire(request.terms)
        consent = await self._consents.grant(self._household(context), terms, request.expires_ms or None)
        return pb.GrantConsentResponse(consent=self._consent(consent))

    async def RefuseConsent(self, request: pb.RefuseConsentRequest, context: Context) -> pb.RefuseConsentResponse:
        """Declines."""
        consent = await self._consents.refuse(self._household(context), _terms_from_wire(request.terms))
        return pb.RefuseConsentResponse(consent=self._consent(consent))

    async def WithdrawConsent(self, request: pb.WithdrawConsentRequest, context: Context) -> pb.WithdrawConsentResponse:
        """Withdraws."""
        consent, cancelled = await self._consents.withdraw(self._household(context), request.consent_id)
        return pb.WithdrawConsentResponse(consent=self._consent(consent), actions_cancelled=cancelled)

    async def GetConsentReceipt(
        self, request: pb.GetConsentReceiptRequest, context: Context
    ) -> pb.GetConsentReceiptResponse:
        """Hands out a receipt."""
        envelope = await self._consents.receipt(self._household(context), request.consent_id)
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
                yield pb.StreamInboxResponse(action=_action(action))

    async def AcknowledgeActions(
        self, request: pb.AcknowledgeActionsRequest, context: Context
    ) -> pb.AcknowledgeActionsResponse:
        """Confirms receipt."""
        if len(request.action_ids) > _ACKNOWLEDGED_MAX:
            raise InvalidRequestError(
                f"More than {_ACKNOWLEDGED_MAX} actions at once.", advice="Confirm them in parts."
            )
        count = await self._dispatch.acknowledge(self._household(context), list(request.action_ids))
        return pb.AcknowledgeActionsResponse(acknowledged=count)

    def _household(self, context: Context) -> str:
        return authenticate(context, self._edge_id).name

    def _consent(self, consent: Consent) -> pb.Consent:
        return pb.Consent(
            consent_id=consent.consent_id,
            terms=_terms_to_wire(consent.terms),
            state=_CONSENT_STATES[consent.state(self._clock.now_ms())],
            granted_ms=consent.granted_ms,
            expires_ms=consent.expires_ms,
            ended_ms=consent.ended_ms,
        )


def _terms_from_wire(terms: pb.ConsentTerms) -> Terms:
    if len(terms.series) > _TERMS_MAX or len(terms.action_kinds) > _TERMS_MAX:
        raise InvalidRequestError("The terms name more series or kinds of action than there are.")
    return Terms(
        terms.organization, terms.service, terms.purpose, frozenset(terms.series), frozenset(terms.action_kinds)
    )


def _terms_to_wire(terms: Terms) -> pb.ConsentTerms:
    return pb.ConsentTerms(
        organization=terms.organization,
        service=terms.service,
        purpose=terms.purpose,
        series=sorted(terms.series),
        action_kinds=sorted(terms.action_kinds),
    )


def _action(action: Action) -> pb.Action:
    cause = action.cause
    wire = pb.Action(
        cursor=action.cursor,
        action_id=action.action_id,
        name=action.declared.name,
        cause=pb.Cause(
            organization=cause.organization,
            service=cause.service,
            purpose=cause.purpose,
            trigger=cause.trigger,
            module_version=cause.module_version,
            module_digest=cause.module_digest,
            consent_id=cause.consent_id,
            slot_ms=cause.slot_ms,
        ),
        created_ms=action.created_ms,
        expires_ms=action.expires_ms,
        state=_ACTION_STATES[action.state],
    )
    if isinstance(action.declared, Recommendation):
        wire.recommendation.text.update(action.declared.text)
    else:
        command = action.declared.command
        wire.appliance_command.appliance = action.declared.appliance
        if command.limit_w is not None:
            wire.appliance_command.limit_w = command.limit_w
        if command.on is not None:
            wire.appliance_command.on = command.on
    return wire
