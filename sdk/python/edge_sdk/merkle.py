"""Merkle proofs as RFC 9162 section 2.1 defines them: what a caller needs to catch an edge that rewrites its log.

A proof is checked without the tree: an inclusion proof says that an entry is in the tree of a signed head, a
consistency proof that an earlier tree is a beginning of a later one. The edge's half is `edge.trust.merkle`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from edge_sdk.errors import ProofError

if TYPE_CHECKING:
    from collections.abc import Sequence

HASH_SIZE_BYTES = 32

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Returns the hash of an entry, 32 bytes. The prefix keeps an entry from passing as an interior node."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Returns the hash of two subtrees' roots, 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def verify_inclusion(*, leaf_hash: bytes, index: int, tree_size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Proves that a leaf stands at `index` in the tree of `tree_size` leaves with this root (section 2.1.3.2).

    Args:
        leaf_hash: hash of the entry, 32 bytes.
        index: position of the entry, from 0.
        tree_size: number of leaves.
        proof: siblings, leaf to root.
        root: root hash, from a head whose signature has been verified.

    Raises:
        ProofError: if the proof does not hold.
    """
    _check_hashes("leaf hash", [leaf_hash])
    _check_hashes("root", [root])
    _check_hashes("inclusion proof", proof)
    if not 0 <= index < tree_size:
        raise ProofError(f"Entry {index} cannot be in a tree of {tree_size} entries.")
    inner, border = _path_lengths(index, tree_size)
    _check_length("inclusion proof", proof, inner + border)
    computed = leaf_hash
    for level, sibling in enumerate(proof):
        left = level >= inner or index >> level & 1
        computed = node_hash(sibling, computed) if left else node_hash(computed, sibling)
    if computed != root:
        raise ProofError(
            f"The inclusion proof of entry {index} leads to root {computed.hex()}, but the head of {tree_size} "
            f"entries has {root.hex()}."
        )


def verify_consistency(
    *, first_size: int, first_root: bytes, second_size: int, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Proves that the first tree is a beginning of the second: nothing was changed or removed (section 2.1.4.2).

    Args:
        first_size: number of leaves of the earlier tree; 0 is a beginning of every tree.
        first_root: root hash of the earlier tree, 32 bytes.
        second_size: number of leaves of the later tree.
        second_root: root hash of the later tree, 32 bytes.
        proof: as the edge gave it; empty where either tree says enough by itself.

    Raises:
        ProofError: if the proof does not hold.
    """
    _check_hashes("root", [first_root, second_root])
    _check_hashes("consistency proof", proof)
    if not 0 <= first_size <= second_size:
        raise ProofError(f"A log of {first_size} entries cannot have become one of {second_size}.")
    if first_size in (0, second_size):
        _check_length("consistency proof", proof, 0)
        expected = second_root if first_size == second_size else EMPTY_ROOT
        _check_root("earlier", first_size, expected, first_root)
        return
    old, new = _roots_from_consistency(first_size, first_root, second_size, proof)
    _check_root("earlier", first_size, old, first_root)
    _check_root("later", second_size, new, second_root)


def _roots_from_consistency(
    first_size: int, first_root: bytes, second_size: int, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Returns the earlier and the later root that the proof leads to, for 0 < first_size < second_size.

    The walk starts at the largest complete subtree that ends where the earlier tree ends. Siblings to its left are
    in both trees; those to its right came later.
    """
    height = (first_size & -first_size).bit_length() - 1
    inner, border = _path_lengths(first_size - 1, second_size)
    inner -= height
    if first_size == 1 << height:
        start, siblings = first_root, proof
        _check_length("consistency proof", proof, inner + border)
    else:
        _check_length("consistency proof", proof, 1 + inner + border)
        start, siblings = proof[0], proof[1:]
    position = (first_size - 1) >> height
    old = new = start
    for level, sibling in enumerate(siblings):
        if level >= inner or position >> level & 1:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    return old, new


def _path_lengths(index: int, tree_size: int) -> tuple[int, int]:
    """Returns how many siblings of a leaf come before its path joins the tree's right border, and how many after.

    On the border every sibling is to the left; levels where the border has no sibling are not in a proof.
    """
    inner = (index ^ (tree_size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def _check_hashes(name: str, hashes: Sequence[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_SIZE_BYTES:
            raise ProofError(f"The {name} holds a hash of {len(value)} bytes; a hash has {HASH_SIZE_BYTES}.")


def _check_length(name: str, proof: Sequence[bytes], length: int) -> None:
    if len(proof) != length:
        raise ProofError(f"The {name} has {len(proof)} hashes; for these sizes it has {length}.")


def _check_root(which: str, size: int, computed: bytes, root: bytes) -> None:
    if computed != root:
        raise ProofError(
            f"The {which} root, of {size} entries, is {root.hex()}, but the consistency proof leads to "
            f"{computed.hex()}."
        )
