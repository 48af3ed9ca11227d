from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind, household_subject, organization_subject

NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
DETAILS = st.dictionaries(
    st.text(max_size=10),
    st.text(max_size=10)
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.booleans()
    | st.lists(st.text(max_size=5), max_size=3),
    max_size=5,
)


@given(detail=DETAILS)
def test_bytes_hold_the_event(detail: dict[str, object]) -> None:
    """What is committed to says kind, time, subjects and detail, and the order of keys makes no difference."""
    event = Event(EventKind.ACTION_CREATED, 5, (household_subject("h1"),), detail)
    assert json.loads(event.canonical_json()) == {
        "kind": "action_created",
        "time_ms": 5,
        "subjects": ["household/h1"],
        "detail": detail,
    }
    backwards = dict(reversed(detail.items()))
    assert Event(EventKind.ACTION_CREATED, 5, ("household/h1",), backwards).canonical_json() == event.canonical_json()


@given(name=NAMES)
def test_subjects_do_not_meet(name: str) -> None:
    """A household, an organization and the operator are three subjects, whatever they are called."""
    assert len({household_subject(name), organization_subject(name), OPERATOR_SUBJECT}) == 3


def test_kinds_are_distinct() -> None:
    """No two kinds of event are written alike."""
    assert len({kind.value for kind in EventKind}) == len(EventKind)
