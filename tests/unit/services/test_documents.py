from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from edge.domain.approval import PAYLOAD_TYPE as APPROVAL_TYPE
from edge.domain.event import EventKind
from edge.domain.revocations import Revocations
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey
from edge_sdk.errors import RpcError
from edge_sdk.identity import Role
from edge_sdk.wire.v1 import module_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from conftest import NewStreet, Street


pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_MS = 86_400_000
SLOT_MS = 900_000
OTHER_DIGEST = "sha256:" + "0" * 64


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(new_street: NewStreet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    """An edge that the tests of this file share; each signs a policy anew and uploads triggers of its own."""
    async with new_street(tmp_path_factory.mktemp("documents") / "street") as running:
        await running.set_policy()
        yield running


async def refused(street: Street, document: Any, key: SigningKey | None = None) -> tuple[str, str]:
    """Status and reason with which a document is refused."""
    envelope = document if isinstance(document, bytes) else sign_document(document, key or street.key).to_json()
    with pytest.raises(RpcError) as caught:
        await (await street.operator()).submit(envelope)
    return caught.value.status, caught.value.reason


def revocations(street: Street, version: int, **lists: tuple[str, ...]) -> Revocations:
    return Revocations(
        version=version,
        not_before_ms=street.now_ms,
        not_after_ms=street.now_ms + DAY_MS,
        **lists,  # type: ignore[arg-type]
    )


async def test_another_key(street: Street, module: Callable[..., bytes]) -> None:
    """Whatever kind a document is, another key than the operator's root puts nothing in force."""
    uploaded = await street.upload(module(name="another-key"))
    assert street.policy is not None
    policy = street.policy.model_copy(update={"version": 1_000})
    for document in (policy, street.approval_of(uploaded), revocations(street, 1_000)):
        assert await refused(street, document, SigningKey.generate()) == ("INVALID_ARGUMENT", "SIGNATURE_INVALID")
    assert (await (await street.operator()).status()).policy_version == street.policy.version
    assert (await (await street.organization()).module(uploaded.digest)).state == pb.MODULE_STATE_PENDING


async def test_altered(street: Street) -> None:
    """One changed field of the payload, or another declared type, and the signature does not hold."""
    assert street.policy is not None
    policy = street.policy.model_copy(update={"version": 1_000})
    envelope = json.loads(sign_document(policy, street.key).to_json())
    payload = base64.b64decode(envelope["payload"]).replace(b'"version":1000', b'"version":1001')
    for change in ({"payload": base64.b64encode(payload).decode()}, {"payloadType": APPROVAL_TYPE}):
        altered = json.dumps({**envelope, **change}).encode()
        assert await refused(street, altered) == ("INVALID_ARGUMENT", "SIGNATURE_INVALID")


async def test_no_document(street: Street) -> None:
    """Bytes that are no envelope, a kind that is not known, and a payload that is not what it claims are refused."""
    assert street.policy is not None
    payload = street.policy.canonical_json()
    assert await refused(street, b"no envelope") == ("INVALID_ARGUMENT", "DOCUMENT_INVALID")
    unknown = street.key.sign_envelope("application/json", payload).to_json()
    assert await refused(street, unknown) == ("INVALID_ARGUMENT", "DOCUMENT_KIND_UNKNOWN")
    mistaken = street.key.sign_envelope(APPROVAL_TYPE, payload).to_json()
    assert await refused(street, mistaken) == ("INVALID_ARGUMENT", "DOCUMENT_INVALID")


async def test_versions_only_grow(street: Street, module: Callable[..., bytes]) -> None:
    """A document of the version that was seen, or an older one, is refused: of each kind, and for each trigger."""
    policy = await street.set_policy()
    for version in (policy.version, policy.version - 1):
        older = policy.model_copy(update={"version": version})
        assert await refused(street, older) == ("INVALID_ARGUMENT", "DOCUMENT_OUTDATED")
    uploaded = await street.upload(module(name="versions"))
    await street.approve(uploaded, version=7)
    for version in (6, 7):
        again = street.approval_of(uploaded, version=version)
        assert await refused(street, again) == ("INVALID_ARGUMENT", "DOCUMENT_OUTDATED")
    other = await street.upload(module(name="versions-of-its-own"))
    assert (await street.approve(other, version=1)).state == pb.MODULE_STATE_ACTIVE


async def test_expired(street: Street, module: Callable[..., bytes]) -> None:
    """A document that has expired by the edge's clock is refused."""
    uploaded = await street.upload(module(name="expired"))
    late = street.approval_of(uploaded, not_before_ms=street.now_ms - DAY_MS, not_after_ms=street.now_ms)
    assert await refused(street, late) == ("INVALID_ARGUMENT", "DOCUMENT_EXPIRED")


async def test_not_valid_yet(street: Street, module: Callable[..., bytes]) -> None:
    """A policy for later is refused, for the edge would be without one until then; an approval for later waits."""
    assert street.policy is not None
    version, later_ms = street.policy.version + 1, street.now_ms + DAY_MS
    later = street.policy.model_copy(update={"version": version, "not_before_ms": later_ms})
    assert await refused(street, later) == ("INVALID_ARGUMENT", "DOCUMENT_NOT_YET_VALID")
    approved = await street.run_module(module(name="later"), not_before_ms=later_ms)
    assert (approved.state, approved.approved_from_ms) == (pb.MODULE_STATE_PENDING, later_ms)


async def test_another_edge(street: Street, module: Callable[..., bytes]) -> None:
    """A document for other edges is refused; one for several, this among them, is taken."""
    uploaded = await street.upload(module(name="another-edge"))
    elsewhere = street.approval_of(uploaded, edges=("street-2", "street-10"))
    assert await refused(street, elsewhere) == ("INVALID_ARGUMENT", "DOCUMENT_FOR_ANOTHER_EDGE")
    assert (await street.approve(uploaded, edges=("street-2", "street-1"))).state == pb.MODULE_STATE_ACTIVE


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"module_digest": OTHER_DIGEST}, ("NOT_FOUND", "MODULE_NOT_FOUND")),
        ({"organization": "stranger"}, ("NOT_FOUND", "MODULE_NOT_FOUND")),
        ({"report_digest": OTHER_DIGEST}, ("FAILED_PRECONDITION", "APPROVAL_MISMATCH")),
        ({"trigger": "another"}, ("FAILED_PRECONDITION", "APPROVAL_MISMATCH")),
        ({"tier": "researcher"}, ("FAILED_PRECONDITION", "APPROVAL_MISMATCH")),
        ({"fuel_max": 10_000_001}, ("RESOURCE_EXHAUSTED", "FUEL_OVER_TIER")),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
async def test_approval_of_something_else(
    street: Street, module: Callable[..., bytes], changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    """An approval for another digest, organization, report, trigger, tier or more fuel makes nothing active."""
    uploaded = await street.upload(module(name="mismatch"))
    assert await refused(street, street.approval_of(uploaded, **changes)) == expected
    assert (await (await street.organization()).module(uploaded.digest)).state == pb.MODULE_STATE_PENDING


async def test_refused_module(street: Street, module: Callable[..., bytes]) -> None:
    """What admission refused cannot be approved, however it is signed."""
    uploaded = await street.upload(module("(unreachable)", name="refused"))
    expected = ("FAILED_PRECONDITION", "MODULE_NOT_APPROVABLE")
    assert await refused(street, street.approval_of(uploaded)) == expected


async def test_policy_that_allows_less_by_now(street: Street, module: Callable[..., bytes]) -> None:
    """A module that was admitted under a wider policy cannot be approved under a narrower one."""
    uploaded = await street.upload(module(name="narrowed"))
    await street.set_policy(series=("power_export",))
    expected = ("FAILED_PRECONDITION", "APPROVAL_MISMATCH")
    assert await refused(street, street.approval_of(uploaded)) == expected
    await street.set_policy()
    assert (await street.approve(uploaded)).state == pb.MODULE_STATE_ACTIVE


async def test_leak_bound(street: Street, module: Callable[..., bytes]) -> None:
    """What an organization's modules can tell together stays within its tier, suspended and future ones counted.

    A new version takes the place of the old one, and what was revoked frees its share.
    """
    organizations = {"acme": "supplier", "leaky": "supplier"}
    await street.set_policy(organizations, leak_bits_per_day_max=44)  # each module here has 21.7
    operator = await street.operator()
    first, second, third = [await street.upload(module(name=name), "leaky") for name in ("one", "two", "three")]
    await street.approve(first)
    await street.approve(second, not_before_ms=street.now_ms + DAY_MS)
    over = ("RESOURCE_EXHAUSTED", "LEAK_BOUND_EXCEEDED")
    assert await refused(street, street.approval_of(third)) == over
    await operator.suspend(first.digest, "test")
    assert await refused(street, street.approval_of(third)) == over
    newer = await street.upload(module(name="one", version="1.1.0"), "leaky")
    assert (await street.approve(newer)).state == pb.MODULE_STATE_ACTIVE
    assert await refused(street, street.approval_of(third)) == over
    await street.submit(revocations(street, 1, modules=(second.digest,)))
    assert (await street.approve(third)).state == pb.MODULE_STATE_ACTIVE
    await street.set_policy()


async def test_an_approval_for_later_is_postponed(street: Street, module: Callable[..., bytes]) -> None:
    """Until the version for later begins, by the newest approval it has, the one before acts: also between the time it
    was first approved for and the time that it was postponed to.
    """
    await street.set_policy()
    operator = await street.operator()
    first = await street.run_module(module(name="postponed"))
    second = await street.upload(module(name="postponed", version="1.1.0"))
    began_ms = street.now_ms
    for days in (1, 3):
        current = await operator.module(second.digest)
        await street.submit(street.approval_of(current, not_before_ms=began_ms + days * DAY_MS))
    seen = []
    for days in (0, 2, 4):
        await street.advance(began_ms + days * DAY_MS)
        seen.append([(await operator.module(item.digest)).state for item in (first, second)])
    before = [pb.MODULE_STATE_ACTIVE, pb.MODULE_STATE_PENDING]
    assert seen == [before, before, [pb.MODULE_STATE_SUPERSEDED, pb.MODULE_STATE_ACTIVE]]


async def test_revocations_only_grow(street: Street, module: Callable[..., bytes]) -> None:
    """A list that leaves out what an earlier one had is refused, newer though it is; a revoked module stays so."""
    uploaded = await street.upload(module(name="revoked"))
    await street.approve(uploaded)
    before = await (await street.operator()).document("revocations")
    kept = json.loads(base64.b64decode(json.loads(before)["payload"]))["modules"] if before else []
    serial = "0" * 39 + "7"
    lists = {"certificates": (serial,), "modules": (*kept, uploaded.digest)}
    await street.submit(revocations(street, 10, **lists))
    for less in ({"certificates": ()}, {"modules": tuple(kept)}):
        shrunk = revocations(street, 11, **{**lists, **less})
        assert await refused(street, shrunk) == ("INVALID_ARGUMENT", "REVOCATION_MISSING")
    assert (await street.upload(module(name="revoked"))).state == pb.MODULE_STATE_REVOKED
    expected = ("FAILED_PRECONDITION", "MODULE_NOT_APPROVABLE")
    assert await refused(street, street.approval_of(uploaded, version=2)) == expected


async def test_newest(street: Street) -> None:
    """The newest policy is shown as it was signed; of other kinds there is none."""
    policy = await street.set_policy()
    shown = await (await street.operator()).document("policy")
    assert shown == sign_document(policy, street.key).to_json()
    with pytest.raises(RpcError) as caught:
        await (await street.operator()).document("approval")
    assert caught.value.status == "NOT_FOUND"


async def test_recorded(street: Street, module: Callable[..., bytes]) -> None:
    """Each accepted document is in the audit log, with its digest."""
    policy = await street.set_policy()
    uploaded = await street.upload(module(name="recorded"))
    await street.approve(uploaded)
    (entry,) = [event for event in await street.events(EventKind.POLICY_ACCEPTED) if event["version"] == policy.version]
    assert entry["document_digest"].startswith("sha256:")
    events = await street.events(EventKind.APPROVAL_ACCEPTED)
    (own,) = [event for event in events if event["module"] == uploaded.digest]
    assert (own["trigger"], own["report"], own["version"]) == ("recorded", uploaded.report.digest, 1)


async def test_second_start(new_street: NewStreet, tmp_path: Any, module: Callable[..., bytes]) -> None:
    """After a restart the policy, approvals and revocations are what they were, signatures checked anew."""
    async with new_street(tmp_path / "street") as street:
        policy = await street.set_policy()
        kept = await street.run_module(module(name="kept"))
        gone = await street.run_module(module(name="gone"))
        street.identity(Role.HOUSEHOLD, "h1")
        serials = street.register.serials_of(Role.HOUSEHOLD, "h1")
        await street.submit(revocations(street, 1, modules=(gone.digest,), certificates=serials))
        await street.restart()
        assert (await (await street.operator()).status()).policy_version == policy.version
        states = {item.name: item.state for item in await (await street.organization()).modules()}
        assert states == {"kept": pb.MODULE_STATE_ACTIVE, "gone": pb.MODULE_STATE_REVOKED}
        assert await refused(street, policy) == ("INVALID_ARGUMENT", "DOCUMENT_OUTDATED")
        with pytest.raises(RpcError) as caught:
            await (await street.household("h1")).offers()
        assert caught.value.reason == "CERTIFICATE_REVOKED"
        assert kept.digest != gone.digest


async def test_a_policy_takes_back_what_it_forbids(
    new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]
) -> None:
    """What waits of a trigger that a new policy does not let run is cancelled, and stands in the household's log."""
    async with new_street(tmp_path / "street") as street:
        await street.set_up(module(), "h1")
        await street.next_slot("h1")
        await street.set_policy({"acme": "supplier", "sunny": "supplier"})
        assert await street.counts("h1") == [1], "a policy that permits it changes nothing"
        await street.set_policy({"sunny": "supplier"})
        assert await street.counts("h1") == [0]
        assert await street.events("actions_cancelled", Role.HOUSEHOLD, "h1") == [
            {"trigger": "acme/pulse", "actions": 1, "because": "policy_accepted"}
        ]


async def test_revocations_take_back_what_waits(
    new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]
) -> None:
    """What waits of a module that is revoked is cancelled, and stands in the household's log."""
    async with new_street(tmp_path / "street") as street:
        running = await street.set_up(module(), "h1")
        await street.next_slot("h1")
        revoked = Revocations(
            version=1, not_before_ms=street.now_ms, not_after_ms=street.now_ms + DAY_MS, modules=(running.digest,)
        )
        await street.submit(revoked)
        assert await street.counts("h1") == [0]
        assert await street.events("actions_cancelled", Role.HOUSEHOLD, "h1") == [
            {"trigger": "acme/pulse", "actions": 1, "because": "revocations_accepted"}
        ]


async def test_a_policy_takes_back_what_an_ended_trigger_sent(
    new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]
) -> None:
    """What waits is cancelled also where the module that sent it has been replaced since."""
    async with new_street(tmp_path / "street") as street:
        await street.set_up(module(), "h1")
        await street.next_slot("h1")
        await street.run_module(module(version="2.0.0"))
        await street.set_policy({"acme": "supplier", "sunny": "supplier"})
        assert await street.counts("h1") == [1]
        await street.set_policy({"sunny": "supplier"})
        assert await street.counts("h1") == [0]


async def test_an_approval_for_later(new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]) -> None:
    """The version that runs goes on until an approval that begins later begins, then the other one runs; nothing is
    lost in between. Of the very version that runs such an approval is refused, for it would stop it until then.
    """
    async with new_street(tmp_path / "street") as street:
        old = await street.set_up(module(), "h1")
        later = {"not_before_ms": street.now_ms + 2 * SLOT_MS, "not_after_ms": street.now_ms + 2 * DAY_MS}
        again = street.approval_of(await street.upload(module())).model_copy(update=later)
        assert await refused(street, again) == ("INVALID_ARGUMENT", "DOCUMENT_NOT_YET_VALID")
        new = await street.upload(module(version="2.0.0"))
        assert (await street.approve(new, **later)).state == pb.MODULE_STATE_PENDING
        for _ in range(3):
            await street.next_slot("h1")
        digests = [run["module"] for run in await street.runs()]
        assert digests == [old.digest, new.digest, new.digest]
        states = {item.version: item.state for item in await (await street.organization()).modules()}
        assert states == {"1.0.0": pb.MODULE_STATE_SUPERSEDED, "2.0.0": pb.MODULE_STATE_ACTIVE}


async def test_leak_bound_of_a_version_for_later(street: Street, module: Callable[..., bytes]) -> None:
    """While a version waits for its time, the more telling of the two counts: each acts on one side of it."""
    await street.set_policy({"acme": "supplier", "patient": "supplier"}, leak_bits_per_day_max=44)
    large = await street.run_module(module(name="one"), "patient")  # 21.7 bits
    small = await street.upload(module(name="one", version="2.0.0", max_actions_per_day=1), "patient")  # 6.6 bits
    await street.approve(small, not_before_ms=street.now_ms + DAY_MS)
    other = await street.upload(module(name="two", max_actions_per_day=6), "patient")  # 30 bits
    over = ("RESOURCE_EXHAUSTED", "LEAK_BOUND_EXCEEDED")
    assert await refused(street, street.approval_of(other)) == over
    now = street.approval_of(await (await street.organization("patient")).module(small.digest))
    await street.submit(now)
    assert (await street.approve(other)).state == pb.MODULE_STATE_ACTIVE
    assert (await (await street.organization("patient")).module(large.digest)).state == pb.MODULE_STATE_SUPERSEDED
    await street.set_policy()
