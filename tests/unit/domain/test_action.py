from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from edge.domain.action import Cause, action_id, cause_of
from edge.domain.trigger import running_trigger

if TYPE_CHECKING:
    from edge.domain.module import Module

TRIGGER_KEYS = st.from_regex(r"[a-z]{1,5}/[a-z]{1,5}", fullmatch=True)
HOUSEHOLDS = st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True)
SLOTS_MS = st.integers(0, 2**43)


@given(
    first=st.tuples(TRIGGER_KEYS, SLOTS_MS, HOUSEHOLDS),
    second=st.tuples(TRIGGER_KEYS, SLOTS_MS, HOUSEHOLDS),
)
def test_id_is_of_trigger_slot_and_household(first: tuple[str, int, str], second: tuple[str, int, str]) -> None:
    """An action made again has the same id; of another trigger, slot or household another."""
    assert (action_id(*first) == action_id(*second)) == (first == second)
    assert action_id(*first) == action_id(*first)


def test_id_is_kept() -> None:
    """The id of an action is the same in every release: stored actions are recognised."""
    assert action_id("sunny/ev-surplus", 900_000, "h1") == "8e79886fb93eeabd4d37f70ec487d536"


def test_cause(module: Module) -> None:
    """An action says which organization, service, purpose, code, consent and slot it comes from."""
    trigger = running_trigger(module, 1_500)
    assert trigger is not None
    assert cause_of(trigger, "c1", 900_000) == Cause(
        organization="sunny",
        service="charging-advice",
        purpose="Advise when to charge.",
        trigger="ev-surplus",
        module_version="1.2.0",
        module_digest=module.digest,
        consent_id="c1",
        slot_ms=900_000,
    )
