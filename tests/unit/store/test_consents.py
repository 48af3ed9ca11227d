from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from edge.domain.consent import Consent, ConsentState, SeriesTerms, Terms

if TYPE_CHECKING:
    from edge.store.store import Store, Tables

SERIES = frozenset({SeriesTerms("gas", 604_800, 3_600), SeriesTerms("power_net", 900, 10)})
TERMS = Terms("sunny", "advice", "Advise.", SERIES, frozenset({"recommendation"}))
GRANTED = Consent("c1", "h1", TERMS, ConsentState.GRANTED, decided_ms=10, expires_ms=100)
CONSENTS = [
    GRANTED,
    replace(GRANTED, consent_id="c2", decided_ms=20).withdraw(30),
    replace(GRANTED, consent_id="c3", household_id="h2", decided_ms=5, expires_ms=50),
    replace(GRANTED, consent_id="c4", household_id="h2", terms=replace(TERMS, organization="shady")),
    replace(GRANTED, consent_id="c5", household_id="h3", terms=replace(TERMS, service="research")),
    replace(GRANTED, consent_id="c6", household_id="h3", decided=ConsentState.REFUSED, ended_ms=10),
    replace(GRANTED, consent_id="c7", household_id="h0", terms=replace(TERMS, series=frozenset())),
]


@pytest.fixture
async def full_store(store: Store) -> Store:
    """A store with consents of several households, organizations and states."""

    def work(tables: Tables) -> None:
        for consent in CONSENTS:
            tables.consents.insert(consent)

    await store.write(work)
    return store


def get(household_id: str, consent_id: str, tables: Tables) -> Consent | None:
    """Returns one consent."""
    return tables.consents.get(household_id, consent_id)


async def test_kept_as_decided(full_store: Store) -> None:
    """Every decision is read back whole: terms, state and times."""
    found = [full_store.read_now(partial(get, item.household_id, item.consent_id)) for item in CONSENTS]
    assert found == CONSENTS


async def test_only_ones_own(full_store: Store) -> None:
    """A consent is found only by the household whose it is."""
    assert full_store.read_now(partial(get, "h2", "c1")) is None
    assert full_store.read_now(partial(get, "h1", "c3")) is None


async def test_of_household(full_store: Store) -> None:
    """A household's decisions are all its own, newest first."""
    found = full_store.read_now(lambda tables: tables.consents.of_household("h1"))
    assert [consent.consent_id for consent in found] == ["c2", "c1"]
    assert full_store.read_now(lambda tables: tables.consents.of_household("h9")) == []


@pytest.mark.parametrize(("now_ms", "households"), [(49, {"h0", "h1", "h2"}), (50, {"h0", "h1"}), (100, set())])
async def test_in_force_of_a_service(full_store: Store, now_ms: int, households: set[str]) -> None:
    """Who consents to a service is told by the terms; other services and parties, and what has ended, are left out:
    those of whom the rule of the domain says that they permit what they agreed to.
    """
    found = full_store.read_now(lambda tables: tables.consents.in_force_of(TERMS.identity, now_ms))
    told = {household: (consent_id, terms) for terms, ids in found for household, consent_id in ids}
    assert set(told) == households
    permitting = {
        item.household_id: (item.consent_id, item.terms)
        for item in CONSENTS
        if item.terms.identity == TERMS.identity and item.permits(item.terms, now_ms)
    }
    assert told == permitting


@pytest.mark.parametrize(("now_ms", "in_force"), [(49, 5), (50, 4), (99, 4), (100, 0)])
async def test_in_force(full_store: Store, now_ms: int, in_force: int) -> None:
    """Those in force are granted and not yet expired: as many as the rule of the domain says."""
    assert full_store.read_now(lambda tables: tables.consents.in_force(now_ms)) == in_force
    assert in_force == sum(consent.state(now_ms) is ConsentState.GRANTED for consent in CONSENTS)


async def test_withdrawn(full_store: Store) -> None:
    """Withdrawing is noted for that consent alone; its terms stay on record."""
    withdrawn = GRANTED.withdraw(40)
    await full_store.write(lambda transaction: transaction.consents.update(withdrawn))
    assert full_store.read_now(partial(get, "h1", "c1")) == withdrawn
    others = [full_store.read_now(partial(get, item.household_id, item.consent_id)) for item in CONSENTS[1:]]
    assert others == CONSENTS[1:]
