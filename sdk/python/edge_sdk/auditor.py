"""The client of whoever checks: fetches what the log says, and believes nothing it has not verified."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_sdk.audit import TreeHead, entry_leaf_hash
from edge_sdk.channel import translated
from edge_sdk.client import Client
from edge_sdk.errors import ProofError
from edge_sdk.merkle import verify_consistency, verify_inclusion
from edge_sdk.wire.v1 import audit_pb2 as pb
from edge_sdk.wire.v1.audit_pb2_grpc import AuditServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge_sdk.wire.v1.audit_pb2_grpc import AuditServiceAsyncStub

CALL_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """An entry whose commitment opens and is in the tree of a head that the edge signed."""

    index: int
    payload: dict[str, Any]
    salt: bytes
    inclusion_proof: tuple[bytes, ...]
    head: TreeHead


class AuditClient(Client):
    """Reads the audit log as any role. Every call raises `RpcError` if the edge refuses, `ProofError` if it lies."""

    async def head(self, earlier: TreeHead | None = None) -> TreeHead:
        """Returns the newest head, verified, and as one that only appends to `earlier` if that is given."""
        async with translated(self._identity):
            response = await self._stub.GetTreeHead(pb.GetTreeHeadRequest(), timeout=CALL_TIMEOUT_S)
        head = self._verified_head(response.head)
        if earlier is not None:
            await self.check_consistency(earlier, head)
        return head

    async def check_consistency(self, earlier: TreeHead, later: TreeHead) -> None:
        """Proves that `later` only appends to `earlier`.

        Raises:
            ProofError: something was taken out or altered in between.
        """
        if later.tree_size < earlier.tree_size:
            raise ProofError(f"The log had {earlier.tree_size} entries and now has {later.tree_size}.")
        request = pb.GetConsistencyProofRequest(first_size=earlier.tree_size, second_size=later.tree_size)
        async with translated(self._identity):
            response = await self._stub.GetConsistencyProof(request, timeout=CALL_TIMEOUT_S)
        verify_consistency(
            first_size=earlier.tree_size,
            first_root=earlier.root_hash,
            second_size=later.tree_size,
            second_root=later.root_hash,
            proof=tuple(response.hashes),
        )

    async def entries(self, from_index: int = 0) -> AsyncIterator[VerifiedEntry]:
        """Yields the entries that concern the caller, oldest first, each verified."""
        following: int | None = from_index
        while following is not None:
            async with translated(self._identity):
                response = await self._stub.ListEntries(
                    pb.ListEntriesRequest(from_index=following), timeout=CALL_TIMEOUT_S
                )
            head = self._verified_head(response.head)
            for entry in response.entries:
                yield _verified_entry(entry, head)
            following = response.next_index if response.HasField("next_index") else None

    def _verified_head(self, head: pb.TreeHead) -> TreeHead:
        return TreeHead.from_envelope(head.envelope_json, self._identity.edge_public_key, self._identity.edge_id)

    @property
    def _stub(self) -> AuditServiceAsyncStub:
        return AuditServiceStub(self._channel)


def _verified_entry(entry: pb.AuditEntry, head: TreeHead) -> VerifiedEntry:
    proof = tuple(entry.inclusion_proof)
    verify_inclusion(
        leaf_hash=entry_leaf_hash(entry.salt, entry.payload_json),
        index=entry.index,
        tree_size=head.tree_size,
        proof=proof,
        root=head.root_hash,
    )
    return VerifiedEntry(entry.index, json.loads(entry.payload_json), entry.salt, proof, head)
