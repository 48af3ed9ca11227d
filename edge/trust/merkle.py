"""The Merkle tree of the audit log, as RFC 9162 section 2.1 defines it."""

from __future__ import annotations

from edge.errors import InvalidRequestError
from edge_sdk.merkle import EMPTY_ROOT, HASH_SIZE_BYTES, node_hash


class MerkleTree:
    """An append-only tree over leaf hashes, which proves what it was at every earlier size.

    Level k holds the roots of all complete subtrees of 2^k leaves, one after the other: about 64 bytes a leaf in all.
    Appending hashes once per leaf on average; a root of any size takes O(log n) hashes, a proof O(log^2 n).
    """

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels: list[bytearray] = [bytearray()]

    @classmethod
    def from_leaves(cls, leaf_hashes: bytes) -> MerkleTree:
        """Returns the tree over hashes of 32 bytes that stand one after the other.

        Raises:
            ValueError: if the last one is cut off.
        """
        if len(leaf_hashes) % HASH_SIZE_BYTES:
            raise ValueError(f"{len(leaf_hashes)} bytes are not a number of whole hashes of {HASH_SIZE_BYTES} bytes")
        tree = cls()
        tree._levels = [bytearray(leaf_hashes)]
        while len(below := tree._levels[-1]) >= 2 * HASH_SIZE_BYTES:
            tree._levels.append(_parents(bytes(below)))
        return tree

    def __len__(self) -> int:
        return len(self._levels[0]) // HASH_SIZE_BYTES

    def append(self, leaf_hash: bytes) -> int:
        """Adds a leaf and returns its index, from 0.

        Raises:
            ValueError: if the hash does not have 32 bytes.
        """
        if len(leaf_hash) != HASH_SIZE_BYTES:
            raise ValueError(f"a leaf hash has {HASH_SIZE_BYTES} bytes, not {len(leaf_hash)}")
        index = len(self)
        self._levels[0] += leaf_hash
        completed, level = leaf_hash, 0
        # Each trailing 1 of the index is a complete subtree that waited on the left for this one.
        while index >> level & 1:
            completed = node_hash(self._node(level, (index >> level) - 1), completed)
            level += 1
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += completed
        return index

    def leaf(self, index: int) -> bytes:
        """Returns a leaf's hash, 32 bytes.

        Raises:
            InvalidRequestError: if there is no such leaf.
        """
        if not 0 <= index < len(self):
            raise InvalidRequestError(
                f"The log has no entry {index}.", advice=f"Its entries are numbered from 0 and it has {len(self)}."
            )
        return self._node(0, index)

    def root(self, size: int | None = None) -> bytes:
        """Returns the root hash, 32 bytes: of the first `size` leaves, or of all.

        Raises:
            InvalidRequestError: if the tree never had that size.
        """
        if size is None:
            size = len(self)
        self._check_size(size)
        return self._range_root(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Returns the siblings, leaf to root, that prove a leaf to be in the tree of the first `size` leaves.

        Raises:
            InvalidRequestError: if the tree never had that size, or the leaf was not in it.
        """
        self._check_size(size)
        if not 0 <= index < size:
            raise InvalidRequestError(
                f"A tree of {size} entries has no entry {index}.", advice="Ask for a proof in a later tree."
            )
        siblings = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                siblings.append(self._range_root(middle, end))
                end = middle
            else:
                siblings.append(self._range_root(start, middle))
                start = middle
        return siblings[::-1]

    def consistency_proof(self, first: int, second: int) -> list[bytes]:
        """Returns the hashes that prove the tree of `first` leaves to be a beginning of that of `second`.

        The proof is empty if `first` is 0 or equals `second`.

        Raises:
            InvalidRequestError: if the tree never had one of the sizes, or they are the wrong way round.
        """
        self._check_size(second)
        if not 0 <= first <= second:
            raise InvalidRequestError(
                f"A tree of {first} entries is no beginning of one of {second}.", advice="Name the smaller size first."
            )
        if first in (0, second):
            return []
        siblings = []
        start, end = 0, second
        while end != first:
            middle = start + _split(end - start)
            if first <= middle:
                siblings.append(self._range_root(middle, end))
                end = middle
            else:
                siblings.append(self._range_root(start, middle))
                start = middle
        # Where the walk never went right, what is left is the whole first tree, whose root the verifier has.
        if start:
            siblings.append(self._range_root(start, end))
        return siblings[::-1]

    def _check_size(self, size: int) -> None:
        if not 0 <= size <= len(self):
            raise InvalidRequestError(
                f"The log never had {size} entries.", advice=f"Ask for a size of 0 to {len(self)}."
            )

    def _node(self, level: int, index: int) -> bytes:
        start = index * HASH_SIZE_BYTES
        return bytes(self._levels[level][start : start + HASH_SIZE_BYTES])

    def _range_root(self, start: int, end: int) -> bytes:
        """Returns the root of the leaves from `start` to before `end`, a range that RFC 9162 splits off.

        Such a range falls into complete subtrees of falling size, all of which are kept.
        """
        peaks = []
        while start < end:
            level = (end - start).bit_length() - 1
            peaks.append(self._node(level, start >> level))
            start += 1 << level
        root = peaks.pop()
        while peaks:
            root = node_hash(peaks.pop(), root)
        return root


def _split(size: int) -> int:
    """Returns the largest power of two less than `size`."""
    return 1 << (size - 1).bit_length() - 1


def _parents(hashes: bytes) -> bytearray:
    """Returns the hashes of all pairs; one that has no partner yet has no parent."""
    pair = 2 * HASH_SIZE_BYTES
    whole = len(hashes) - len(hashes) % pair
    return bytearray().join(
        node_hash(hashes[at : at + HASH_SIZE_BYTES], hashes[at + HASH_SIZE_BYTES : at + pair])
        for at in range(0, whole, pair)
    )
