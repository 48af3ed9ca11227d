from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.errors import Fault, ManifestError
from edge_sdk.manifest import (
    ACTIONS_MAX,
    INPUTS_MAX,
    MANIFEST_BYTES_MAX,
    SAMPLES_MAX,
    Manifest,
    parse_canonical_json,
    parse_toml,
)

Tables = dict[str, Any]
Path = tuple[str | int, ...]

VALID: Tables = {
    "trigger": {
        "name": "ev-surplus",
        "version": "1.2.0",
        "service": "charging-advice",
        "purpose": "Advise to charge the car.",
        "scope": "household",
        "every": "15m",
        "max_actions_per_day": 2,
    },
    "input": [{"series": "power_export", "window": "1h", "resolution": "5m"}],
    "action": [
        {"name": "charge_now", "kind": "recommendation", "text": {"en": "Charge now.", "nl": "Laad nu."}},
        {"name": "charger_half", "kind": "appliance", "appliance": "ev_charger", "command": {"limit_w": 3700}},
    ],
}


def changed(path: Path, value: object) -> Tables:
    """Returns the valid tables with one value set at a path."""
    tables: Any = copy.deepcopy(VALID)
    place = tables
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return tables  # type: ignore[no-any-return]


def without(path: Path) -> Tables:
    """Returns the valid tables with the key at a path left out."""
    tables: Any = copy.deepcopy(VALID)
    place = tables
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return tables  # type: ignore[no-any-return]


def parse(tables: object) -> Manifest:
    """Returns the manifest of a module that has these tables."""
    return parse_canonical_json(rfc8785.dumps(tables))  # type: ignore[arg-type]


def refusal(tables: object) -> str:
    """Returns why a module with these tables is refused."""
    with pytest.raises(ManifestError) as caught:
        parse(tables)
    assert (caught.value.reason, caught.value.fault) == ("MANIFEST_INVALID", Fault.ORGANIZATION)
    return caught.value.message


def test_valid() -> None:
    """What the following tests break is whole."""
    assert parse(VALID).trigger.name == "ev-surplus"


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("trigger", "name"), "Ev Surplus", "trigger.name: "),
        (("trigger", "name"), "x" * 65, "trigger.name: "),
        (("trigger", "name"), "ev--surplus", "trigger.name: "),
        (("trigger", "name"), "ev-surplus\n", "trigger.name: "),
        (("trigger", "version"), "1.2", "trigger.version: "),
        (("trigger", "version"), "01.2.0", "trigger.version: "),
        (("trigger", "version"), 1, "trigger.version: "),
        (("trigger", "service"), "", "trigger.service: "),
        (("trigger", "purpose"), "x" * 281, "trigger.purpose: "),
        (("trigger", "scope"), "street", "trigger.scope: "),
        (("trigger", "every"), "7m", "every = '7m' does not divide a day"),
        (("trigger", "every"), "90s", "every = '90s' does not divide a day into slots of whole minutes"),
        (("trigger", "every"), "2d", "every = '2d' does not divide a day"),
        (("trigger", "every"), "quarterly", "trigger.every: 'quarterly' is not a duration"),
        (("trigger", "max_actions_per_day"), 0, "trigger.max_actions_per_day: "),
        (("trigger", "max_actions_per_day"), 97, "trigger.max_actions_per_day: "),
        (("trigger", "max_actions_per_day"), True, "trigger.max_actions_per_day: "),
        (("trigger", "max_actions_per_day"), "2", "trigger.max_actions_per_day: "),
        (("trigger", "max_action_per_day"), 2, "trigger.max_action_per_day: "),
        (("input", 0, "series"), "power", "input.0.series: 'power' is not in the catalogue"),
        (("input", 0, "series"), "neighbourhood.tariff", "input.0.series: 'neighbourhood.tariff' is not"),
        (("input", 0, "window"), "7m", "input.0: window 7m is not a multiple of resolution 5m"),
        (("input", 0, "window"), "1m", "input.0: window 1m is not a multiple of resolution 5m"),
        (("input", 0, "window"), "8d", "input.0: window 8d is longer than 7d"),
        (("input", 0, "resolution"), "0s", "input.0.resolution: '0s' is not a duration"),
        (("input", 0, "unit"), "W", "input.0.unit: "),
        (("input",), [], "input: "),
        (("input",), "power_export", "input: "),
        (("action",), [], "action: "),
        (("action", 0, "text"), {"nl": "Laad nu."}, "action.0.recommendation: text has no en"),
        (("action", 0, "text"), {}, "action.0.recommendation.text: "),
        (("action", 0, "text"), "Charge now.", "action.0.recommendation.text: "),
        (("action", 0, "text", "en"), "x" * 501, "action.0.recommendation.text.en: "),
        (("action", 0, "text", "EN"), "Now.", "'EN' is not a language tag"),
        (("action", 0, "kind"), "shout", "action.0: "),
        (("action", 0, "command"), {"on": True}, "action.0.recommendation.command: "),
        (("action", 1, "appliance"), "toaster", "action.1.appliance: appliance 'toaster' is not one of"),
        (("action", 1, "command"), {}, "action.1.appliance.command: a command needs limit_w, on, or both"),
        (("action", 1, "command", "limit_w"), -1, "action.1.appliance.command.limit_w: "),
        (("action", 1, "command", "limit_w"), 100_001, "action.1.appliance.command.limit_w: "),
        (("action", 1, "command", "limit_w"), 3700.5, "action.1.appliance.command.limit_w: "),
        (("action", 1, "command", "on"), "yes", "action.1.appliance.command.on: "),
        (("action", 1, "command", "volume"), 11, "action.1.appliance.command.volume: "),
        (("action", 1, "name"), "charge_now", "two actions have the same name"),
        (("action", 1, "name"), "charge-now", "two actions have the same name, up to - and _"),
        (("note",), "hello", "note: "),
    ],
)
def test_invalid_manifests(path: Path, value: object, problem: str) -> None:
    """A manifest that breaks the contract is refused by the name of the field."""
    assert problem in refusal(changed(path, value))


REQUIRED: list[Path] = [
    ("trigger",),
    ("input",),
    ("action",),
    *(("trigger", key) for key in VALID["trigger"]),
    *(("input", 0, key) for key in VALID["input"][0]),
    *(("action", place, key) for place in (0, 1) for key in VALID["action"][place]),
]


@pytest.mark.parametrize("path", REQUIRED, ids=lambda path: ".".join(str(step) for step in path))
def test_nothing_has_a_default(path: Path) -> None:
    """A manifest that leaves anything out is refused by the name of what is missing."""
    # What kind an action is decides which table it is read as.
    name = "kind" if path[-1] == "kind" else f"{path[-1]}: Field required"
    assert name in refusal(without(path))


def test_neighbourhood_sees_no_household() -> None:
    """A trigger of scope neighbourhood may read the neighbourhood and the clock, not a household's own series."""
    tables = changed(("trigger", "scope"), "neighbourhood")
    assert "scope neighbourhood cannot read a household's own power_export" in refusal(tables)
    tables["input"] = [
        {"series": series, "window": "1h", "resolution": "1h"} for series in ("neighbourhood.gas", "clock.tariff")
    ]
    assert parse(tables).series == ("clock.tariff", "neighbourhood.gas")


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred",
        "a\x00",
        "a\nb",
        "a\tb",
        "a\x7f",
        "a\x9b31m",
        "a\u202eb",
        "a\u200bb",
        "a\u2028b",
        "\ufeffa",
        "",
        "  ",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("path", [("trigger", "purpose"), ("action", 0, "text", "en"), ("action", 0, "text", "nl")])
def test_texts_are_what_they_seem(path: Path, text: str) -> None:
    """A text that could drive a terminal, or show as another or as nothing, is refused and not repeated."""
    message = refusal(changed(path, text))
    assert f"{path[-1]}: holds nothing or characters that cannot be printed" in message
    assert message.isprintable()


@pytest.mark.parametrize(
    "path", [("trigger", "\x1b[31m"), ("\x1b[31m",), ("action", 0, "text", "\x1b[31m"), ("action", 0, "kind")]
)
def test_refusals_drive_no_terminal(path: Path) -> None:
    """A refusal that names a key or repeats a value of the manifest shows it as text that does nothing."""
    message = refusal(changed(path, "\x1b[31m"))
    assert message.isprintable()
    assert "\\x1b[31m" in message


def test_too_many() -> None:
    """Inputs, actions and samples are bounded."""
    item, action = VALID["input"][0], VALID["action"][0]
    assert "input: " in refusal({**VALID, "input": [item] * (INPUTS_MAX + 1)})
    names = [{**action, "name": f"a{number}"} for number in range(ACTIONS_MAX + 1)]
    assert "action: " in refusal({**VALID, "action": names})
    assert len(parse({**VALID, "action": names[:-1]}).action) == ACTIONS_MAX
    wide = {"series": "gas", "window": f"{SAMPLES_MAX}s", "resolution": "1s"}
    assert parse({**VALID, "input": [wide]}).samples == SAMPLES_MAX
    assert f"more than {SAMPLES_MAX}" in refusal({**VALID, "input": [wide, item]})


def test_no_more_actions_than_slots() -> None:
    """A trigger cannot act more often than it is evaluated."""
    tables = changed(("trigger", "every"), "1d")
    assert "max_actions_per_day is more than the 1 slots of a day" in refusal(tables)


@pytest.mark.parametrize(
    "payload",
    [
        rfc8785.dumps(VALID) + b"\n",
        b" " + rfc8785.dumps(VALID),
        json.dumps(VALID).encode(),
        json.dumps(VALID, separators=(",", ":")).encode(),
        rfc8785.dumps(VALID).replace(b"3700", b"3700.0"),
        rfc8785.dumps(VALID).replace(b"Charge now.", b"\\u0043harge now."),
        rfc8785.dumps(VALID).replace(b'"every":"15m"', b'"every":"1h","every":"15m"'),
        rfc8785.dumps(VALID).decode().encode("utf-16"),
    ],
    ids=["newline", "space", "spaces", "order", "float", "escape", "twice", "utf-16"],
)
def test_one_form_only(payload: bytes) -> None:
    """A module's manifest in any but canonical form is refused: two readers could read two manifests."""
    with pytest.raises(ManifestError):
        parse_canonical_json(payload)


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"\xff", b"[" * 50_000, b"1" * 5_000, b"null", b"[]", b"NaN", b'{"trigger":"\\ud800"}'],
    ids=repr,
)
def test_not_a_manifest(payload: bytes) -> None:
    """Whatever bytes stand in the section, nothing but a ManifestError comes of them."""
    with pytest.raises(ManifestError):
        parse_canonical_json(payload)


@given(
    payload=st.binary(max_size=60)
    | st.builds(
        json.dumps,
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["trigger", "input", "action", "x"]), inner)
            ),
            max_leaves=8,
        ),
    ).map(str.encode)
)
def test_only_manifest_errors(payload: bytes) -> None:
    """No bytes make the parser fail in any other way."""
    with pytest.raises(ManifestError):
        parse_canonical_json(payload)


def test_too_large() -> None:
    """A manifest of more bytes than allowed is not even parsed."""
    with pytest.raises(ManifestError, match=f"more than {MANIFEST_BYTES_MAX}"):
        parse_canonical_json(b"[" * (MANIFEST_BYTES_MAX + 1))


def test_toml() -> None:
    """A file that is not TOML is refused as such; one that is TOML, by the name of the field."""
    with pytest.raises(ManifestError, match=r"trigger\.toml is not valid TOML"):
        parse_toml("[trigger")
    for text in ("a = " + "1" * 5_000, "a = " + "[" * 5_000):
        with pytest.raises(ManifestError, match=r"trigger\.toml is not valid TOML"):
            parse_toml(text)
    with pytest.raises(ManifestError, match=r"trigger\.name: .*; input: Field required"):
        parse_toml("[trigger]\nname = 2026-11-23\n")


def test_frozen() -> None:
    """A manifest does not change after it was read."""
    manifest = parse(VALID)
    with pytest.raises(ValueError, match="frozen"):
        manifest.trigger.name = "other"  # type: ignore[misc]
