"""The tree against the definitions of RFC 9162 section 2.1, written out naively, and against the SDK's verifier."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InvalidRequestError
from edge.trust.merkle import MerkleTree
from edge_sdk.errors import ProofError
from edge_sdk.merkle import leaf_hash, verify_consistency, verify_inclusion

SIZE_MAX = 70
LEAVES = [leaf_hash(b"entry %d" % index) for index in range(SIZE_MAX)]

# Entries and roots by size of the tests of Certificate Transparency (RFC 6962), in use by all its logs.
CT_ENTRIES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_split(size: int) -> int:
    """The largest power of two less than `size`."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of section 2.1.1."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = naive_split(len(leaves))
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = naive_split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = naive_split(len(leaves))
    if m <= k:
        return [*naive_subproof(m, leaves[:k], whole=whole), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], whole=False), naive_root(leaves[:k])]


def tree_of(size: int) -> MerkleTree:
    tree = MerkleTree()
    for index in range(size):
        assert tree.append(LEAVES[index]) == index
    return tree


FULL = tree_of(SIZE_MAX)
sizes = st.integers(0, SIZE_MAX)


def flip(value: bytes, bit: int) -> bytes:
    return (int.from_bytes(value) ^ 1 << bit).to_bytes(len(value))


def test_certificate_transparency_vectors() -> None:
    """The roots are those that the logs of Certificate Transparency compute, at every size on the way."""
    tree = MerkleTree()
    for entry in CT_ENTRIES:
        tree.append(leaf_hash(bytes.fromhex(entry)))
    assert [tree.root(size).hex() for size in range(9)] == CT_ROOTS


def test_roots_while_growing() -> None:
    """At every size the root is MTH, then and when asked for later."""
    tree = MerkleTree()
    for size in range(SIZE_MAX):
        assert tree.root() == naive_root(LEAVES[:size]) == FULL.root(size)
        tree.append(LEAVES[size])
        assert (len(tree), tree.leaf(size)) == (size + 1, LEAVES[size])


@given(size=sizes, more=st.integers(0, 5))
def test_from_leaves(size: int, more: int) -> None:
    """A tree read back in one piece is the tree that grew, and goes on growing alike."""
    tree = MerkleTree.from_leaves(b"".join(LEAVES[:size]))
    for leaf in LEAVES[size : size + more]:
        tree.append(leaf)
    assert tree._levels == tree_of(len(tree))._levels


def test_work_of_appending(monkeypatch: pytest.MonkeyPatch) -> None:
    """Appending n leaves hashes fewer than n times."""
    calls = 0

    def counted(left: bytes, right: bytes) -> bytes:
        nonlocal calls
        calls += 1
        return left[:16] + right[:16]

    monkeypatch.setattr("edge.trust.merkle.node_hash", counted)
    tree_of(SIZE_MAX)
    assert calls < SIZE_MAX


@given(st.data())
def test_inclusion(data: st.DataObject) -> None:
    """Any leaf of any earlier tree has the proof PATH, and the verifier accepts it."""
    size = data.draw(st.integers(1, SIZE_MAX))
    index = data.draw(st.integers(0, size - 1))
    proof = FULL.inclusion_proof(index, size)
    assert proof == naive_path(index, LEAVES[:size])
    verify_inclusion(leaf_hash=LEAVES[index], index=index, tree_size=size, proof=proof, root=FULL.root(size))


@given(st.data())
def test_inclusion_flipped(data: st.DataObject) -> None:
    """One flipped bit in leaf, root or proof, or a proof for a neighbour, is refused."""
    size = data.draw(st.integers(2, SIZE_MAX))
    index = data.draw(st.integers(0, size - 1))
    leaf_proof_root = [LEAVES[index], *FULL.inclusion_proof(index, size), FULL.root(size)]
    at = data.draw(st.integers(0, len(leaf_proof_root) - 1))
    flipped = leaf_proof_root.copy()
    flipped[at] = flip(flipped[at], data.draw(st.integers(0, 255)))
    for (leaf, *proof, root), position in ((flipped, index), (leaf_proof_root, (index + 1) % size)):
        with pytest.raises(ProofError):
            verify_inclusion(leaf_hash=leaf, index=position, tree_size=size, proof=proof, root=root)


def test_consistency() -> None:
    """For all m <= n <= 40 the proof is PROOF, and the verifier accepts it."""
    for second in range(41):
        for first in range(second + 1):
            proof = FULL.consistency_proof(first, second)
            assert proof == (naive_subproof(first, LEAVES[:second], whole=True) if first else [])
            verify_consistency(
                first_size=first,
                first_root=FULL.root(first),
                second_size=second,
                second_root=FULL.root(second),
                proof=proof,
            )


@given(st.data())
def test_consistency_flipped(data: st.DataObject) -> None:
    """One flipped bit in a root or the proof, a hash too many or one too few, is refused."""
    second = data.draw(st.integers(2, SIZE_MAX))
    first = data.draw(st.integers(1, second - 1))
    hashes = [FULL.root(first), *FULL.consistency_proof(first, second), FULL.root(second)]
    at = data.draw(st.integers(0, len(hashes) - 1))
    flipped = hashes.copy()
    flipped[at] = flip(flipped[at], data.draw(st.integers(0, 255)))
    for first_root, *proof, second_root in (flipped, [*hashes[:1], *hashes], [*hashes[:1], *hashes[2:]]):
        with pytest.raises(ProofError):
            verify_consistency(
                first_size=first, first_root=first_root, second_size=second, second_root=second_root, proof=proof
            )


@given(st.data())
def test_rewritten_log(data: st.DataObject) -> None:
    """A log in which one earlier entry was changed or left out cannot be shown consistent with what it was."""
    first = data.draw(st.integers(1, SIZE_MAX - 2))
    second = data.draw(st.integers(first + 1, SIZE_MAX - 1))
    at = data.draw(st.integers(0, first - 1))
    changed = [*LEAVES[:at], leaf_hash(b"forged"), *LEAVES[at + 1 :]]
    for leaves in (changed, [*LEAVES[:at], *LEAVES[at + 1 :]]):
        forged = MerkleTree.from_leaves(b"".join(leaves))
        with pytest.raises(ProofError):
            verify_consistency(
                first_size=first,
                first_root=FULL.root(first),
                second_size=second,
                second_root=forged.root(second),
                proof=forged.consistency_proof(first, second),
            )


@given(st.lists(sizes, min_size=2, max_size=6).map(sorted))
def test_consistency_is_a_chain(heads: list[int]) -> None:
    """A watcher that goes from head to head accepts every step of an honest log."""
    for first, second in pairwise(heads):
        verify_consistency(
            first_size=first,
            first_root=FULL.root(first),
            second_size=second,
            second_root=FULL.root(second),
            proof=FULL.consistency_proof(first, second),
        )


def test_out_of_range() -> None:
    """What the log never had is refused as a wrong request."""
    tree = tree_of(5)
    for ask in (
        lambda: tree.leaf(5),
        lambda: tree.leaf(-1),
        lambda: tree.root(6),
        lambda: tree.root(-1),
        lambda: tree.inclusion_proof(5, 5),
        lambda: tree.inclusion_proof(3, 3),
        lambda: tree.inclusion_proof(-1, 3),
        lambda: tree.inclusion_proof(0, 0),
        lambda: tree.inclusion_proof(0, 6),
        lambda: tree.consistency_proof(3, 6),
        lambda: tree.consistency_proof(4, 3),
        lambda: tree.consistency_proof(-1, 3),
    ):
        with pytest.raises(InvalidRequestError):
            ask()


def test_wrong_lengths() -> None:
    """Only whole hashes are taken in."""
    with pytest.raises(ValueError, match="31"):
        MerkleTree().append(bytes(31))
    with pytest.raises(ValueError, match="33"):
        MerkleTree.from_leaves(bytes(33))
