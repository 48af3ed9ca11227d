"""Proofs against a log small enough to be written out by hand."""

from __future__ import annotations

import hashlib

import pytest

from edge_sdk.errors import ProofError
from edge_sdk.merkle import EMPTY_ROOT, leaf_hash, node_hash, verify_consistency, verify_inclusion

A, B, C = (leaf_hash(data) for data in (b"a", b"b", b"c"))
AB = node_hash(A, B)
ABC = node_hash(AB, C)


def test_hash_prefixes() -> None:
    """Leaves and nodes are hashed as RFC 9162 section 2.1.1 says, with different prefixes."""
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT
    assert leaf_hash(b"a") == hashlib.sha256(b"\x00a").digest()
    assert node_hash(A, B) == hashlib.sha256(b"\x01" + A + B).digest()
    assert leaf_hash(A + B) != node_hash(A, B)


@pytest.mark.parametrize(
    ("leaf", "index", "tree_size", "proof", "root"),
    [(A, 0, 1, [], A), (B, 1, 2, [A], AB), (A, 0, 3, [B, C], ABC), (B, 1, 3, [A, C], ABC), (C, 2, 3, [AB], ABC)],
)
def test_inclusion_holds(leaf: bytes, index: int, tree_size: int, proof: list[bytes], root: bytes) -> None:
    """Every proof that was written out by hand is accepted."""
    verify_inclusion(leaf_hash=leaf, index=index, tree_size=tree_size, proof=proof, root=root)


@pytest.mark.parametrize(
    ("index", "tree_size", "proof", "what"),
    [
        (1, 3, [A], "has 1 hashes; for these sizes it has 2"),
        (1, 3, [A, C, C], "has 3 hashes; for these sizes it has 2"),
        (1, 3, [C, A], "leads to root"),
        (0, 3, [A, C], "leads to root"),
        (3, 3, [A, C], "cannot be in a tree of 3"),
        (-1, 3, [A, C], "cannot be in a tree of 3"),
        (0, 0, [], "cannot be in a tree of 0"),
        (1, 3, [A, C[:31]], "a hash of 31 bytes"),
    ],
)
def test_inclusion_refused(index: int, tree_size: int, proof: list[bytes], what: str) -> None:
    """A proof of another length, order, position or hash size is refused, and the error says which check failed."""
    with pytest.raises(ProofError, match=what):
        verify_inclusion(leaf_hash=B, index=index, tree_size=tree_size, proof=proof, root=ABC)


@pytest.mark.parametrize(
    ("first_size", "first_root", "second_size", "second_root", "proof"),
    [
        (0, EMPTY_ROOT, 0, EMPTY_ROOT, []),
        (0, EMPTY_ROOT, 3, ABC, []),
        (3, ABC, 3, ABC, []),
        (1, A, 2, AB, [B]),
        (1, A, 3, ABC, [B, C]),
        (2, AB, 3, ABC, [C]),
    ],
)
def test_consistency_holds(
    first_size: int, first_root: bytes, second_size: int, second_root: bytes, proof: list[bytes]
) -> None:
    """Every proof that was written out by hand is accepted."""
    verify_consistency(
        first_size=first_size, first_root=first_root, second_size=second_size, second_root=second_root, proof=proof
    )


@pytest.mark.parametrize(
    ("first_size", "first_root", "second_size", "second_root", "proof", "what"),
    [
        (0, A, 3, ABC, [], "earlier root"),
        (0, EMPTY_ROOT, 3, ABC, [C], "has 1 hashes"),
        (0, EMPTY_ROOT, 0, A, [], "earlier root"),
        (3, ABC, 3, AB, [], "earlier root"),
        (3, ABC, 3, ABC, [C], "has 1 hashes"),
        (3, ABC, 2, AB, [], "of 3 entries cannot have become one of 2"),
        (-1, EMPTY_ROOT, 2, AB, [], "cannot have become"),
        (2, AB, 3, ABC, [], "has 0 hashes"),
        (2, AB, 3, ABC, [B], "later root"),
        (2, ABC, 3, ABC, [C], "later root"),
        (2, AB, 3, ABC, [C + C], "a hash of 64 bytes"),
    ],
)
def test_consistency_refused(
    first_size: int, first_root: bytes, second_size: int, second_root: bytes, proof: list[bytes], what: str
) -> None:
    """A log that shrank or was rewritten is refused, and the error says which check failed."""
    with pytest.raises(ProofError, match=what):
        verify_consistency(
            first_size=first_size, first_root=first_root, second_size=second_size, second_root=second_root, proof=proof
        )
