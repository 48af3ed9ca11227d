from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ConflictError
from edge.store.audit import Leaf

if TYPE_CHECKING:
    from edge.store.store import Store, Tables, Transaction

SUBJECTS = ("operator", "household/h1", "household/h2", "organization/h1")


def leaf(index: int, subjects: tuple[str, ...], kind: str = "release") -> Leaf:
    """Returns an entry whose bytes are all its own."""
    payload = json.dumps({"kind": kind, "detail": {"kind": "other", "number": index}}).encode()
    return Leaf(index, hashlib.sha256(payload).digest(), index.to_bytes(16), payload, subjects)


def append(leaves: list[Leaf], transaction: Transaction) -> int:
    """Appends entries and returns how many the transaction has appended."""
    transaction.audit.append(leaves)
    return transaction.audit.appended


EVERY_INDEX = 2**62


def of_subject(
    subject: str, from_index: int, limit: int, tables: Tables, *, until_index: int = EVERY_INDEX
) -> list[Leaf]:
    """Returns a page of a subject's entries."""
    return tables.audit.of_subject(subject, from_index, until_index, limit)


def without_subjects(leaves: list[Leaf]) -> list[Leaf]:
    """Returns entries as a page shows them: whom else they concern is nobody's business."""
    return [Leaf(item.index, item.leaf_hash, item.salt, item.payload) for item in leaves]


@pytest.fixture
async def leaves(store: Store) -> list[Leaf]:
    """Twelve entries, stored in three transactions: some concern one, some several, some nobody."""
    concerned = [(), SUBJECTS[:1], SUBJECTS[1:2], SUBJECTS[1:], SUBJECTS, ("household/h1", "household/h1")] * 2
    leaves = [leaf(index, subjects) for index, subjects in enumerate(concerned)]
    for first, last in ((0, 1), (1, 8), (8, 12)):
        await store.write(partial(append, leaves[first:last]))
    return leaves


async def test_hashes_in_order(store: Store, leaves: list[Leaf]) -> None:
    """The leaf hashes come back in the order of their indices: the tree built anew is the tree as it was."""
    expected = b"".join(item.leaf_hash for item in leaves)
    assert store.read_now(lambda tables: tables.audit.leaf_hashes()) == expected


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_entries_of_a_subject(store: Store, leaves: list[Leaf], subject: str) -> None:
    """A subject is shown every entry that concerns it, once, in order, opened, and no other."""
    expected = [item for item in leaves if subject in item.subjects]
    assert store.read_now(partial(of_subject, subject, 0, 100)) == without_subjects(expected)


@pytest.mark.parametrize("subject", ["household/h", "household/%", "h1", "", "operator "])
async def test_nobody_else(store: Store, leaves: list[Leaf], subject: str) -> None:
    """A subject that an entry does not name is shown nothing."""
    assert leaves
    assert store.read_now(partial(of_subject, subject, 0, 100)) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages(store: Store, leaves: list[Leaf], limit: int) -> None:
    """Page by page, each from where the last one ended, a subject sees each of its entries once."""
    seen: list[Leaf] = []
    while page := store.read_now(partial(of_subject, "household/h1", seen[-1].index + 1 if seen else 0, limit)):
        assert len(page) <= limit
        seen += page
    assert seen == without_subjects([item for item in leaves if "household/h1" in item.subjects])


@pytest.mark.parametrize("until_index", range(13))
async def test_entries_of_an_earlier_tree(store: Store, leaves: list[Leaf], until_index: int) -> None:
    """In an earlier, smaller tree there are only the entries it had."""
    expected = [item for item in leaves[:until_index] if "household/h1" in item.subjects]
    shown = store.read_now(partial(of_subject, "household/h1", 0, 100, until_index=until_index))
    assert shown == without_subjects(expected)


async def test_appended_counts_within_a_transaction(store: Store) -> None:
    """A transaction knows how many entries it has added so far; the next begins at none."""

    def twice(transaction: Transaction) -> list[int]:
        return [append([leaf(0, ())], transaction), append([leaf(1, ()), leaf(2, ())], transaction)]

    assert await store.write(twice) == [1, 3]
    assert await store.write(partial(append, [])) == 0
    assert await store.write(partial(append, [leaf(3, SUBJECTS)])) == 1


async def test_failed_transaction_leaves_no_entry(store: Store) -> None:
    """An entry is there only with what it records: undone together."""

    def fails(transaction: Transaction) -> None:
        append([leaf(0, SUBJECTS)], transaction)
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        await store.write(fails)
    assert store.read_now(lambda tables: tables.audit.leaf_hashes()) == b""
    assert store.read_now(partial(of_subject, "operator", 0, 100)) == []


INDICES = iter(range(2**31))


@given(salt=st.binary(min_size=16, max_size=16), payload=st.text(max_size=20))
async def test_kept_to_the_byte(shared_store: Store, salt: bytes, payload: str) -> None:
    """Salt and payload are given back as they were committed to: else no proof would hold."""
    index = next(INDICES)
    entry = Leaf(index, hashlib.sha256(salt).digest(), salt, payload.encode(), ("operator",))
    await shared_store.write(partial(append, [entry]))
    assert shared_store.read_now(partial(of_subject, "operator", index, 2)) == without_subjects([entry])
