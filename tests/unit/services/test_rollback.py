"""Back to the version that was active before, as the operator's desk signs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edge.domain.approval import Approval, Mode
from edge.domain.revocations import Revocations
from edge.errors import EdgeError
from edge.services.provision import first_policy
from edge.services.rollback import approvals_shown, restored, version_before
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey
from edge_sdk.wire.v1 import module_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conftest import Street

DAY_MS = 86_400_000
NOW_MS = 20_000 * DAY_MS
KEY = SigningKey.generate()
REPORT = "sha256:" + "f" * 64


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def signed(version: int, module: int, **changes: Any) -> Approval:
    """What was signed for a module: valid from a day ago for ten days unless told otherwise."""
    document = Approval(
        version=version,
        not_before_ms=NOW_MS - DAY_MS,
        not_after_ms=NOW_MS + 9 * DAY_MS,
        organization="acme",
        trigger="pulse",
        module_digest=digest(module),
        report_digest=REPORT,
        tier="supplier",
        fuel_max=1_000,
    )
    return document.model_copy(update=changes)


LATER = {"not_before_ms": NOW_MS + DAY_MS}
SHADOW = {"mode": Mode.SHADOW}


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([signed(1, 1), signed(2, 2)], 1),
        ([signed(1, 1), signed(2, 2), signed(3, 2)], 1),
        ([signed(1, 1), signed(2, 2), signed(3, 3)], 2),
        ([signed(1, 1), signed(2, 2), signed(3, 1)], 2),
        ([signed(1, 1), signed(2, 2), signed(3, 3, **LATER)], 1),
        ([signed(1, 1), signed(2, 2), signed(3, 3, **SHADOW)], 1),
    ],
    ids=["the one before", "approved twice", "of three", "and back again", "one for later", "a shadow"],
)
def test_the_version_before(history: Sequence[Approval], expected: int) -> None:
    """It is the last other module that was approved to act and had begun; what waits or is a shadow does not count."""
    assert version_before(history[::-1], NOW_MS).module_digest == digest(expected)


@pytest.mark.parametrize("history", [[], [signed(1, 1)], [signed(1, 1), signed(2, 1)], [signed(1, 1, **SHADOW)]])
def test_nothing_before(history: Sequence[Approval]) -> None:
    """Where only one version was ever active there is nothing to go back to."""
    with pytest.raises(EdgeError) as caught:
        version_before(history[::-1], NOW_MS)
    assert caught.value.reason == "ROLLBACK_IMPOSSIBLE"


def restore(before: Approval, *, revoked: tuple[str, ...] = (), report: str = REPORT, **policy: Any) -> Approval:
    organizations = policy.pop("organizations", {"acme": "supplier"})
    document = first_policy(NOW_MS, organizations)
    tiers = {**document.tiers, "supplier": document.tiers["supplier"].model_copy(update=policy)}
    revocations = Revocations(version=1, not_before_ms=NOW_MS, not_after_ms=NOW_MS + DAY_MS, modules=revoked)
    return restored(
        before,
        document.model_copy(update={"tiers": tiers}),
        revocations if revoked else None,
        report_digest=report,
        version=7,
        edge_id="street-1",
        now_ms=NOW_MS,
    )


def test_the_limits_it_had() -> None:
    """The new approval begins now and ends when the old one would have, with its fuel, for this edge alone; of a
    policy that grants less it gets that.
    """
    before = signed(1, 1)
    again = {"version": 7, "not_before_ms": NOW_MS, "edges": ("street-1",)}
    assert restore(before, revoked=(digest(9),)) == before.model_copy(update=again)
    assert restore(before, fuel_max=400).fuel_max == 400


@pytest.mark.parametrize(
    ("before", "circumstances", "reason"),
    [
        (signed(1, 1), {"revoked": (digest(1),)}, "MODULE_NOT_APPROVABLE"),
        (signed(1, 1, not_after_ms=NOW_MS), {}, "DOCUMENT_EXPIRED"),
        (signed(1, 1), {"report": digest(0)}, "ANSWER_FALSE"),
        (signed(1, 1), {"organizations": {}}, "ORGANIZATION_UNKNOWN"),
    ],
)
def test_what_is_not_restored(before: Approval, circumstances: dict[str, Any], reason: str) -> None:
    """A version that was revoked, whose approval has expired, whose report is another one by now, or whose organization
    the policy does not name is not gone back to, and the error says which it is.
    """
    with pytest.raises(EdgeError) as caught:
        restore(before, **circumstances)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (sign_document(signed(1, 1), SigningKey.generate()), "SIGNATURE_INVALID"),
        (sign_document(first_policy(NOW_MS, {}), KEY), "DOCUMENT_INVALID"),
        (sign_document(signed(1, 1, trigger="another"), KEY), "ANSWER_FALSE"),
        (sign_document(signed(1, 1, organization="rival"), KEY), "ANSWER_FALSE"),
    ],
)
def test_an_edge_that_lies(shown: Any, reason: str) -> None:
    """Nothing is gone back to because an edge says so: each approval is the root key's own, and of this trigger."""
    honest = sign_document(signed(2, 2), KEY).to_json()
    with pytest.raises(EdgeError) as caught:
        approvals_shown([honest, shown.to_json()], KEY.verify_key, organization="acme", trigger="pulse")
    assert caught.value.reason == reason


def test_order_is_that_of_versions() -> None:
    """In whichever order an edge shows them, approvals are taken by their versions."""
    shown = [sign_document(signed(version, version), KEY).to_json() for version in (2, 3, 1)]
    found = approvals_shown(shown, KEY.verify_key, organization="acme", trigger="pulse")
    assert [item.version for item in found] == [3, 2, 1]


async def test_in_the_middle_of_a_day(street: Street, module: Callable[..., bytes]) -> None:
    """A rollback supersedes the newer version, and a household still gets no more in the day than the declared number,
    over both versions; each slot has one run.
    """
    async with street:
        old = await street.set_up(module(max_actions_per_day=3), "h1")
        await street.next_slot("h1")
        new = await street.run_module(module(max_actions_per_day=3, version="2.0.0"))
        await street.next_slot("h1")
        operator = await street.operator()
        envelopes = await operator.approvals("acme", "pulse")
        assert len(envelopes) == 2
        history = approvals_shown(envelopes, street.key.verify_key, organization="acme", trigger="pulse")
        before = version_before(history, street.now_ms)
        assert street.policy is not None
        again = restored(
            before,
            street.policy,
            None,
            report_digest=(await operator.module(old.digest)).report.digest,
            version=3,
            edge_id="street-1",
            now_ms=street.now_ms,
        )
        assert (await street.submit(again)).module.state == pb.MODULE_STATE_ACTIVE
        assert (await operator.module(new.digest)).state == pb.MODULE_STATE_SUPERSEDED
        for _ in range(3):
            await street.next_slot("h1")
        versions = [action.cause.module_version for action in await street.inbox("h1")]
        assert versions == ["1.0.0", "2.0.0", "1.0.0"]
        rows = await street.query("SELECT count(*), count(DISTINCT slot_ms) FROM state.evaluations")
        assert rows == [(5, 5)]
