from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from edge.store.store import Store, Transaction


async def test_newest_of_each_kind(store: Store) -> None:
    """The newest document of a kind is the one with the highest version, whenever it came."""

    def work(transaction: Transaction) -> None:
        for kind, version in [("policy", 2), ("policy", 10), ("policy", 9), ("revocations", 1)]:
            transaction.documents.insert(kind, version, f"{kind} {version}".encode(), 100 - version)

    assert store.read_now(lambda tables: tables.documents.newest("policy")) is None
    await store.write(work)
    kinds = ("policy", "revocations", "approval")
    found = store.read_now(lambda tables: [tables.documents.newest(kind) for kind in kinds])
    assert found == [b"policy 10", b"revocations 1", None]


VERSIONS = iter(range(1, 2**31))


@given(envelope=st.binary(max_size=50))
async def test_kept_to_the_byte(shared_store: Store, envelope: bytes) -> None:
    """A document is given back as it came, whatever its bytes: its signature is over them."""
    version = next(VERSIONS)
    await shared_store.write(lambda transaction: transaction.documents.insert("policy", version, envelope, 0))
    assert shared_store.read_now(lambda tables: tables.documents.newest("policy")) == envelope
