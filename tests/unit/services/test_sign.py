from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.policy import Policy, Tier
from edge.domain.revocations import Revocations
from edge.errors import DocumentError, PermissionDeniedError, SignatureError
from edge.services.provision import DEFAULT_TIERS, first_policy
from edge.services.sign import approval, policy_from_toml, policy_shown, policy_to_toml, revocations_after
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey
from edge_sdk.catalogue import CATALOGUE

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
DIGEST = "sha256:" + "0" * 64
OTHER_DIGEST = "sha256:" + "1" * 64
SERIAL = "0" * 39 + "1"
OTHER_SERIAL = "0" * 39 + "2"
KEY = SigningKey.generate()

TIER_NAMES = st.from_regex(r"[a-z][a-z-]{0,31}", fullmatch=True)
TIERS = st.builds(
    Tier,
    series=st.lists(st.sampled_from(["*", *CATALOGUE]), max_size=4).map(tuple),
    action_kinds=st.lists(st.sampled_from(["recommendation", "appliance:*", "appliance:boiler"])).map(tuple),
    every_s_min=st.integers(60, 86_400),
    leak_bits_per_day_max=st.integers(0, 2**40),
    group_min=st.integers(2, 1_000),
    fuel_max=st.integers(1, 2**40),
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    tiers = draw(st.dictionaries(TIER_NAMES, TIERS, min_size=1, max_size=4))
    names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True)
    return Policy(
        version=draw(st.integers(1, 2**40)),
        edges=draw(st.sampled_from([("*",), ("street-1", "street-2")])),
        not_before_ms=NOW_MS,
        not_after_ms=NOW_MS + draw(st.integers(1, 3_650)) * DAY_MS,
        tiers=tiers,
        organizations=draw(st.dictionaries(names, st.sampled_from(sorted(tiers)), max_size=4)),
    )


@given(policies())
def test_policy_file_says_all(policy: Policy) -> None:
    """A policy written to a file and read again is the same, whatever is in it."""
    assert policy_from_toml(policy_to_toml(policy), version=policy.version, now_ms=NOW_MS) == policy


def test_policy_file_of_a_new_edge() -> None:
    """The file that an edge begins with shows how to name an organization and reads as the first policy."""
    policy = first_policy(NOW_MS, {})
    text = policy_to_toml(policy)
    assert '# "sunny" = "supplier"' in text
    assert policy_from_toml(text, version=1, now_ms=NOW_MS) == policy


GOOD = policy_to_toml(first_policy(NOW_MS, {"acme": "supplier"}))


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("[organizations]", "[organizations", "not valid TOML"),
        ("valid_days = 1825", "", "valid_days"),
        ("valid_days = 1825", "valid_days = 0", "valid_days"),
        ("valid_days = 1825", "valid_days = 3651", "valid_days"),
        ("valid_days = 1825", 'valid_days = "1825"', "valid_days"),
        ("valid_days = 1825", "valid_days = true", "valid_days"),
        ("valid_days = 1825", "valid_days = 1825\nversion = 3", "version"),
        ("valid_days = 1825", "valid_days = 1825\nnot_after_ms = 3", "not_after_ms"),
        ("valid_days = 1825", 'valid_days = 1825\nkind = "approval"', "kind"),
        ("valid_days = 1825", "valid_days = 1825\ncomment = 3", "comment"),
        ('"acme" = "supplier"', '"acme" = "king"', "king"),
        ('"acme" = "supplier"', '"Acme" = "supplier"', "Acme"),
        ("group_min = 15", "group_min = 1", "group_min"),
        ("group_min = 15", "group_mini = 15", "group_mini"),
        ('series = ["*"]', 'series = ["voltage"]', "voltage"),
    ],
)
def test_policy_files_that_are_wrong(before: str, after: str, what: str) -> None:
    """A policy file that is not one is refused, and the error names what is wrong."""
    assert GOOD.count(before) >= 1
    with pytest.raises(DocumentError, match=what):
        policy_from_toml(GOOD.replace(before, after, 1), version=2, now_ms=NOW_MS)


def test_approval() -> None:
    """An approval is of one module under the organization's tier, with all of its fuel or less."""
    policy = first_policy(NOW_MS, {"acme": "supplier"})

    def grant(organization: str, fuel_max: int | None) -> object:
        return approval(
            organization=organization,
            trigger="pulse",
            module_digest=DIGEST,
            report_digest=OTHER_DIGEST,
            policy=policy,
            version=3,
            now_ms=NOW_MS,
            days=30,
            fuel_max=fuel_max,
        ).model_dump()

    expected = {
        "kind": "approval",
        "version": 3,
        "edges": ("*",),
        "not_before_ms": NOW_MS,
        "not_after_ms": NOW_MS + 30 * DAY_MS,
        "organization": "acme",
        "trigger": "pulse",
        "module_digest": DIGEST,
        "report_digest": OTHER_DIGEST,
        "tier": "supplier",
        "fuel_max": DEFAULT_TIERS["supplier"].fuel_max,
        "mode": "active",
    }
    assert grant("acme", None) == expected
    assert grant("acme", 5_000) == {**expected, "fuel_max": 5_000}
    with pytest.raises(PermissionDeniedError):
        grant("stranger", None)


def test_revocations_repeat_what_was() -> None:
    """Each list is the last one and what is new, without repetition; the first begins at version 1."""
    first = revocations_after(None, KEY.verify_key, certificates=(SERIAL,), now_ms=NOW_MS)
    assert (first.version, first.certificates, first.modules) == (1, (SERIAL,), ())
    envelope = sign_document(first, KEY).to_json()
    second = revocations_after(
        envelope, KEY.verify_key, certificates=(OTHER_SERIAL, SERIAL), modules=(DIGEST,), now_ms=NOW_MS + 1
    )
    assert (second.version, second.not_before_ms) == (2, NOW_MS + 1)
    assert (second.certificates, second.modules) == ((SERIAL, OTHER_SERIAL), (DIGEST,))


def test_for_which_edges() -> None:
    """A list of revocations is for the edges that are named, whatever the one before it was for."""
    everywhere = sign_document(revocations_after(None, KEY.verify_key, now_ms=NOW_MS), KEY).to_json()
    here = revocations_after(everywhere, KEY.verify_key, now_ms=NOW_MS, edges=("street-1",))
    assert (here.edges, here.version) == (("street-1",), 2)


def test_policy_shown() -> None:
    """The policy that an edge shows counts if the key at hand signed it, as a policy; an edge may have none."""
    policy = first_policy(NOW_MS, {})
    assert policy_shown(sign_document(policy, KEY).to_json(), KEY.verify_key) == policy
    assert policy_shown(None, KEY.verify_key) is None
    with pytest.raises(SignatureError, match=KEY.verify_key.key_id) as caught:
        policy_shown(sign_document(policy, SigningKey.generate()).to_json(), KEY.verify_key)
    assert "--key" in caught.value.advice
    revocations = Revocations(version=9, not_before_ms=NOW_MS, not_after_ms=NOW_MS + DAY_MS)
    with pytest.raises(DocumentError, match="another kind"):
        policy_shown(sign_document(revocations, KEY).to_json(), KEY.verify_key)


def test_revocations_of_somebody_else() -> None:
    """What the edge shows as its list is built on only if the operator signed it, as such a list."""
    forged = Revocations(version=9, not_before_ms=NOW_MS, not_after_ms=NOW_MS + DAY_MS)
    with pytest.raises(SignatureError):
        revocations_after(sign_document(forged, SigningKey.generate()).to_json(), KEY.verify_key, now_ms=NOW_MS)
    policy = sign_document(first_policy(NOW_MS, {}), KEY).to_json()
    with pytest.raises(DocumentError, match="another kind"):
        revocations_after(policy, KEY.verify_key, now_ms=NOW_MS)
