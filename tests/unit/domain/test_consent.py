from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.consent import Consent, ConsentState, SeriesTerms, Terms, widest
from edge.errors import ConflictError, InvalidRequestError

HOUR_S, DAY_S = 3_600, 86_400
NAMES = ("power_import", "power_export", "gas")
KINDS = ("recommendation", "appliance:ev_charger")
SERIES = frozenset(SeriesTerms(name, HOUR_S, 900) for name in NAMES)
TERMS = Terms("sunny", "advice", "Advise.", SERIES, frozenset(KINDS))
CONSENT = Consent("c1", "h1", TERMS, ConsentState.GRANTED, decided_ms=1_000, expires_ms=2_000)


def series_terms() -> st.SearchStrategy[SeriesTerms]:
    """Returns terms of a series that are often alike."""
    return st.builds(
        SeriesTerms,
        name=st.sampled_from(NAMES),
        window_s=st.sampled_from([900, HOUR_S, DAY_S]),
        resolution_s=st.sampled_from([10, 300, 900]),
    )


def terms(identity: tuple[str, str, str] | None = None) -> st.SearchStrategy[Terms]:
    """Returns terms that are often alike, of one identity if one is given."""
    parts = (
        [st.just(part) for part in identity]
        if identity
        else [st.sampled_from(pair) for pair in (["sunny", "shady"], ["advice", "research"], ["Advise.", "Sell."])]
    )
    series = st.lists(series_terms(), max_size=3, unique_by=lambda item: item.name).map(frozenset)
    return st.builds(Terms, *parts, series, st.frozensets(st.sampled_from(KINDS)))


SAME = terms(TERMS.identity)


@given(agreed=terms(), needed=terms())
def test_cover_same_or_narrower(agreed: Terms, needed: Terms) -> None:
    """Terms cover what is about the same and reads and does nothing beyond theirs, further back or finer."""
    reach = {item.name: item for item in agreed.series}
    within = all(
        item.name in reach
        and item.window_s <= reach[item.name].window_s
        and item.resolution_s >= reach[item.name].resolution_s
        for item in needed.series
    )
    nothing_new = within and not needed.action_kinds - agreed.action_kinds
    assert agreed.cover(needed) == (agreed.identity == needed.identity and nothing_new)


@given(first=terms(), second=terms(), third=terms())
def test_cover_is_an_order(first: Terms, second: Terms, third: Terms) -> None:
    """Terms cover themselves, what their part covers they cover, and two that cover each other are the same."""
    assert first.cover(first)
    if first.cover(second) and second.cover(third):
        assert first.cover(third)
    if first.cover(second) and second.cover(first):
        assert first == second


@given(first=SAME, second=SAME, third=SAME)
def test_union_is_the_least_that_covers_both(first: Terms, second: Terms, third: Terms) -> None:
    """A union covers both, whatever covers both covers it, and neither the order nor the grouping matters."""
    union = first.union(second)
    assert union.cover(first)
    assert union.cover(second)
    if third.cover(first) and third.cover(second):
        assert third.cover(union)
    assert union == second.union(first)
    assert union.union(third) == first.union(second.union(third))
    assert first.union(first) == first


@given(agreed=SAME, more=SAME, needed=SAME)
def test_wider_consents_permit_no_less(agreed: Terms, more: Terms, needed: Terms) -> None:
    """Whatever a consent permits, a wider one permits; whatever it permits, it permits any narrower version of."""
    wider = agreed.union(more)
    if replace(CONSENT, terms=agreed).permits(needed, 1_500):
        assert replace(CONSENT, terms=wider).permits(needed, 1_500)
    if replace(CONSENT, terms=agreed).permits(needed.union(more), 1_500):
        assert replace(CONSENT, terms=agreed).permits(needed, 1_500)


@given(series=st.lists(series_terms(), max_size=6))
def test_widest(series: list[SeriesTerms]) -> None:
    """Of each name there is one left, which covers all of that name by the longest window and finest resolution."""
    found = {item.name: item for item in widest(series)}
    assert found.keys() == {item.name for item in series}
    assert len(found) == len(widest(series))
    for name, item in found.items():
        alike = [other for other in series if other.name == name]
        assert all(item.cover(other) for other in alike)
        assert item.window_s == max(other.window_s for other in alike)
        assert item.resolution_s == min(other.resolution_s for other in alike)


def test_union_of_separate_decisions() -> None:
    """What is decided separately is not put together."""
    for change in ({"organization": "shady"}, {"service": "research"}, {"purpose": "Sell."}):
        with pytest.raises(ValueError, match="separate decisions"):
            TERMS.union(replace(TERMS, **change))  # type: ignore[arg-type]


def test_a_series_stands_once() -> None:
    """Terms with two entries for a series would have no one meaning, and are refused."""
    twice = frozenset({SeriesTerms("gas", HOUR_S, 900), SeriesTerms("gas", DAY_S, HOUR_S)})
    with pytest.raises(InvalidRequestError, match="gas more than once") as caught:
        replace(TERMS, series=twice)
    assert caught.value.reason == "TERMS_UNKNOWN"


def series(**changes: Any) -> frozenset[SeriesTerms]:
    """The series of the consent, changed alike."""
    return frozenset(replace(item, **changes) for item in SERIES)


@pytest.mark.parametrize(
    ("change", "permitted"),
    [
        ({}, True),
        ({"series": frozenset({SeriesTerms("gas", HOUR_S, 900)}), "action_kinds": frozenset({KINDS[0]})}, True),
        ({"series": series(window_s=900)}, True),
        ({"series": series(resolution_s=1_800)}, True),
        ({"series": series(window_s=HOUR_S + 1)}, False),
        ({"series": series(window_s=7 * DAY_S)}, False),
        ({"series": series(resolution_s=899)}, False),
        ({"series": series(window_s=900, resolution_s=10)}, False),
        ({"series": frozenset({*SERIES, SeriesTerms("tariff", 900, 900)})}, False),
        ({"action_kinds": frozenset({*KINDS, "appliance:boiler"})}, False),
        ({"purpose": "Sell."}, False),
        ({"organization": "shady"}, False),
        ({"service": "research"}, False),
    ],
)
def test_permits_nothing_wider(change: dict[str, Any], *, permitted: bool) -> None:
    """A consent permits the same and less: never another series, further back, finer, another action or purpose."""
    assert CONSENT.permits(replace(TERMS, **change), 1_500) is permitted


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
    assert consent.refuses is (decided is ConsentState.REFUSED)


def test_withdraw() -> None:
    """A withdrawn consent says when it ended and permits nothing from then on."""
    withdrawn = CONSENT.withdraw(1_500)
    assert (withdrawn.decided, withdrawn.ended_ms) == (ConsentState.WITHDRAWN, 1_500)
    assert not withdrawn.permits(TERMS, 1_500)
    assert withdrawn.terms == CONSENT.terms


@pytest.mark.parametrize(
    "consent",
    [CONSENT.withdraw(1_500), replace(CONSENT, decided=ConsentState.REFUSED)],
    ids=["withdrawn", "refused"],
)
def test_withdraw_once(consent: Consent) -> None:
    """What is not granted cannot be withdrawn; the error says what it is."""
    with pytest.raises(ConflictError, match=f"is {consent.state(1_600)}, not granted") as caught:
        consent.withdraw(1_600)
    assert caught.value.reason == "CONSENT_NOT_IN_FORCE"


def test_withdraw_the_expired() -> None:
    """An expired consent can be withdrawn: should the clock have been wrong, it does not come into force again."""
    withdrawn = replace(CONSENT, expires_ms=1_600).withdraw(1_700)
    assert withdrawn.state(1_500) is ConsentState.WITHDRAWN
