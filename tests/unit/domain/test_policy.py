from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.domain.policy import Policy, Tier, check_within_tier
from edge.errors import PermissionDeniedError
from edge_sdk.catalogue import CATALOGUE, Extent

if TYPE_CHECKING:
    from edge_sdk.manifest import Manifest

TIER: dict[str, Any] = {
    "series": ["power_export"],
    "action_kinds": ["recommendation", "appliance:ev_charger"],
    "every_s_min": 900,
    "leak_bits_per_day_max": 32,
    "group_min": 10,
    "fuel_max": 1_000,
}
POLICY: dict[str, Any] = {
    "version": 1,
    "not_before_ms": 0,
    "not_after_ms": 1_000,
    "tiers": {"supplier": TIER, "researcher": TIER},
    "organizations": {"sunny": "supplier"},
}

KINDS = st.sampled_from(["recommendation", "appliance:ev_charger", "appliance:boiler", "appliance:battery"])


def tier(**change: object) -> Tier:
    """Returns a tier that just allows the manifest of the fixture."""
    return Tier.model_validate_json(json.dumps({**TIER, **change}))


def policy(**change: object) -> Policy:
    """Returns a policy."""
    return Policy.model_validate_json(json.dumps({**POLICY, **change}))


@given(named=st.frozensets(st.sampled_from(sorted(CATALOGUE))), name=st.sampled_from(sorted(CATALOGUE)))
def test_series_are_named(named: frozenset[str], name: str) -> None:
    """A tier allows the series it names and those of the clock, no other."""
    allowed = name in named or CATALOGUE[name].extent is Extent.CLOCK
    assert tier(series=sorted(named)).allows_series(name) == allowed


@given(name=st.sampled_from(sorted(CATALOGUE)))
def test_every_series(name: str) -> None:
    """A star allows every series."""
    assert tier(series=["*"]).allows_series(name)


@given(named=st.frozensets(KINDS), kind=KINDS)
def test_kinds_are_named(named: frozenset[str], kind: str) -> None:
    """A tier allows the kinds of action it names; `appliance:*` adds every appliance and nothing else."""
    assert tier(action_kinds=sorted(named)).allows_action_kind(kind) == (kind in named)
    with_star = tier(action_kinds=[*sorted(named), "appliance:*"])
    assert with_star.allows_action_kind(kind) == (kind in named or kind.startswith("appliance:"))


def test_within_tier(manifest: Manifest) -> None:
    """A manifest at the very bounds of its tier has no problem."""
    assert check_within_tier(manifest, "supplier", tier()) == ()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"series": ["power_import"]}, "Tier supplier may not read power_export."),
        ({"action_kinds": ["recommendation"]}, "may not declare actions of kind appliance:ev_charger."),
        ({"action_kinds": ["appliance:*"]}, "may not declare actions of kind recommendation."),
        ({"every_s_min": 901}, "may run every 901 s at most, not every 15m."),
        ({"leak_bits_per_day_max": 25}, "25.7 bits a household and day; tier supplier may 25."),
    ],
    ids=["series", "appliance", "recommendation", "every", "leak"],
)
def test_beyond_tier(manifest: Manifest, change: dict[str, object], problem: str) -> None:
    """What goes beyond the tier is one sentence that names it."""
    problems = check_within_tier(manifest, "supplier", tier(**change))
    assert len(problems) == 1
    assert problem in problems[0]


def test_all_problems_at_once(manifest: Manifest) -> None:
    """Every problem is told, not only the first."""
    nothing = tier(series=[], action_kinds=[], every_s_min=3_600, leak_bits_per_day_max=0)
    assert len(check_within_tier(manifest, "supplier", nothing)) == 5


def test_tier_of() -> None:
    """An organization has the tier that the policy gives it; one it does not name has none."""
    name, found = policy().tier_of("sunny")
    assert (name, found) == ("supplier", tier())
    with pytest.raises(PermissionDeniedError, match=r"shady has no tier .* \(version 1\)") as caught:
        policy().tier_of("shady")
    assert caught.value.reason == "ORGANIZATION_UNKNOWN"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"organizations": {"sunny": "vip"}}, "tiers that are not defined: vip"),
        ({"organizations": {"Sunny Inc": "supplier"}}, "organizations"),
        ({"tiers": {}}, "tiers"),
        ({"tiers": {"Supplier": TIER}, "organizations": {}}, "tiers"),
        ({"tiers": {"supplier": {**TIER, "series": ["power"]}}}, "not in the catalogue: power"),
        (
            {"tiers": {"supplier": {**TIER, "action_kinds": ["recomendation"]}}},
            "action that there are not: recomendation",
        ),
        ({"tiers": {"supplier": {**TIER, "action_kinds": ["appliance:boyler"]}}}, "not: appliance:boyler"),
        ({"tiers": {"supplier": {**TIER, "action_kinds": ["*"]}}}, r"not: \*"),
        ({"tiers": {"supplier": {**TIER, "group_min": 1}}}, "group_min"),
        ({"tiers": {"supplier": {**TIER, "every_s_min": 59}}}, "every_s_min"),
        ({"tiers": {"supplier": {**TIER, "leak_bits_per_day_max": -1}}}, "leak_bits_per_day_max"),
        ({"tiers": {"supplier": {**TIER, "fuel_max": 0}}}, "fuel_max"),
        ({"tiers": {"supplier": {**TIER, "noise": 1}}}, "noise"),
        ({"tiers": {"supplier": {key: TIER[key] for key in TIER if key != "group_min"}}}, "group_min"),
        ({"kind": "approval"}, "kind"),
    ],
)
def test_invalid_policies(change: dict[str, object], what: str) -> None:
    """A policy that names what is not there, or a bound that bounds nothing, is refused by name."""
    with pytest.raises(ValidationError, match=what):
        policy(**change)


def test_signed_bytes_round_trip() -> None:
    """A policy is read back from its signed bytes."""
    assert Policy.model_validate_json(policy().canonical_json()) == policy()
