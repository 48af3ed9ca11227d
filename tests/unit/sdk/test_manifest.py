from __future__ import annotations

import itertools
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.catalogue import APPLIANCES, CATALOGUE, Extent
from edge_sdk.manifest import leak_bits, parse_canonical_json, parse_toml

Tables = dict[str, Any]

SLUGS = st.builds(
    lambda parts, joint: joint.join(parts),
    st.lists(st.sampled_from(["a", "ev", "x9", "surplus", "b2b"]), min_size=1, max_size=4),
    st.sampled_from(["-", "_"]),
)
TEXTS = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=40).filter(
    str.strip
)
LANGUAGES = st.sampled_from(["nl", "de", "nl-BE", "sr-Latn-RS", "fry"])
MINUTES_OF_A_DAY = [minutes for minutes in range(1, 1441) if 1440 % minutes == 0]
COMMANDS = st.fixed_dictionaries({"limit_w": st.integers(0, 100_000)}, optional={"on": st.booleans()}) | st.builds(
    lambda on: {"on": on}, st.booleans()
)


def to_toml(tables: Tables) -> str:
    """Writes a manifest as a person would. JSON's strings, numbers and truth values are TOML's."""
    lines = ["[trigger]", *_pairs(tables["trigger"])]
    for name in ("input", "action"):
        for table in tables[name]:
            lines += [f"[[{name}]]", *_pairs(table)]
    return "\n".join(lines)


def _pairs(table: Tables) -> list[str]:
    return [f"{json.dumps(key)} = {_value(value)}" for key, value in table.items()]


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(_pairs(value)) + " }"
    return json.dumps(value, ensure_ascii=False)


def inputs(scope: str) -> st.SearchStrategy[Tables]:
    """Returns inputs that a trigger of this scope may read."""
    names = [
        name for name in sorted(CATALOGUE) if scope == "household" or CATALOGUE[name].extent is not Extent.HOUSEHOLD
    ]
    return st.builds(
        lambda series, samples, resolution_s: {
            "series": series,
            "window": f"{samples * resolution_s}s",
            "resolution": f"{resolution_s}s",
        },
        st.sampled_from(names),
        st.integers(1, 100),
        st.sampled_from([1, 10, 60, 300, 900, 3_600]),
    )


def actions(name: str) -> st.SearchStrategy[Tables]:
    """Returns actions of this name."""
    texts = st.builds(lambda english, others: {"en": english, **others}, TEXTS, st.dictionaries(LANGUAGES, TEXTS))
    recommendation = st.fixed_dictionaries({"name": st.just(name), "kind": st.just("recommendation"), "text": texts})
    command = st.fixed_dictionaries(
        {
            "name": st.just(name),
            "kind": st.just("appliance"),
            "appliance": st.sampled_from(sorted(APPLIANCES)),
            "command": COMMANDS,
        }
    )
    return recommendation | command


@st.composite
def manifests(draw: st.DrawFn) -> Tables:
    """Draws the tables of a valid manifest."""
    scope = draw(st.sampled_from(["household", "neighbourhood"]))
    minutes = draw(st.sampled_from(MINUTES_OF_A_DAY))
    names = draw(st.lists(SLUGS, min_size=1, max_size=4, unique_by=lambda name: name.replace("-", "_")))
    return {
        "trigger": {
            "name": draw(SLUGS),
            "version": ".".join(str(part) for part in draw(st.tuples(*[st.integers(0, 999_999)] * 3))),
            "service": draw(SLUGS),
            "purpose": draw(TEXTS),
            "scope": scope,
            "every": draw(st.sampled_from([f"{minutes}m", f"{minutes * 60}s"])),
            "max_actions_per_day": draw(st.integers(1, min(96, 1440 // minutes))),
        },
        "input": draw(st.lists(inputs(scope), min_size=1, max_size=4)),
        "action": [draw(actions(name)) for name in names],
    }


@given(tables=manifests())
def test_toml_and_module_say_the_same(tables: Tables) -> None:
    """What a person wrote in TOML and what stands in the module are one manifest, and its bytes are those again."""
    manifest = parse_toml(to_toml(tables))
    payload = manifest.canonical_json()
    assert json.loads(payload) == tables
    assert parse_canonical_json(payload) == manifest
    assert parse_canonical_json(payload).canonical_json() == payload


@given(tables=manifests())
def test_order_of_keys_makes_no_difference(tables: Tables) -> None:
    """In whatever order a person writes the keys of a table, the module's bytes are the same."""
    backwards = {
        "trigger": _backwards(tables["trigger"]),
        "input": [_backwards(table) for table in tables["input"]],
        "action": [_backwards(table) for table in tables["action"]],
    }
    assert parse_toml(to_toml(backwards)).canonical_json() == parse_toml(to_toml(tables)).canonical_json()


def _backwards(table: Tables) -> Tables:
    return dict(reversed(table.items()))


@given(tables=manifests())
def test_what_a_manifest_comes_to(tables: Tables) -> None:
    """Samples, series, kinds, slots and leak follow from what was declared, and from nothing else."""
    manifest = parse_toml(to_toml(tables))
    kinds = {
        action["kind"] if action["kind"] == "recommendation" else f"appliance:{action['appliance']}"
        for action in tables["action"]
    }
    assert manifest.samples == sum(int(item["window"][:-1]) // int(item["resolution"][:-1]) for item in tables["input"])
    assert manifest.series == tuple(sorted({item["series"] for item in tables["input"]}))
    assert manifest.consent_kinds == tuple(sorted(kinds))
    assert manifest.slots_per_day * manifest.trigger.every_s == 86_400
    assert manifest.leak_bits_per_day == leak_bits(
        manifest.slots_per_day, tables["trigger"]["max_actions_per_day"], len(tables["action"])
    )


def brute_force_histories(slots: int, actions_max: int, declared: int) -> int:
    """Counts a day's distinguishable histories one by one: what each slot came to, at most so many of them acting."""
    return sum(
        sum(outcome != 0 for outcome in day) <= actions_max
        for day in itertools.product(range(declared + 1), repeat=slots)
    )


@pytest.mark.parametrize("slots", range(7))
def test_leak_bound_counts_histories(slots: int) -> None:
    """The leak bound is the logarithm of the number of days that an observer can tell apart, no less and no more."""
    for actions_max, declared in itertools.product(range(slots + 1), range(4)):
        counted = brute_force_histories(slots, actions_max, declared)
        assert leak_bits(slots, actions_max, declared) == pytest.approx(math.log2(counted), abs=1e-12)


@given(slots=st.integers(1, 9), actions_max=st.integers(0, 12), declared=st.integers(1, 4))
def test_leak_bound_counts_longer_histories(slots: int, actions_max: int, declared: int) -> None:
    """The same on longer days and with more actions allowed than there are slots, as far as days can be counted."""
    while (declared + 1) ** slots > 20_000:
        slots -= 1
    counted = brute_force_histories(slots, actions_max, declared)
    assert leak_bits(slots, actions_max, declared) == pytest.approx(math.log2(counted), abs=1e-12)


@given(slots=st.integers(1, 1_440), actions_max=st.integers(0, 96), declared=st.integers(1, 32))
def test_leak_grows(slots: int, actions_max: int, declared: int) -> None:
    """More slots, more actions a day or more declared actions never leak less."""
    bits = leak_bits(slots, actions_max, declared)
    assert bits <= leak_bits(slots + 1, actions_max, declared)
    assert bits <= leak_bits(slots, actions_max + 1, declared)
    assert bits <= leak_bits(slots, actions_max, declared + 1)
    assert bits <= slots * math.log2(declared + 1) + 1e-9


def test_leak_by_hand() -> None:
    """A quarter-hourly trigger with four actions, four times a day, has 29.7 bits; one that never acts none."""
    assert leak_bits(96, 4, 4) == pytest.approx(29.7, abs=0.05)
    assert leak_bits(96, 0, 4) == 0
