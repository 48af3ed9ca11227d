"""What a caller checks the audit log with: commitments, which hide entries, and heads, which fix the whole log.

A leaf of the log is a commitment to an entry, not the entry. Whom an entry concerns is given salt and payload and
opens it; nobody else learns anything from the tree, and once the salt is erased nobody can open it again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import rfc8785

from edge_sdk import merkle
from edge_sdk.envelope import Envelope, EnvelopeError
from edge_sdk.errors import ProofError

if TYPE_CHECKING:
    from edge_sdk.envelope import VerifyKey

TREE_HEAD_TYPE = "application/vnd.edge.tree-head.v1+json"

_COMMITMENT_DOMAIN = b"edge/audit/v1\0"
_SALT_SIZE_BYTES_MAX = 255
_ENVELOPE_SIZE_BYTES_MAX = 16 * 1024


def commitment(salt: bytes, payload: bytes) -> bytes:
    """Returns SHA-256 of the domain, the salt's length in one byte, the salt and the payload.

    It hides the payload as far as the salt is secret and random: the edge draws 32 bytes for each entry.

    Raises:
        ProofError: if the salt has more than 255 bytes.
    """
    if len(salt) > _SALT_SIZE_BYTES_MAX:
        raise ProofError(f"A salt has at most {_SALT_SIZE_BYTES_MAX} bytes, not {len(salt)}.")
    return hashlib.sha256(_COMMITMENT_DOMAIN + bytes([len(salt)]) + salt + payload).digest()


def entry_leaf_hash(salt: bytes, payload: bytes) -> bytes:
    """Returns the hash under which an entry stands in the tree, 32 bytes.

    Raises:
        ProofError: if the salt has more than 255 bytes.
    """
    return merkle.leaf_hash(commitment(salt, payload))


@dataclass(frozen=True, slots=True)
class TreeHead:
    """The state of the log at an instant.

    Attributes:
        edge_id: whose log it is.
        tree_size: number of entries.
        root_hash: root of the Merkle tree, 32 bytes.
        time_ms: when it was signed, unix ms UTC.
        envelope_json: what the edge signed, as evidence; empty on one that no signature came with.
    """

    edge_id: str
    tree_size: int
    root_hash: bytes
    time_ms: int
    envelope_json: bytes = field(default=b"", compare=False, repr=False)

    def to_payload(self) -> bytes:
        """Returns what is signed: canonical JSON (RFC 8785)."""
        return rfc8785.dumps(
            {
                "kind": "tree-head",
                "edge_id": self.edge_id,
                "tree_size": self.tree_size,
                "root_hash": self.root_hash.hex(),
                "time_ms": self.time_ms,
            }
        )

    @classmethod
    def from_envelope(cls, envelope_json: bytes, key: VerifyKey, edge_id: str) -> TreeHead:
        """Reads a head that the edge has signed.

        Args:
            envelope_json: DSSE envelope.
            key: the edge's public key.
            edge_id: the edge whose head is expected.

        Raises:
            ProofError: if it is not a head of that edge signed with that key.
        """
        try:
            envelope = Envelope.from_json(envelope_json, size_bytes_max=_ENVELOPE_SIZE_BYTES_MAX)
            envelope.verify(key)
        except EnvelopeError as error:
            raise ProofError(f"The tree head is not signed by edge {edge_id!r}: {error.message}") from error
        if envelope.payload_type != TREE_HEAD_TYPE:
            raise ProofError(f"The edge signed a {envelope.payload_type!r}, which is not a tree head.")
        head = _head_from_payload(envelope.payload)
        if head.edge_id != edge_id:
            raise ProofError(f"The tree head is of edge {head.edge_id!r}, not of {edge_id!r}.")
        return replace(head, envelope_json=envelope_json)


def _head_from_payload(payload: bytes) -> TreeHead:
    try:
        fields: Any = json.loads(payload)
        head = TreeHead(
            edge_id=fields["edge_id"],
            tree_size=fields["tree_size"],
            root_hash=bytes.fromhex(fields["root_hash"]),
            time_ms=fields["time_ms"],
        )
        canonical = head.to_payload()
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ProofError("The signed tree head cannot be read.") from error
    # Comparing bytes refuses every other spelling at once: unknown fields, upper-case digits, numbers with a point.
    if canonical != payload or not _is_possible(head):
        raise ProofError("The signed tree head is not what an edge writes.")
    return head


def _is_possible(head: TreeHead) -> bool:
    return (
        isinstance(head.edge_id, str)
        and type(head.tree_size) is int
        and type(head.time_ms) is int
        and head.tree_size >= 0
        and len(head.root_hash) == merkle.HASH_SIZE_BYTES
        and (head.tree_size > 0 or head.root_hash == merkle.EMPTY_ROOT)
    )
