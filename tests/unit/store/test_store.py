from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from edge.domain.meter import Meter, MeterKind
from edge.errors import ConflictError, StoreError

if TYPE_CHECKING:
    from edge.store.store import Store, Tables, Transaction

METER = Meter("m1", "h1", MeterKind.ELECTRICITY, 0)


async def test_transaction_is_whole(store: Store) -> None:
    """An error within a transaction undoes what came before it in every table, and its callbacks do not run."""
    called: list[str] = []

    def fails(transaction: Transaction) -> None:
        transaction.after_commit(lambda: called.append("never"))
        transaction.meters.insert(METER)
        transaction.documents.insert("policy", 1, b"signed", 0)
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        await store.write(fails)
    assert called == []
    assert store.read_now(lambda tables: (tables.meters.all(), tables.documents.newest("policy"))) == ([], None)


async def test_callbacks_follow_the_commit(store: Store) -> None:
    """Callbacks run in order, in the writer's thread, when what was written is there for everyone."""
    seen: list[tuple[str, int, str]] = []

    def note(name: str) -> None:
        meters = len(store.read_now(lambda tables: tables.meters.all()))
        seen.append((name, meters, threading.current_thread().name))

    def work(transaction: Transaction) -> str:
        transaction.after_commit(lambda: note("first"))
        transaction.after_commit(lambda: note("second"))
        transaction.meters.insert(METER)
        assert seen == []
        return "done"

    assert await store.write(work) == "done"
    assert seen == [("first", 1, "edge-store-writer"), ("second", 1, "edge-store-writer")]


async def test_reads_are_of_one_instant(store: Store) -> None:
    """What is committed while somebody reads does not show until they read anew."""

    def read_slowly(tables: Tables) -> tuple[list[Meter], list[Meter]]:
        before = tables.meters.all()
        inserting.set()
        assert inserted.wait(30)
        return before, tables.meters.all()

    inserting, inserted = threading.Event(), threading.Event()
    found: list[tuple[list[Meter], list[Meter]]] = []
    reader = threading.Thread(target=lambda: found.append(store.read_now(read_slowly)))
    reader.start()
    assert inserting.wait(30)
    await store.write(lambda transaction: transaction.meters.insert(METER))
    inserted.set()
    reader.join()
    assert found == [([], [])]
    assert await store.read(lambda tables: tables.meters.all()) == [METER]


async def test_readers_do_not_write(store: Store) -> None:
    """An error while reading is raised as it is, and the next read succeeds."""

    def fails(_tables: Tables) -> None:
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        await store.read(fails)
    assert await store.read(lambda tables: tables.meters.all()) == []


async def test_what_the_database_refuses(store: Store) -> None:
    """An error of the database comes out as one of the store, from reads and writes alike."""

    def fails(tables: Tables) -> None:
        tables.meters._cursor.execute("SELECT nothing")

    with pytest.raises(StoreError, match="refused a read"):
        await store.read(fails)
    with pytest.raises(StoreError, match="refused a write"):
        await store.write(fails)
