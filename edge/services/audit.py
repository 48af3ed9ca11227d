"""The audit log: commits to what happens, and proves it afterwards.

An entry enters the log in the transaction of what it records, so that neither is ever there without the other.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.domain.event import EventKind
from edge.errors import InvalidRequestError
from edge.store.audit import Leaf
from edge.trust.heads import sign_head
from edge.trust.merkle import MerkleTree
from edge_sdk.audit import TreeHead, entry_leaf_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.clock import Clock
    from edge.domain.event import Event
    from edge.metrics import Metrics
    from edge.store.store import Store, Transaction
    from edge.trust.keys import SigningKey

SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A tree head and the envelope that carries the edge's signature over it."""

    head: TreeHead
    envelope_json: bytes


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """An entry, opened, with its proof."""

    leaf: Leaf
    inclusion_proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Entries that concern one subject, all proven in one tree."""

    entries: tuple[ProvenEntry, ...]
    next_index: int | None


class AuditLog:
    """Owns the Merkle tree. `record` runs in the writer's thread, the rest anywhere."""

    def __init__(
        self,
        store: Store,
        edge_id: str,
        device_key: SigningKey,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._edge_id = edge_id
        self._device_key = device_key
        self._clock = clock
        self._random_bytes = random_bytes
        self._metrics = metrics
        self._lock = threading.Lock()
        self._tree = MerkleTree.from_leaves(store.read_now(lambda tables: tables.audit.leaf_hashes()))
        metrics.audit_entries.set(len(self._tree))

    def record(self, transaction: Transaction, events: Sequence[Event]) -> None:
        """Adds `events` to the log as part of `transaction`."""
        first = len(self._tree) + transaction.audit.appended
        leaves = [self._leaf(first + number, event) for number, event in enumerate(events)]
        transaction.audit.append(leaves)
        transaction.after_commit(lambda: self._extend(leaves))

    def head(self) -> SignedHead:
        """Returns the newest head, signed now."""
        with self._lock:
            size, root = len(self._tree), self._tree.root()
        head = TreeHead(self._edge_id, size, root, self._clock.now_ms())
        return SignedHead(head, sign_head(head, self._device_key).to_json())

    async def entries(self, subject: str, tree_size: int, from_index: int, limit: int) -> EntryPage:
        """Returns a page of what concerns `subject` in the tree of `tree_size`, each entry with its proof.

        Raises:
            InvalidRequestError: no such size.
        """
        with self._lock:
            self._check_size(tree_size)
        leaves = await self._store.read(
            lambda tables: tables.audit.of_subject(subject, from_index, tree_size, limit + 1)
        )
        with self._lock:
            proven = tuple(
                ProvenEntry(leaf, tuple(self._tree.inclusion_proof(leaf.index, tree_size))) for leaf in leaves[:limit]
            )
        return EntryPage(proven, leaves[limit].index if len(leaves) > limit else None)

    def inclusion_proof(self, index: int, tree_size: int) -> tuple[bytes, tuple[bytes, ...]]:
        """Returns the leaf hash and its proof.

        Raises:
            InvalidRequestError: no such leaf or size.
        """
        with self._lock:
            self._check_size(tree_size)
            proof = tuple(self._tree.inclusion_proof(index, tree_size))
            return self._tree.leaf(index), proof

    def consistency_proof(self, first_size: int, second_size: int) -> tuple[bytes, ...]:
        """Returns the proof that the tree of `second_size` only appends to that of `first_size`.

        Raises:
            InvalidRequestError: no such sizes.
        """
        with self._lock:
            self._check_size(second_size)
            return tuple(self._tree.consistency_proof(first_size, second_size))

    async def run_entry(self, trigger_key: str, slot_ms: int) -> dict[str, object] | None:
        """Returns what the log says of the run of a trigger at a slot, if its hash is in the tree; else None."""
        texts = (f'"kind":"{EventKind.EVALUATION_RUN}"', f'"slot_ms":{slot_ms}', json.dumps(trigger_key))
        for leaf in await self._store.read(lambda tables: tables.audit.containing(*texts)):
            detail: dict[str, object] = json.loads(leaf.payload)["detail"]
            if (detail["trigger"], detail["slot_ms"]) != (trigger_key, slot_ms):
                continue
            with self._lock:
                in_tree = leaf.index < len(self._tree) and self._tree.leaf(leaf.index)
            if in_tree == entry_leaf_hash(leaf.salt, leaf.payload):
                return detail
        return None

    def __len__(self) -> int:
        return len(self._tree)

    def new_salt(self) -> bytes:
        """Returns fresh random bytes to salt a commitment with."""
        return self._random_bytes(SALT_BYTES)

    def _check_size(self, tree_size: int) -> None:
        if not 0 <= tree_size <= len(self._tree):
            raise InvalidRequestError(f"The log has {len(self._tree)} entries; there is no tree of {tree_size}.")

    def _leaf(self, index: int, event: Event) -> Leaf:
        salt, payload = self.new_salt(), event.canonical_json()
        return Leaf(index, entry_leaf_hash(salt, payload), salt, payload, event.subjects)

    def _extend(self, leaves: Sequence[Leaf]) -> None:
        with self._lock:
            for leaf in leaves:
                self._tree.append(leaf.leaf_hash)
        self._metrics.audit_entries.set(len(self._tree))
