"""What commands print."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.cli.output import enum_word, plain, safe, time_text
from edge_sdk.wire.v1.household_pb2 import Action, Recommendation
from edge_sdk.wire.v1.module_pb2 import MODULE_STATE_ACTIVE, Module
from edge_sdk.wire.v1.operator_pb2 import GetStatusResponse


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
