from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from edge.domain.approval import Mode
from edge.domain.event import EventKind
from edge.domain.revocations import Revocations
from edge.services.audit import EntryPage, ProvenEntry
from edge.trust.merkle import MerkleTree
from edge_sdk import merkle
from edge_sdk.audit import entry_leaf_hash
from edge_sdk.auditor import AuditClient
from edge_sdk.channel import translated
from edge_sdk.checkpoint import Checkpoint
from edge_sdk.errors import IdentityError, ProofError, RpcError
from edge_sdk.identity import Role
from edge_sdk.merkle import verify_inclusion
from edge_sdk.wire.v1 import audit_pb2 as pb
from edge_sdk.wire.v1.audit_pb2_grpc import AuditServiceStub
from edge_sdk.wire.v1.operator_pb2 import METER_KIND_ELECTRICITY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from conftest import NewStreet, Street

    from edge_sdk.wire.v1.audit_pb2_grpc import AuditServiceAsyncStub

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_MS = 86_400_000
PAGE_ENTRIES = 4
LATER = {EventKind.RELEASE}
"""Kinds that nothing in this release brings about."""
OF_FILES = {
    EventKind.READINGS_REMOVED,
    EventKind.ROLLUPS_REMOVED,
    EventKind.FILES_SET_ASIDE,
    EventKind.READINGS_EXPORTED,
    EventKind.BACKUP_MADE,
    EventKind.BACKUP_RESTORED,
}
"""Kinds of `test_keep.py` and of `edge store`, which works while the edge is stopped."""
READERS = [(Role.OPERATOR, "operator"), (Role.HOUSEHOLD, "h1"), (Role.HOUSEHOLD, "h2"), (Role.HOUSEHOLD, "h3")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(
    new_street: NewStreet, tmp_path_factory: pytest.TempPathFactory, module: Callable[..., bytes]
) -> AsyncIterator[Street]:
    """An edge where everything that leaves a trace has happened once; its log is read in pages of four entries."""
    sections = {"audit": {"page_entries_max": PAGE_ENTRIES}, "faults": {"quarantine_after": 2}}
    async with new_street(tmp_path_factory.mktemp("audit") / "street", **sections) as running:
        await running.set_policy({"acme": "supplier", "rival": "supplier"})
        await running.enrol("h1", "h2")
        await (await running.operator()).enrol_meter("spare", "h2", METER_KIND_ELECTRICITY)
        await (await running.operator()).retire_meter("spare")
        approved = await running.run_module(module("(i32.const 1)"))
        await running.upload(module("(unreachable)"), "rival")
        await running.consent("h1")
        await (await running.household("h2")).refuse((await running.offer("h2")).terms)
        await running.next_slot("h1", "h2")
        operator = await running.operator()
        await operator.suspend(approved.digest, "noise")
        await operator.resume(approved.digest)
        await operator.suspend_organization("rival", "noise")
        await operator.resume_organization("rival")
        fragile = module("(if (f64.eq (f64.load (i32.const 0)) (f64.const 1)) (then unreachable)) (i32.const 0)")
        await running.run_module(fragile, mode=Mode.SHADOW)
        for _ in range(3):  # a bad slot, one that it sits out, and one bad slot too many
            await running.next_slot("h1", power_w=1)
        (consent,) = await (await running.household("h1")).consents()
        await (await running.household("h1")).withdraw(consent.consent_id)
        await running.advance(running.now_ms + 10 * 900_000)
        revoked = Revocations(
            version=1, not_before_ms=running.now_ms, not_after_ms=running.now_ms + DAY_MS, modules=(approved.digest,)
        )
        await running.submit(revoked)
        for _ in range(2):
            async for _ in (await running.household("h1")).readings(running.now_ms - 1, running.now_ms):
                pass
        yield running


async def stub(street: Street) -> AuditServiceAsyncStub:
    client = await street.client(AuditClient, Role.OPERATOR, "operator")
    return AuditServiceStub(client._channel)


async def test_everything_leaves_a_trace(street: Street) -> None:
    """Whatever happened is in the log, opened for somebody; each entry's time and kind are there."""
    seen = {}
    for role, name in READERS:
        for entry in await street.entries(role, name):
            seen[entry.index] = entry.payload
    head = await (await street.client(AuditClient, Role.OPERATOR, "operator")).head()
    assert sorted(seen) == list(range(head.tree_size)), "every entry concerns somebody"
    assert {payload["kind"] for payload in seen.values()} == set(EventKind) - LATER - OF_FILES
    assert all(payload["time_ms"] <= street.now_ms for payload in seen.values())


async def test_shown_to_its_subjects_only(street: Street) -> None:
    """Each is shown exactly the entries that name it as a subject; a household that nothing concerned, none."""
    for role, name in READERS:
        subject = "operator" if role is Role.OPERATOR else f"{role}/{name}"
        entries = await street.entries(role, name)
        assert all(subject in entry.payload["subjects"] for entry in entries)
        assert bool(entries) == (name != "h3")
    household_kinds = {entry.payload["kind"] for entry in await street.entries(Role.HOUSEHOLD, "h1")}
    assert household_kinds == {
        EventKind.METER_ENROLLED,
        EventKind.CONSENT_GRANTED,
        EventKind.ACTION_CREATED,
        EventKind.ACTIONS_CANCELLED,
        EventKind.CONSENT_WITHDRAWN,
        EventKind.READINGS_READ,
    }
    assert {entry.payload["kind"] for entry in await street.entries(Role.HOUSEHOLD, "h2")} == {
        EventKind.METER_ENROLLED,
        EventKind.METER_RETIRED,
        EventKind.CONSENT_REFUSED,
    }


async def test_no_household_in_what_others_see(street: Street) -> None:
    """No entry that the operator is shown names a household, but for its meters."""
    for entry in await street.entries():
        if entry.payload["kind"] not in (EventKind.METER_ENROLLED, EventKind.METER_RETIRED):
            assert "h1" not in json.dumps(entry.payload), entry.payload


@pytest.mark.parametrize(("role", "name"), [(Role.ORGANIZATION, "acme"), (Role.METER, "m-h1")])
async def test_not_for_everyone(street: Street, role: Role, name: str) -> None:
    """Organizations do not see the log, not even how fast it grows: that would tell how often their modules acted."""
    with pytest.raises(RpcError) as caught:
        await street.entries(role, name)
    assert caught.value.reason == "ROLE_NOT_ALLOWED"


async def test_proofs(street: Street) -> None:
    """Every entry is proven against a signed head, over however many pages; each leaf can be proven in every tree."""
    entries = await street.entries()
    assert len(entries) > 2 * PAGE_ENTRIES
    client = await street.client(AuditClient, Role.OPERATOR, "operator")
    head = await client.head()
    for entry in entries:
        response = await (await stub(street)).GetInclusionProof(
            pb.GetInclusionProofRequest(index=entry.index, tree_size=head.tree_size)
        )
        verify_inclusion(
            leaf_hash=response.leaf_hash,
            index=entry.index,
            tree_size=head.tree_size,
            proof=tuple(response.hashes),
            root=head.root_hash,
        )
    with pytest.raises(ProofError):
        verify_inclusion(
            leaf_hash=merkle.leaf_hash(b"another"),
            index=entry.index,
            tree_size=head.tree_size,
            proof=tuple(response.hashes),
            root=head.root_hash,
        )


async def test_salts(street: Street) -> None:
    """Each entry has a salt of its own of 32 bytes, so that nobody guesses a commitment's content."""
    salts = [entry.salt for entry in await street.entries()]
    assert len(set(salts)) == len(salts)
    assert {len(salt) for salt in salts} == {32}


async def test_head_is_signed(street: Street) -> None:
    """A head is the edge's: it verifies with the edge's key, says when it was signed, and no other key verifies it."""
    client = await street.client(AuditClient, Role.HOUSEHOLD, "h2")
    head = await client.head()
    assert (head.edge_id, head.time_ms) == ("street-1", street.now_ms)
    async with AuditClient(replace(client.identity, edge_public_key=street.key.verify_key)) as mistaken:
        with pytest.raises(ProofError):
            await mistaken.head()


@pytest.mark.parametrize(
    ("method", "request_message"),
    [
        ("GetInclusionProof", pb.GetInclusionProofRequest(index=0, tree_size=2**64 - 1)),
        ("GetInclusionProof", pb.GetInclusionProofRequest(index=2**64 - 1, tree_size=5)),
        ("GetInclusionProof", pb.GetInclusionProofRequest(index=0, tree_size=0)),
        ("GetConsistencyProof", pb.GetConsistencyProofRequest(first_size=2, second_size=1)),
        ("ListEntries", pb.ListEntriesRequest(tree_size=2**64 - 1)),
        ("GetConsistencyProof", pb.GetConsistencyProofRequest(first_size=1, second_size=2**64 - 1)),
    ],
)
async def test_trees_that_never_were(street: Street, method: str, request_message: object) -> None:
    """A proof in a tree that never was, or of a leaf that is not there, is refused as the caller's mistake."""
    client = await street.client(AuditClient, Role.OPERATOR, "operator")
    call = getattr(AuditServiceStub(client._channel), method)
    with pytest.raises(RpcError) as caught:
        async with translated(client.identity):
            await call(request_message)
    assert (caught.value.status, caught.value.reason) == ("INVALID_ARGUMENT", "REQUEST_INVALID")


async def test_pages(street: Street) -> None:
    """A page holds at most what was asked for and never more than the edge's limit; it says where the next begins."""
    audit = await stub(street)
    size = (await (await street.client(AuditClient, Role.OPERATOR, "operator")).head()).tree_size
    for limit, expected in ((2, 2), (0, PAGE_ENTRIES), (1_000, PAGE_ENTRIES)):
        response = await audit.ListEntries(pb.ListEntriesRequest(limit=limit, tree_size=size))
        assert len(response.entries) == expected
        assert response.next_index > response.entries[-1].index
    response = await audit.ListEntries(pb.ListEntriesRequest(from_index=2**64 - 1, tree_size=size))
    assert not response.entries
    assert not response.HasField("next_index")


async def test_the_log_only_grows(street: Street) -> None:
    """Every head appends to the ones before, also over a restart; the entries stay what they were."""
    before = await street.entries(Role.HOUSEHOLD, "h1")
    early = await (await street.client(AuditClient, Role.OPERATOR, "operator")).head()
    await street.enrol("h3")
    await street.restart()
    await street.enrol("h4")
    client = await street.client(AuditClient, Role.OPERATOR, "operator")
    late = await client.head(early)
    assert late.tree_size == early.tree_size + 2
    after = await street.entries(Role.HOUSEHOLD, "h1")
    assert [(entry.index, entry.payload, entry.salt) for entry in after] == [
        (entry.index, entry.payload, entry.salt) for entry in before
    ]


@pytest.mark.parametrize("lie", ["rewritten", "left out", "moved"])
async def test_an_edge_that_lies(street: Street, monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    """An edge with another log for some than for others is caught: by the head all proofs lead to, or by who saw more.

    The edge that lies has its signing key, and shows the honest head to whoever asks for heads.
    """
    client = await street.client(AuditClient, Role.HOUSEHOLD, "h1")
    checkpoint, _ = await client.verify()
    log = street.app._audit
    honest = log.entries

    async def lying(subject: str, tree_size: int, from_index: int, limit: int) -> EntryPage:
        page = await honest(subject, tree_size, from_index, limit)
        first, *others = page.entries
        if lie == "left out":
            return EntryPage(tuple(others), page.next_index)
        leaf = first.leaf
        forged = replace(leaf, payload=leaf.payload.replace(b"h1", b"h9")) if lie == "rewritten" else leaf
        if lie == "moved":
            forged = replace(leaf, index=leaf.index + 1)
        tree = MerkleTree.from_leaves(b"")
        for _ in range(forged.index):
            tree.append(bytes(32))
        tree.append(entry_leaf_hash(forged.salt, forged.payload))
        proof = tuple(tree.inclusion_proof(forged.index, len(tree)))
        return EntryPage((ProvenEntry(forged, proof), *others), page.next_index)

    monkeypatch.setattr(log, "entries", lying)
    with pytest.raises(ProofError):
        await client.verify(checkpoint)


async def test_a_checkpoint_is_kept(street: Street) -> None:
    """What is kept between visits carries the edge's signature, and one that was altered is not believed."""
    client = await street.client(AuditClient, Role.HOUSEHOLD, "h1")
    checkpoint, entries = await client.verify()
    key, edge_id = client.identity.edge_public_key, client.identity.edge_id
    kept = Checkpoint.from_json(checkpoint.to_json(), key, edge_id)
    assert (kept, kept.entries) == (checkpoint, len(entries))
    again, _ = await client.verify(kept)
    assert again.entries_digest == checkpoint.entries_digest
    with pytest.raises(ProofError):
        Checkpoint.from_json(checkpoint.to_json(), street.key.verify_key, edge_id)
    with pytest.raises(IdentityError, match="Move it away"):
        Checkpoint.from_json(b'{"head": 1}', key, edge_id)
