from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from edge.domain.consent import Consent, ConsentState, SeriesTerms, Terms
from edge.settings import ConsentSection
from edge_sdk.catalogue import APPLIANCES, CATALOGUE
from edge_sdk.errors import RpcError
from edge_sdk.manifest import WINDOW_S_MAX
from edge_sdk.wire.v1 import household_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import NewStreet, Street

    from edge.store.store import Transaction

DAY_MS = 86_400_000
LOUD: dict[str, Any] = {"max_actions_per_day": 96}


async def acted(street: Street, household: str = "h1") -> list[str]:
    """Lets a slot go by; returns which triggers, with their versions, acted at it."""
    slot_ms = await street.next_slot(household)
    causes = [action.cause for action in await street.inbox(household)]
    return sorted(f"{cause.trigger} {cause.module_version}" for cause in causes if cause.slot_ms == slot_ms)


async def standing(street: Street, household: str = "h1") -> tuple[pb.OfferState, dict[str, bool]]:
    """Where a household stands with the one service there is, and which of its triggers it has consented to."""
    offer = await street.offer(household)
    return offer.state, {trigger.name: trigger.consented for trigger in offer.triggers}


async def test_two_triggers_of_one_service(street: Street, module: Callable[..., bytes]) -> None:
    """Triggers of one service and purpose are one offer: one consent lets both run, a narrower one only its part."""
    async with street:
        await street.set_policy()
        await street.enrol("h1")
        await street.run_module(module(name="first", **LOUD))
        await street.run_module(module(name="second", series="power_export", body="(i32.const 1)", **LOUD))
        household = await street.household("h1")
        (offer,) = await household.offers()
        assert [trigger.name for trigger in offer.triggers] == ["first", "second"]
        both = await household.grant(offer.terms)
        assert await acted(street) == ["first 1.0.0", "second 1.0.0"]

        part = pb.ConsentTerms()
        part.CopyFrom(offer.terms)
        del part.series[:]
        part.series.extend(offer.triggers[0].series)
        narrower = await household.grant(part)
        assert await standing(street) == (pb.OFFER_STATE_OUTGROWN, {"first": True, "second": False})
        assert [action.cause.trigger for action in await street.inbox("h1")] == ["first"], (
            "what it still agrees to waits"
        )
        assert await acted(street) == ["first 1.0.0"]

        await household.refuse(offer.terms)
        assert await standing(street) == (pb.OFFER_STATE_REFUSED, {"first": True, "second": False})
        assert await acted(street) == ["first 1.0.0"], "what is declined is the rest"
        longer = await household.grant(part, expires_ms=street.now_ms + 30 * DAY_MS)
        assert longer.consent_id != narrower.consent_id
        assert (await standing(street))[0] == pb.OFFER_STATE_REFUSED, "it is not asked again"
        states = {consent.consent_id: consent.state for consent in await household.consents()}
        assert states[both.consent_id] == pb.CONSENT_STATE_WITHDRAWN
        assert states[longer.consent_id] == pb.CONSENT_STATE_GRANTED


async def test_purposes_stand_side_by_side(street: Street, module: Callable[..., bytes]) -> None:
    """A service with two purposes makes two offers; deciding on one, or withdrawing it, leaves the other alone."""
    async with street:
        await street.set_policy()
        await street.enrol("h1")
        await street.run_module(module(name="adviser", **LOUD))
        await street.run_module(module(name="seller", purpose="Sell.", **LOUD))
        household = await street.household("h1")
        advise, sell = await household.offers()
        assert [offer.terms.purpose for offer in (advise, sell)] == ["Say that the meter was heard.", "Sell."]
        assert advise.leak_bits_per_day == sell.leak_bits_per_day == 2 * 96
        await household.grant(advise.terms)
        to_sell = await household.grant(sell.terms)
        assert [offer.state for offer in await household.offers()] == [pb.OFFER_STATE_GRANTED] * 2
        assert await acted(street) == ["adviser 1.0.0", "seller 1.0.0"]
        assert (await household.withdraw(to_sell.consent_id))[1] == 1, "only what waits for that purpose"
        assert [action.cause.trigger for action in await street.inbox("h1")] == ["adviser"]
        assert await acted(street) == ["adviser 1.0.0"]


async def test_a_new_version_that_looks_closer(street: Street, module: Callable[..., bytes]) -> None:
    """A version that reads finer, or further back, runs for nobody before it has a new consent; a narrower one runs."""
    versions: list[tuple[str, dict[str, Any], bool]] = [
        ("1.1.0", {"resolution": "5m"}, False),
        ("1.2.0", {"window": "30m", "resolution": "15m"}, False),
        ("1.3.0", {"window": "30m"}, False),
        ("1.4.0", {"window": "15m"}, True),
        ("1.5.0", {"window": "10m", "resolution": "10m"}, False),
    ]
    async with street:
        await street.set_policy()
        await street.enrol("h1")
        await street.run_module(module("(i32.const 1)", **LOUD))
        household = await street.household("h1")
        granted = await household.grant((await street.offer("h1")).terms)
        for version, changes, runs in versions:
            await street.run_module(module("(i32.const 1)", version=version, **{**LOUD, **changes}))
            state = pb.OFFER_STATE_GRANTED if runs else pb.OFFER_STATE_OUTGROWN
            assert await standing(street) == (state, {"pulse": runs}), version
            assert await acted(street) == ([f"pulse {version}"] if runs else []), version

        wide = await household.grant((await street.offer("h1")).terms)
        assert await acted(street) == ["pulse 1.5.0"]
        assert [item.resolution_s for item in wide.terms.series] == [600]
        states = {consent.consent_id: consent.state for consent in await household.consents()}
        assert states[granted.consent_id] == pb.CONSENT_STATE_WITHDRAWN


async def test_refused_until_the_terms_change(street: Street, module: Callable[..., bytes]) -> None:
    """A refused offer stays refused over versions that ask for the same, and is asked again when one asks otherwise."""
    async with street:
        await street.set_policy()
        await street.run_module(module())
        household = await street.household("h1")
        first = await household.refuse((await street.offer("h1")).terms)
        await street.run_module(module(version="1.0.1", max_actions_per_day=1))
        assert (await street.offer("h1")).state == pb.OFFER_STATE_REFUSED
        await street.run_module(module(version="1.1.0", series=["power_import", "gas"]))
        assert (await street.offer("h1")).state == pb.OFFER_STATE_UNDECIDED
        second = await household.refuse((await street.offer("h1")).terms)
        assert second.consent_id != first.consent_id
        assert (await street.offer("h1")).state == pb.OFFER_STATE_REFUSED
        ended = {consent.consent_id: consent.HasField("ended_ms") for consent in await household.consents()}
        assert ended == {first.consent_id: True, second.consent_id: False}


async def test_only_what_the_policy_lets_run(street: Street, module: Callable[..., bytes]) -> None:
    """What the policy in force stops is not on offer and cannot be consented to; a consent can still be withdrawn."""
    async with street:
        await street.set_policy()
        await street.run_module(module())
        household = await street.household("h1")
        consent = await street.consent("h1")
        stopping: list[dict[str, Any]] = [
            {"series": ("power_export",)},
            {"organizations": {"rival": "supplier"}},
            {"leak_bits_per_day_max": 1},
        ]
        for changes in stopping:
            await street.set_policy(**changes)
            assert await household.offers() == [], changes
            for decide in (household.grant, household.refuse):
                with pytest.raises(RpcError) as caught:
                    await decide(consent.terms)
                assert caught.value.reason == "OFFER_NOT_FOUND"
        withdrawn, _ = await household.withdraw(consent.consent_id)
        assert withdrawn.state == pb.CONSENT_STATE_WITHDRAWN
        await street.set_policy()
        assert len(await household.offers()) == 1


async def test_most_decisions(new_street: NewStreet, tmp_path: Any, module: Callable[..., bytes]) -> None:
    """A household grants and refuses so often and no more; what it has can still be withdrawn, and others decide."""
    async with new_street(tmp_path / "street", consent={"decisions_max": 3}) as street:
        await street.set_policy()
        await street.run_module(module())
        household = await street.household("h1")
        terms = (await street.offer("h1")).terms
        await household.refuse(terms)
        for _ in range(2):
            street.clock.advance_to(street.now_ms + 1)
            consent = await household.grant(terms, street.now_ms + DAY_MS)
        with pytest.raises(RpcError) as caught:
            await household.grant(terms, street.now_ms + 2 * DAY_MS)
        assert (caught.value.status, caught.value.reason) == ("RESOURCE_EXHAUSTED", "CONSENT_DECISIONS_TOO_MANY")
        assert "consent.decisions_max" in caught.value.advice
        assert await household.grant(terms) == consent, "the same again is no further decision"
        assert (await household.withdraw(consent.consent_id))[0].state == pb.CONSENT_STATE_WITHDRAWN
        with pytest.raises(RpcError) as caught:
            await household.refuse(terms)
        assert caught.value.reason == "CONSENT_DECISIONS_TOO_MANY"
        assert len(await household.consents()) == 3
        await street.consent("h2")


async def test_many_decisions_fit_into_a_message(new_street: NewStreet, tmp_path: Any) -> None:
    """As many decisions as the setting can allow, each as long as a decision can be, are listed in one answer."""
    consent = Consent(
        consent_id="c" * 32,
        household_id="h1",
        terms=Terms(
            organization="o" * 63,
            service="s" * 64,
            purpose="\N{SUN WITH FACE}" * 280,
            series=frozenset(SeriesTerms(name, WINDOW_S_MAX, WINDOW_S_MAX) for name in CATALOGUE),
            action_kinds=frozenset({"recommendation", *(f"appliance:{appliance}" for appliance in APPLIANCES)}),
        ),
        decided=ConsentState.WITHDRAWN,
        decided_ms=2**41,
        expires_ms=2**42,
        ended_ms=2**42,
    )
    most = 1_000
    with pytest.raises(ValidationError):
        ConsentSection(decisions_max=most + 1)

    def insert(transaction: Transaction) -> None:
        for _ in range(most):
            transaction.consents.insert(consent)

    async with new_street(tmp_path / "street", consent={"decisions_max": most}) as street:
        await street.app._store.write(insert)
        assert len(await (await street.household("h1")).consents()) == most
