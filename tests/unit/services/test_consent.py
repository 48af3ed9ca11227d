from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from edge.clock import SimulatedClock
from edge.domain.event import EventKind
from edge_sdk.errors import RpcError
from edge_sdk.identity import Role
from edge_sdk.wire.v1 import household_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from conftest import NewStreet, Street

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_MS = 86_400_000
BOILER_OFF = {"name": "off", "kind": "appliance", "appliance": "boiler", "command": {"on": False}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(
    new_street: NewStreet, tmp_path_factory: pytest.TempPathFactory, module: Callable[..., bytes]
) -> AsyncIterator[Street]:
    """An edge with one organization, which offers `advice` and, with more series and a command, `control`."""
    async with new_street(tmp_path_factory.mktemp("consent") / "street") as running:
        await running.set_policy()
        await running.run_module(module(name="adviser"))
        series = ["power_import", "power_export"]
        await running.run_module(module(name="controller", service="control", series=series, action=[BOILER_OFF]))
        yield running


def reads(*names: str, window_s: int = 900, resolution_s: int = 900) -> list[pb.SeriesTerms]:
    """Terms of series, all alike."""
    return [pb.SeriesTerms(name=name, window_s=window_s, resolution_s=resolution_s) for name in names]


def changed(terms: pb.ConsentTerms, **fields: Any) -> pb.ConsentTerms:
    """Terms with some fields replaced."""
    values = {name: getattr(terms, name) for name in terms.DESCRIPTOR.fields_by_name}
    return pb.ConsentTerms(**{**values, **fields})


async def refusal(street: Street, household: str, terms: pb.ConsentTerms, expires_ms: int = 0) -> tuple[str, str]:
    """Status and reason with which a consent is not taken."""
    with pytest.raises(RpcError) as caught:
        await (await street.household(household)).grant(terms, expires_ms)
    return caught.value.status, caught.value.reason


async def test_offers(street: Street) -> None:
    """An offer says what is needed, by which code, how often it may do what, and how much the organization can tell."""
    offer = await street.offer("offered", "control")
    assert (offer.terms.organization, offer.terms.service) == ("acme", "control")
    assert list(offer.terms.series) == reads("power_export", "power_import")
    assert list(offer.terms.action_kinds) == ["appliance:boiler"]
    assert offer.terms.purpose == "Say that the meter was heard."
    assert offer.leak_bits_per_day == pytest.approx(2 * 21.7263, abs=0.001)
    assert offer.state == pb.OFFER_STATE_UNDECIDED
    (trigger,) = offer.triggers
    assert (trigger.name, trigger.version, trigger.scope) == ("controller", "1.0.0", "household")
    assert trigger.module_digest.startswith("sha256:")
    assert (trigger.every_s, trigger.max_actions_per_day, trigger.consented) == (900, 4, False)
    assert list(trigger.series) == list(offer.terms.series)
    (action,) = trigger.actions
    assert (action.name, action.appliance_command) == ("off", pb.ApplianceCommand(appliance="boiler", on=False))
    (told,) = (await street.offer("offered")).triggers[0].actions
    assert dict(told.recommendation.text) == {"en": "Your meter was heard."}


async def test_grant(street: Street) -> None:
    """A consent is to exactly the terms, lasts as long as the edge's default, and shows in the offers and decisions."""
    household = await street.household("granting")
    offer = await street.offer("granting")
    consent = await household.grant(offer.terms)
    assert (consent.terms, consent.state) == (offer.terms, pb.CONSENT_STATE_GRANTED)
    assert (consent.decided_ms, consent.expires_ms) == (street.now_ms, street.now_ms + 365 * DAY_MS)
    assert not consent.HasField("ended_ms")
    assert await household.consents() == [consent]
    granted = await street.offer("granting")
    assert (granted.state, granted.triggers[0].consented) == (pb.OFFER_STATE_GRANTED, True)
    assert (await street.offer("granting", "control")).state == pb.OFFER_STATE_UNDECIDED
    assert await (await street.household("neighbour")).consents() == []


@pytest.mark.parametrize(
    ("service", "fields"),
    [
        ("control", {"series": reads("power_import")}),
        ("control", {"series": reads("power_import", "power_export", window_s=600, resolution_s=600)}),
        ("control", {"series": reads("power_import", "power_export", window_s=1_800, resolution_s=1_800)}),
        ("control", {"action_kinds": ["recommendation"]}),
        ("control", {"series": [], "action_kinds": []}),
    ],
)
async def test_terms_that_permit_nothing(street: Street, service: str, fields: dict[str, Any]) -> None:
    """Terms narrower than every trigger of the offer would permit nothing and are not taken for a consent."""
    terms = changed((await street.offer("narrow", service)).terms, **fields)
    assert await refusal(street, "narrow", terms) == ("INVALID_ARGUMENT", "CONSENT_PERMITS_NOTHING")
    assert await (await street.household("narrow")).consents() == []


@pytest.mark.parametrize("fields", [{"organization": "stranger"}, {"service": "telepathy"}, {"purpose": "Sell."}])
async def test_terms_that_nobody_offers(street: Street, fields: dict[str, Any]) -> None:
    """A consent to, or a refusal of, what nobody offers is not taken."""
    terms = changed((await street.offer("lost")).terms, **fields)
    assert await refusal(street, "lost", terms) == ("NOT_FOUND", "OFFER_NOT_FOUND")
    with pytest.raises(RpcError) as caught:
        await (await street.household("lost")).refuse(terms)
    assert caught.value.reason == "OFFER_NOT_FOUND"


@pytest.mark.parametrize("days", [-1, 0, 730.001])
async def test_expiry_out_of_bounds(street: Street, days: float) -> None:
    """A consent ends after now and within the edge's longest duration."""
    terms = (await street.offer("bounds")).terms
    expected = ("INVALID_ARGUMENT", "CONSENT_EXPIRY")
    assert await refusal(street, "bounds", terms, street.now_ms + int(days * DAY_MS)) == expected
    longest_ms = street.now_ms + 730 * DAY_MS
    assert (await (await street.household("bounds")).grant(terms, longest_ms)).expires_ms == longest_ms


async def test_refuse(street: Street) -> None:
    """A refusal is kept as a decision and permits nothing; the household can still change its mind."""
    household = await street.household("refusing")
    offer = await street.offer("refusing")
    refused = await household.refuse(offer.terms)
    assert (refused.state, refused.decided_ms) == (pb.CONSENT_STATE_REFUSED, street.now_ms)
    assert (await street.offer("refusing")).state == pb.OFFER_STATE_REFUSED
    street.clock.advance_to(street.now_ms + 1)
    granted = await household.grant(offer.terms)
    refused.ended_ms = street.now_ms
    assert await household.consents() == [granted, refused]
    assert (await street.offer("refusing")).state == pb.OFFER_STATE_GRANTED
    await household.withdraw(granted.consent_id)
    assert (await street.offer("refusing")).state == pb.OFFER_STATE_UNDECIDED, "the refusal is over"


async def test_refusing_what_was_granted(street: Street) -> None:
    """What a consent in force covers is not refused but withdrawn; the error says so."""
    offer = await street.offer("wavering")
    await street.consent("wavering")
    with pytest.raises(RpcError, match="covers this offer") as caught:
        await (await street.household("wavering")).refuse(offer.terms)
    assert (caught.value.status, caught.value.reason) == ("FAILED_PRECONDITION", "CONSENT_IN_FORCE")
    assert "edge consent withdraw" in caught.value.advice
    assert (await street.offer("wavering")).state == pb.OFFER_STATE_GRANTED


@pytest.mark.parametrize(
    "fields",
    [
        {"series": reads("power_import", "mind")},
        {"series": [*reads("power_import"), *reads("gas", window_s=604_801)]},
        {"series": [*reads("power_import"), *reads("gas", resolution_s=0)]},
        {"series": [*reads("power_import"), *reads("gas", resolution_s=1_800)]},
        {"series": [*reads("power_import"), *reads("power_import", window_s=1_800)]},
        {"action_kinds": ["recommendation", "x"]},
    ],
)
async def test_terms_that_mean_nothing(street: Street, fields: dict[str, Any]) -> None:
    """A household may agree to more than is asked, but to no series, window or action that there is not."""
    offered = (await street.offer("generous")).terms
    terms = changed(offered, **fields)
    assert await refusal(street, "generous", terms) == ("INVALID_ARGUMENT", "TERMS_UNKNOWN")
    series = reads("power_import", "voltage_l1", window_s=3_600, resolution_s=10)
    wider = changed(offered, series=series, action_kinds=["recommendation", "appliance:boiler"])
    assert (await (await street.household("generous")).grant(wider)).terms == changed(
        wider, action_kinds=["appliance:boiler", "recommendation"]
    )


async def test_refusing_what_is_not_offered(street: Street) -> None:
    """A refusal is of an offer as it is, so that the log holds nothing else."""
    terms = changed((await street.offer("picky")).terms, series=reads("voltage_l1"))
    with pytest.raises(RpcError) as caught:
        await (await street.household("picky")).refuse(terms)
    assert (caught.value.status, caught.value.reason) == ("FAILED_PRECONDITION", "OFFER_CHANGED")


async def test_withdraw(street: Street) -> None:
    """A withdrawn consent is over at once, and only once, and only for the household whose it was."""
    household = await street.household("withdrawing")
    consent = await street.consent("withdrawing")
    with pytest.raises(RpcError) as caught:
        await (await street.household("thief")).withdraw(consent.consent_id)
    assert caught.value.reason == "CONSENT_NOT_FOUND"
    withdrawn, cancelled = await household.withdraw(consent.consent_id)
    assert (withdrawn.state, withdrawn.ended_ms) == (pb.CONSENT_STATE_WITHDRAWN, street.now_ms)
    assert cancelled == 0
    with pytest.raises(RpcError) as caught:
        await household.withdraw(consent.consent_id)
    assert caught.value.reason == "CONSENT_NOT_IN_FORCE"
    (only,) = await household.consents()
    assert only.state == pb.CONSENT_STATE_WITHDRAWN
    assert (await street.offer("withdrawing")).state == pb.OFFER_STATE_UNDECIDED


async def test_grant_again(street: Street) -> None:
    """A new consent to a service ends the earlier one; those to other services stand."""
    household = await street.household("again")
    first = await street.consent("again")
    other = await street.consent("again", "control")
    street.clock.advance_to(street.now_ms + 1)
    second = await street.consent("again", expires_ms=street.now_ms + DAY_MS)
    states = {consent.consent_id: consent.state for consent in await household.consents()}
    assert states == {
        first.consent_id: pb.CONSENT_STATE_WITHDRAWN,
        other.consent_id: pb.CONSENT_STATE_GRANTED,
        second.consent_id: pb.CONSENT_STATE_GRANTED,
    }


async def test_deciding_the_same_again(street: Street) -> None:
    """Granting what is granted, or refusing what is refused, is the same decision and leaves no further trace."""
    household = await street.household("insisting")
    granted = await street.consent("insisting")
    control = (await street.offer("insisting", "control")).terms
    refused = await household.refuse(control)
    for _ in range(300):
        street.clock.advance_to(street.now_ms + 1)
        assert await household.grant(granted.terms) == granted
    assert await household.grant(granted.terms, granted.expires_ms) == granted
    assert await household.refuse(control) == refused
    assert len(await household.consents()) == 2
    assert len(await street.entries(Role.HOUSEHOLD, "insisting")) == 2
    longer = await household.grant(granted.terms, granted.expires_ms + 1)
    assert (longer.consent_id != granted.consent_id, longer.expires_ms) == (True, granted.expires_ms + 1)


async def test_receipt(street: Street) -> None:
    """A receipt is signed by the edge and says who may do what with which data until when, and where that stands."""
    household = await street.household("receipted")
    consent = await street.consent("receipted", "control")
    envelope = await household.receipt(consent.consent_id)
    receipt = json.loads(envelope.payload)
    (purpose,) = receipt["services"][0]["purposes"]
    assert receipt["record_id"] == consent.consent_id
    assert receipt["pii_principal_id"] == "receipted"
    assert receipt["pii_controllers"][0]["name"] == "acme"
    words = "every 15 minutes, up to 15 minutes back"
    assert [item["in_words"] for item in purpose["pii_categories"]] == [
        f"power fed into the grid (W), {words}",
        f"power drawn from the grid (W), {words}",
    ]
    assert [item["name"] for item in purpose["pii_categories"]] == ["power_export", "power_import"]
    assert purpose["actions"] == ["appliance:boiler"]
    assert (receipt["state"], receipt["expires_ms"]) == ("granted", consent.expires_ms)
    await household.withdraw(consent.consent_id)
    later = json.loads((await household.receipt(consent.consent_id)).payload)
    assert (later["state"], later["events"][-1]["state"]) == ("withdrawn", "withdrawn")
    with pytest.raises(RpcError) as caught:
        await (await street.household("thief")).receipt(consent.consent_id)
    assert caught.value.reason == "CONSENT_NOT_FOUND"


async def test_recorded(street: Street) -> None:
    """Each decision is in the audit log, where the household sees it and nobody else does."""
    household = await street.household("recorded")
    await household.refuse((await street.offer("recorded")).terms)
    consent = await street.consent("recorded")
    await household.withdraw(consent.consent_id)
    kinds = [entry.payload["kind"] for entry in await street.entries(Role.HOUSEHOLD, "recorded")]
    assert kinds == [EventKind.CONSENT_REFUSED, EventKind.CONSENT_GRANTED, EventKind.CONSENT_WITHDRAWN]
    (event,) = await street.events(EventKind.CONSENT_GRANTED, Role.HOUSEHOLD, "recorded")
    words = "power drawn from the grid (W), every 15 minutes, up to 15 minutes back"
    series = [{"name": "power_import", "window_s": 900, "resolution_s": 900, "in_words": words}]
    assert (event["consent"], event["series"]) == (consent.consent_id, series)
    for role, name in ((Role.OPERATOR, "operator"), (Role.HOUSEHOLD, "neighbour")):
        assert await street.events(EventKind.CONSENT_GRANTED, role, name) == []


# What follows needs actions, and moves the time.


async def test_withdrawal_cancels_what_waits(street: Street) -> None:
    """What waits under a consent is cancelled when it is withdrawn; what was confirmed stays in the inbox."""
    household = await street.household("acting")
    await street.enrol("acting")
    consent = await street.consent("acting")
    await street.next_slot("acting")
    (first,) = await street.inbox("acting")
    await household.acknowledge([first.action_id])
    await street.next_slot("acting")
    assert len(await street.inbox("acting")) == 2
    assert (await household.withdraw(consent.consent_id))[1] == 1
    assert [action.action_id for action in await street.inbox("acting")] == [first.action_id]
    (event,) = await street.events(EventKind.CONSENT_WITHDRAWN, Role.HOUSEHOLD, "acting")
    assert event["cancelled"] == 1
    await street.next_slot("acting")
    assert len(await street.inbox("acting")) == 1


async def test_withdrawal_after_a_new_consent(street: Street) -> None:
    """What waits under an earlier consent to a service is cancelled with the one that took its place."""
    household = await street.household("renewing")
    await street.enrol("renewing")
    await street.consent("renewing")
    await street.next_slot("renewing")
    second = await street.consent("renewing", expires_ms=street.now_ms + DAY_MS)
    assert len(await street.inbox("renewing")) == 1, "the new consent covers what waits"
    await street.next_slot("renewing")
    assert len(await street.inbox("renewing")) == 2
    assert (await household.withdraw(second.consent_id))[1] == 2
    assert await street.inbox("renewing") == []


async def test_expiry(street: Street) -> None:
    """From its last instant on a consent is over: nothing is evaluated under it. Withdrawing it still is for good."""
    household = await street.household("expiring")
    await street.enrol("expiring")
    slot_ms = await street.next_slot()
    consent = await street.consent("expiring", expires_ms=slot_ms + 2 * 900_000)
    await street.next_slot("expiring")
    assert len(await street.inbox("expiring")) == 1
    await street.next_slot("expiring")
    assert street.now_ms == consent.expires_ms
    assert len(await street.inbox("expiring")) == 1
    (expired,) = await household.consents()
    assert expired.state == pb.CONSENT_STATE_EXPIRED
    assert (await street.offer("expiring")).state == pb.OFFER_STATE_UNDECIDED
    assert (await household.withdraw(consent.consent_id))[0].state == pb.CONSENT_STATE_WITHDRAWN
    with pytest.raises(RpcError) as caught:
        await household.withdraw(consent.consent_id)
    assert caught.value.reason == "CONSENT_NOT_IN_FORCE"


async def test_a_clock_that_ran_ahead(new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]) -> None:
    """A consent that expired only by a wrong clock does not come back beside the one that took its place."""
    async with new_street(tmp_path / "street") as street:
        await street.set_up(module())
        await street.enrol("h1")
        await street.consent("h1", expires_ms=street.now_ms + DAY_MS)
        right_ms = street.now_ms
        await street.restart(right_ms + 2 * DAY_MS)
        second = await street.consent("h1")
        await street.stop()
        street.clock = SimulatedClock(right_ms + 60_000)
        await street.start()
        await (await street.household("h1")).withdraw(second.consent_id)
        await street.next_slot("h1")
        await street.next_slot("h1")
        assert await street.counts("h1") == [0]
