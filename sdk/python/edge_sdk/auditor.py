"""The client of whoever checks: fetches what the log says, and believes nothing it has not verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_sdk.audit import TreeHead, entry_leaf_hash
from edge_sdk.channel import translated
from edge_sdk.checkpoint import Checkpoint, VerifiedEntry
from edge_sdk.client import Client
from edge_sdk.errors import ProofError
from edge_sdk.merkle import verify_consistency, verify_inclusion
from edge_sdk.wire.v1 import audit_pb2 as pb
from edge_sdk.wire.v1.audit_pb2_grpc import AuditServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge_sdk.wire.v1.audit_pb2_grpc import AuditServiceAsyncStub

CALL_TIMEOUT_S = 30.0


class AuditClient(Client):
    """Reads the log as the operator or a household.

    Every call raises `RpcError` if the edge refuses, `ProofError` if it lies.
    """

    async def verify(self, earlier: Checkpoint | None = None) -> tuple[Checkpoint, list[VerifiedEntry]]:
        """Verifies the newest head, that the log only grew, and every entry that concerns the caller.

        Args:
            earlier: what the visit before gave; entries that were shown then have to be shown again, unaltered.

        Returns:
            The checkpoint to keep for the next visit, and the entries, oldest first.
        """
        head = await self.head(earlier.head if earlier else None)
        entries = [entry async for entry in self.entries(head)]
        if earlier is not None:
            earlier.check_shown_again(entries)
        return Checkpoint.of(head, entries), entries

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

    async def entries(self, head: TreeHead, from_index: int = 0) -> AsyncIterator[VerifiedEntry]:
        """Yields the entries that concern the caller, oldest first, each proven to be in the tree of `head`."""
        following: int | None = from_index
        while following is not None:
            request = pb.ListEntriesRequest(from_index=following, tree_size=head.tree_size)
            async with translated(self._identity):
                response = await self._stub.ListEntries(request, timeout=CALL_TIMEOUT_S)
            for entry in response.entries:
                if entry.index < following:
                    raise ProofError(f"The edge shows entry {entry.index} where {following} or a later one is due.")
                yield _verified_entry(entry, head)
                following = entry.index + 1
            following = following if response.HasField("next_index") and response.entries else None

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
    return VerifiedEntry(entry.index, entry.payload_json, entry.salt, proof, head)
