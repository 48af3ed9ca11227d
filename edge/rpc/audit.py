"""AuditService: households and the operator check what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.event import OPERATOR_SUBJECT, household_subject
from edge.rpc.gate import Context, authenticate
from edge_sdk.identity import Role
from edge_sdk.wire.v1 import audit_pb2 as pb
from edge_sdk.wire.v1 import audit_pb2_grpc

if TYPE_CHECKING:
    from edge.domain.peer import Peer
    from edge.services.audit import AuditLog, SignedHead


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """Called by households and the operator; each is shown what concerns it."""

    def __init__(self, audit: AuditLog, edge_id: str, page_entries_max: int) -> None:
        self._audit = audit
        self._edge_id = edge_id
        self._page_entries_max = page_entries_max

    async def GetTreeHead(self, _request: pb.GetTreeHeadRequest, _context: Context) -> pb.GetTreeHeadResponse:
        """Shows the newest head."""
        return pb.GetTreeHeadResponse(head=_head(self._audit.head()))

    async def ListEntries(self, request: pb.ListEntriesRequest, context: Context) -> pb.ListEntriesResponse:
        """Opens what concerns the caller."""
        limit = min(request.limit or self._page_entries_max, self._page_entries_max)
        subject = _subject(authenticate(context, self._edge_id))
        page = await self._audit.entries(subject, request.tree_size, request.from_index, limit)
        return pb.ListEntriesResponse(
            entries=[
                pb.AuditEntry(
                    index=entry.leaf.index,
                    salt=entry.leaf.salt,
                    payload_json=entry.leaf.payload,
                    inclusion_proof=entry.inclusion_proof,
                )
                for entry in page.entries
            ],
            next_index=page.next_index,
        )

    async def GetInclusionProof(
        self, request: pb.GetInclusionProofRequest, _context: Context
    ) -> pb.GetInclusionProofResponse:
        """Proves that a leaf is in the tree."""
        leaf_hash, hashes = self._audit.inclusion_proof(request.index, request.tree_size)
        return pb.GetInclusionProofResponse(leaf_hash=leaf_hash, hashes=hashes)

    async def GetConsistencyProof(
        self, request: pb.GetConsistencyProofRequest, _context: Context
    ) -> pb.GetConsistencyProofResponse:
        """Proves that the log only grew."""
        return pb.GetConsistencyProofResponse(
            hashes=self._audit.consistency_proof(request.first_size, request.second_size)
        )


def _subject(peer: Peer) -> str:
    return OPERATOR_SUBJECT if peer.role is Role.OPERATOR else household_subject(peer.name)


def _head(signed: SignedHead) -> pb.TreeHead:
    return pb.TreeHead(
        tree_size=signed.head.tree_size,
        root_hash=signed.head.root_hash,
        time_ms=signed.head.time_ms,
        envelope_json=signed.envelope_json,
    )
