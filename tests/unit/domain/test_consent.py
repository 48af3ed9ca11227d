from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.consent import Consent, ConsentState, Terms
from edge.errors import ConflictError

SERIES = ("power_import", "power_export", "gas")
KINDS = ("recommendation", "appliance:ev_charger")
TERMS = Terms("sunny", "advice", "Advise.", frozenset(SERIES), frozenset(KINDS))
CONSENT = Consent("c1", "h1", TERMS, ConsentState.GRANTED, granted_ms=1_000, expires_ms=2_000)


def terms() -> st.SearchStrategy[Terms]:
    """Returns terms that are often alike."""
    return st.builds(
        Terms,
        organization=st.sampled_from(["sunny", "shady"]),
        service=st.sampled_from(["advice", "research"]),
        purpose=st.sampled_from(["Advise.", "Sell."]),
        series=st.frozensets(st.sampled_from(SERIES)),
        action_kinds=st.frozensets(st.sampled_from(KINDS)),
    )


@given(agreed=terms(), needed=terms())
def test_cover_same_or_narrower(agreed: Terms, needed: Terms) -> None:
    """Terms cover what names the same party, service and purpose, and no series or kind beyond theirs."""
    same = (agreed.organization, agreed.service, agreed.purpose) == (
        needed.organization,
        needed.service,
        needed.purpose,
    )
    nothing_new = not (needed.series - agreed.series) and not (needed.action_kinds - agreed.action_kinds)
    assert agreed.cover(needed) == (same and nothing_new)


@given(first=terms(), second=terms(), third=terms())
def test_cover_is_an_order(first: Terms, second: Terms, third: Terms) -> None:
    """Terms cover themselves, what their part covers they cover, and two that cover each other are the same."""
    assert first.cover(first)
    if first.cover(second) and second.cover(third):
        assert first.cover(third)
    if first.cover(second) and second.cover(first):
        assert first == second


@pytest.mark.parametrize(
    ("change", "permitted"),
    [
        ({}, True),
        ({"series": frozenset({"gas"}), "action_kinds": frozenset({"recommendation"})}, True),
        ({"series": frozenset({*SERIES, "tariff"})}, False),
        ({"action_kinds": frozenset({*KINDS, "appliance:boiler"})}, False),
        ({"purpose": "Sell."}, False),
        ({"organization": "shady"}, False),
        ({"service": "research"}, False),
    ],
)
def test_permits_nothing_wider(change: dict[str, frozenset[str]], *, permitted: bool) -> None:
    """A consent permits the same and less, never another series, action, purpose, party or service."""
    needed = Terms(**{**{name: getattr(TERMS, name) for name in Terms.__slots__}, **change})
    assert CONSENT.permits(needed, 1_500) is permitted


@pytest.mark.parametrize(
    ("decided", "now_ms", "state"),
    [
        (ConsentState.GRANTED, 1_000, ConsentState.GRANTED),
        (ConsentState.GRANTED, 1_999, ConsentState.GRANTED),
        (ConsentState.GRANTED, 2_000, ConsentState.EXPIRED),
        (ConsentState.WITHDRAWN, 1_500, ConsentState.WITHDRAWN),
        (ConsentState.WITHDRAWN, 2_500, ConsentState.WITHDRAWN),
        (ConsentState.REFUSED, 1_500, ConsentState.REFUSED),
        (ConsentState.REFUSED, 2_500, ConsentState.REFUSED),
    ],
)
def test_states(decided: ConsentState, now_ms: int, state: ConsentState) -> None:
    """A consent expires at its expiry and not before; nothing but a granted one permits anything."""
    consent = replace(CONSENT, decided=decided)
    assert consent.state(now_ms) is state
    assert consent.permits(TERMS, now_ms) is (state is ConsentState.GRANTED)


def test_withdraw() -> None:
    """A withdrawn consent says when it ended and permits nothing from then on."""
    withdrawn = CONSENT.withdraw(1_500)
    assert (withdrawn.decided, withdrawn.ended_ms) == (ConsentState.WITHDRAWN, 1_500)
    assert not withdrawn.permits(TERMS, 1_500)
    assert withdrawn.terms == CONSENT.terms


@pytest.mark.parametrize(
    "consent",
    [CONSENT.withdraw(1_500), replace(CONSENT, decided=ConsentState.REFUSED), replace(CONSENT, expires_ms=1_600)],
    ids=["withdrawn", "refused", "expired"],
)
def test_withdraw_once(consent: Consent) -> None:
    """What is not in force cannot be withdrawn; the error says what it is."""
    with pytest.raises(ConflictError, match=f"is {consent.state(1_600)}, not granted") as caught:
        consent.withdraw(1_600)
    assert caught.value.reason == "CONSENT_NOT_IN_FORCE"
