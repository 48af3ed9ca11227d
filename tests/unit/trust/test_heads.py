"""Heads as the device signs them and a caller reads them."""

from __future__ import annotations

import pytest

from edge.trust.heads import sign_head
from edge.trust.keys import SigningKey
from edge.trust.merkle import MerkleTree
from edge_sdk.audit import TreeHead, entry_leaf_hash
from edge_sdk.errors import ProofError
from edge_sdk.merkle import verify_inclusion

KEY = SigningKey.generate()


def test_from_entry_to_signature() -> None:
    """An entry is proved from its opened commitment to the device's signature."""
    tree = MerkleTree()
    for number in range(5):
        tree.append(entry_leaf_hash(b"salt", b"entry %d" % number))
    signed = sign_head(TreeHead("edge-1", len(tree), tree.root(), 1_790_000_000_000), KEY)
    head = TreeHead.from_envelope(signed.to_json(), KEY.verify_key, "edge-1")
    verify_inclusion(
        leaf_hash=entry_leaf_hash(b"salt", b"entry 3"),
        index=3,
        tree_size=head.tree_size,
        proof=tree.inclusion_proof(3, head.tree_size),
        root=head.root_hash,
    )


def test_other_device() -> None:
    """A head that another device signed is refused."""
    signed = sign_head(TreeHead("edge-1", 1, bytes(32), 0), SigningKey.generate())
    with pytest.raises(ProofError):
        TreeHead.from_envelope(signed.to_json(), KEY.verify_key, "edge-1")
