"""What commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from edge.cli.output import enum_word, plain, safe, show_modules, time_text
from edge_sdk.wire.v1.household_pb2 import Action, Recommendation
from edge_sdk.wire.v1.module_pb2 import (
    MODULE_STATE_ACTIVE,
    MODULE_STATE_QUARANTINED,
    FaultCounts,
    Module,
    ModuleHealth,
)
from edge_sdk.wire.v1.operator_pb2 import GetShadowResponse, GetStatusResponse, ShadowSlot

if TYPE_CHECKING:
    import pytest


def test_numbers_stay_numbers() -> None:
    """A 64-bit count is printed as a number, not as a string, and a zero is printed too."""
    values = plain(GetStatusResponse(readings=2**40))
    assert values["readings"] == 2**40
    assert values["faults"] == 0


def test_words_bytes_and_nested_messages() -> None:
    """States are printed as words, bytes as hexadecimal digits, messages as objects, what is absent not at all."""
    values = plain(Module(digest="d", state=MODULE_STATE_ACTIVE))
    assert values["state"] == "active"
    assert "approved_from_ms" not in values
    action = Action(action_id="a", recommendation=Recommendation(text={"en": "hello", "nl": "hallo"}))
    assert plain(action)["recommendation"] == {"text": {"en": "hello", "nl": "hallo"}}
    assert "appliance_command" not in plain(action)


def test_enum_word() -> None:
    """The word is the name without the prefix that the protocol's style asks for."""
    assert enum_word("MODULE_STATE_ACTIVE", "ModuleState") == "active"
    assert enum_word("SUB_METER_KIND_GAS", "SubMeterKind") == "gas"


@given(st.text())
def test_safe_leaves_nothing_a_terminal_acts_on(text: str) -> None:
    """Whatever another party wrote, what is printed holds no control character, and printable text stays as it is."""
    assert safe(text).isprintable()
    if text.isprintable():
        assert safe(text) == text


def test_times_say_their_zone() -> None:
    """A printed time says that it is UTC."""
    assert time_text(0) == "1970-01-01 00:00:00 UTC"


def test_health_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """The operator reads how often a module faulted, by code, in the last slot, and until when it does not run."""
    health = ModuleHealth(
        evaluations=2_000,
        faults=FaultCounts(trap=3, wall_clock=1),
        last_slot_evaluations=10,
        last_slot_faults=FaultCounts(trap=2),
        last_fault_slot_ms=0,
        bad_slots=2,
    )
    sits_out, stopped = ModuleHealth(runs_again_ms=900_000), ModuleHealth(quarantined_ms=0)
    for more in (sits_out, stopped):
        more.MergeFrom(health)
    show_modules([Module(state=MODULE_STATE_ACTIVE, health=sits_out)])
    show_modules([Module(state=MODULE_STATE_QUARANTINED, health=stopped), Module(state=MODULE_STATE_ACTIVE)])
    told = capsys.readouterr().out.splitlines()
    counts = (
        "    2,000 evaluations, 4 faults (trap 3, wall clock 1); in the last slot 2 faults (trap 2) of 10; "
        "last fault 1970-01-01 00:00:00 UTC; 2 bad slots, "
    )
    assert told[1] == counts + "runs again from 1970-01-01 00:15:00 UTC"
    assert told[3] == counts + "quarantined since 1970-01-01 00:00:00 UTC until `edge module resume`"
    assert len(told) == 5, "one that never ran has nothing to tell"


def test_counts_by_name() -> None:
    """Counts by name are printed as an object, within lists too."""
    slot = ShadowSlot(slot_ms=900_000, actions={"go": 2})
    assert plain(GetShadowResponse(newest=[slot]))["newest"][0]["actions"] == {"go": 2}
