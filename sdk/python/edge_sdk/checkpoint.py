"""What a checker keeps from one visit to the next: the signed head, and a digest of the entries it was shown.

The head shows whether the log only grew. That an entry is missing from what an edge shows cannot be proven by the log
alone; whoever was shown it before notices.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_sdk.audit import TreeHead, entry_leaf_hash
from edge_sdk.errors import IdentityError, ProofError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_sdk.envelope import VerifyKey


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """An entry whose commitment opens and is in the tree of a head that the edge signed."""

    index: int
    payload_json: bytes
    salt: bytes
    inclusion_proof: tuple[bytes, ...]
    head: TreeHead

    @property
    def payload(self) -> dict[str, Any]:
        """What happened, as JSON values."""
        payload: dict[str, Any] = json.loads(self.payload_json)
        return payload


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a checker has come.

    Attributes:
        head: the last one it verified.
        entries: how many entries under it concerned the checker.
        entries_digest: SHA-256 over the index, as 8 bytes, and the leaf hash of each of them, in order.
    """

    head: TreeHead
    entries: int
    entries_digest: bytes

    @classmethod
    def of(cls, head: TreeHead, entries: Sequence[VerifiedEntry]) -> Checkpoint:
        """Returns what is to be kept of a visit."""
        return cls(head, len(entries), _digest(entries))

    def check_shown_again(self, entries: Sequence[VerifiedEntry]) -> None:
        """Checks that what was shown before is among `entries`, which hold all that is shown now.

        Raises:
            ProofError: an entry is missing, or stands there only now though it is older.
        """
        known = [entry for entry in entries if entry.index < self.head.tree_size]
        if _digest(known) != self.entries_digest:
            raise ProofError(
                f"Of the first {self.head.tree_size} entries, {self.entries} concerned you; "
                f"the edge now shows {len(known)}, and they are not the same."
            )

    def to_json(self) -> bytes:
        """Returns it as it is kept in a file."""
        envelope = base64.b64encode(self.head.envelope_json).decode("ascii")
        fields = {"head": envelope, "entries": self.entries, "entries_digest": self.entries_digest.hex()}
        return json.dumps(fields, indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes, key: VerifyKey, edge_id: str) -> Checkpoint:
        """Reads what `to_json` wrote, and verifies the head again.

        Raises:
            IdentityError: it is something else.
            ProofError: the head in it is not one that the edge signed.
        """
        try:
            fields = json.loads(data)
            envelope_json = base64.b64decode(fields["head"], validate=True)
            entries, digest = int(fields["entries"]), bytes.fromhex(fields["entries_digest"])
        except (ValueError, KeyError, TypeError) as error:
            raise IdentityError(
                "The file does not hold what the last visit to the audit log gave.",
                advice="Move it away to begin anew; what was proven until now can then not be compared.",
            ) from error
        return cls(TreeHead.from_envelope(envelope_json, key, edge_id), entries, digest)


def _digest(entries: Sequence[VerifiedEntry]) -> bytes:
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(entry.index.to_bytes(8, "big") + entry_leaf_hash(entry.salt, entry.payload_json))
    return digest.digest()
