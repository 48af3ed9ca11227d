from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.domain.shadow import Comparison, ShadowSlot, compare, together

NAMES = st.sampled_from(["go", "stop"])
DECIDED = st.dictionaries(st.sampled_from("abcdef"), st.none() | NAMES)


def test_compared() -> None:
    """Households differ where the name of the action differs, or only one of the two says something."""
    decided = {"a": "go", "b": "go", "c": None, "d": None, "e": "go"}
    assert compare(decided, {"a": "go", "b": "stop", "c": "go", "z": "go"}) == Comparison(5, 3)


@given(decided=DECIDED)
def test_nothing_to_compare_with(decided: dict[str, str | None]) -> None:
    """Where the active version did not run nothing is compared; with itself nothing differs."""
    assert compare(decided, None) == Comparison(0, 0)
    acted = {household: name for household, name in decided.items() if name is not None}
    assert compare(decided, acted) == Comparison(len(decided), 0)


def test_together() -> None:
    """Slots add up, action by action; of none the sum is nothing."""
    slots = [
        ShadowSlot(900, 10, 1, {"go": 2}, Comparison(10, 3)),
        ShadowSlot(1_800, 12, 0, {"go": 1, "stop": 4}, Comparison(0, 0)),
    ]
    assert together(slots) == ShadowSlot(1_800, 22, 1, {"go": 3, "stop": 4}, Comparison(10, 3))
    assert together([]) == ShadowSlot(0, 0, 0, {}, Comparison(0, 0))
