from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from edge.errors import Category, ConflictError, LimitError, StoreError
from edge.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    import duckdb

    from edge.store.engine import Engine

    OpenEngine = Callable[..., Engine]
    Cursor = duckdb.DuckDBPyConnection

QUEUE_MAX = 3


@pytest.fixture
def engine(open_engine: OpenEngine) -> Iterator[Engine]:
    """An engine whose state file has a table of digests, which is all that is needed here."""
    engine = open_engine()
    yield engine
    engine.close()


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    """A writer with a short queue."""
    writer = Writer(engine, QUEUE_MAX)
    yield writer
    writer.close()


def insert(digest: str) -> Callable[[Cursor], str]:
    """Returns work that stores a digest in a transaction and returns it."""

    def work(cursor: Cursor) -> str:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO state.revoked_modules VALUES (?)", [digest])
        cursor.execute("COMMIT")
        return digest

    return work


def stored(engine: Engine) -> list[str]:
    """Returns the digests that are committed, in the order of their commits."""
    with engine.reading() as cursor:
        return [row[0] for row in cursor.execute("SELECT digest FROM state.revoked_modules").fetchall()]


class Gate:
    """Work that holds the writer up until it is let go."""

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._open = threading.Event()

    def __call__(self, _cursor: Cursor) -> None:
        self._begun.set()
        assert self._open.wait(30)

    async def begun(self) -> None:
        """Returns once the writer stands here, its queue empty."""
        assert await asyncio.to_thread(self._begun.wait, 30)

    def let_go(self) -> None:
        """Lets the writer go on."""
        self._open.set()


async def begin(*works: Coroutine[None, None, object]) -> list[asyncio.Task[object]]:
    """Hands work to the writer, in order, without waiting for it."""
    tasks = [asyncio.create_task(work) for work in works]
    await asyncio.sleep(0)
    return tasks


async def test_what_it_answers_is_committed(engine: Engine, writer: Writer) -> None:
    """Work is answered with what it returned once its writes are there for everyone."""
    assert await writer.run(insert("a")) == "a"
    assert stored(engine) == ["a"]


async def test_one_after_the_other(engine: Engine, writer: Writer) -> None:
    """Work is done in the order it came, in one thread, never two at once."""
    gate = Gate()
    waiting = await begin(writer.run(gate))
    await gate.begun()
    waiting += await begin(*(writer.run(insert(name)) for name in "bca"))
    assert stored(engine) == []
    gate.let_go()
    await asyncio.gather(*waiting)
    assert stored(engine) == ["b", "c", "a"]


async def test_failed_work_is_undone(engine: Engine, writer: Writer) -> None:
    """An error within a transaction undoes all of it and reaches the caller as it is; the next work succeeds."""

    def fails(cursor: Cursor) -> None:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO state.revoked_modules VALUES ('lost')")
        raise ConflictError("no")

    with pytest.raises(ConflictError, match="no"):
        await writer.run(fails)
    assert stored(engine) == []
    await writer.run(insert("kept"))
    assert stored(engine) == ["kept"]


async def test_refused_write(engine: Engine, writer: Writer) -> None:
    """What the database refuses is an error of the store that does not repeat what was to be written."""

    def fails(cursor: Cursor) -> None:
        cursor.execute("BEGIN")
        cursor.execute(
            "INSERT INTO state.meters (meter_id, household_id, kind, enrolled_ms)"
            " VALUES ('secret-meter', 'h', 'gas', 0), ('secret-meter', 'h', 'gas', 0)"
        )

    with pytest.raises(StoreError, match="refused a write: ConstraintException") as caught:
        await writer.run(fails)
    assert caught.value.category is Category.INTERNAL
    assert "secret-meter" not in str(caught.value)
    assert "secret-meter" in str(caught.value.__cause__)
    await writer.run(insert("kept"))
    assert stored(engine) == ["kept"]


async def test_error_after_a_commit(engine: Engine, writer: Writer) -> None:
    """What was committed before an error stays; there is nothing to undo."""

    def fails(cursor: Cursor) -> None:
        insert("kept")(cursor)
        raise ConflictError("too late")

    with pytest.raises(ConflictError):
        await writer.run(fails)
    assert stored(engine) == ["kept"]


async def test_nobody_waits_for_ever(writer: Writer) -> None:
    """Even work that ruins the writer's own connection is answered, and so is all that follows."""

    def ruins(cursor: Cursor) -> None:
        cursor.close()
        raise ConflictError("ruined")

    with pytest.raises(ConflictError):
        await asyncio.wait_for(writer.run(ruins), 10)
    with pytest.raises(StoreError):
        await asyncio.wait_for(writer.run(insert("a")), 10)


async def test_full_queue(engine: Engine, writer: Writer) -> None:
    """More than the queue holds is refused at once, with what to do; what waits is done, and then there is room."""
    gate = Gate()
    waiting = await begin(writer.run(gate))
    await gate.begun()
    waiting += await begin(*(writer.run(insert(name)) for name in "abc"))
    with pytest.raises(LimitError) as caught:
        await writer.run(insert("too much"))
    assert (caught.value.reason, caught.value.category) == ("STORE_BUSY", Category.LIMIT)
    assert "again" in caught.value.advice
    gate.let_go()
    await asyncio.gather(*waiting)
    await writer.run(insert("d"))
    assert stored(engine) == ["a", "b", "c", "d"]


async def test_urgent_work_goes_first(engine: Engine, writer: Writer) -> None:
    """Urgent work is done before what waits, in the order it came, and is taken on though the queue is full."""
    gate = Gate()
    waiting = await begin(writer.run(gate))
    await gate.begun()
    waiting += await begin(*(writer.run(insert(name)) for name in "abc"))
    waiting += await begin(*(writer.run(insert(name), urgent=True) for name in "xy"))
    gate.let_go()
    await asyncio.gather(*waiting)
    assert stored(engine) == ["x", "y", "a", "b", "c"]


async def test_close_finishes_what_waits(engine: Engine) -> None:
    """Closing does what was taken on, with the queue full, and takes on nothing more."""
    writer, gate = Writer(engine, QUEUE_MAX), Gate()
    waiting = await begin(writer.run(gate))
    await gate.begun()
    waiting += await begin(*(writer.run(insert(name)) for name in "abc"), writer.run(insert("x"), urgent=True))
    closing = threading.Thread(target=writer.close)
    closing.start()
    gate.let_go()
    await asyncio.gather(*waiting)
    await asyncio.to_thread(closing.join)
    assert stored(engine) == ["x", "a", "b", "c"]
    for urgent in (False, True):
        with pytest.raises(StoreError, match="closed"):
            await writer.run(insert("late"), urgent=urgent)
    assert stored(engine) == ["x", "a", "b", "c"]


async def test_close_twice(writer: Writer) -> None:
    """Closing again does nothing."""
    writer.close()
    writer.close()
    with pytest.raises(StoreError, match="closed"):
        await writer.run(insert("late"))


async def test_work_outlives_its_caller(engine: Engine, writer: Writer) -> None:
    """A caller that goes away does not undo, or leave half done, what was taken on."""
    gate = Gate()
    waiting = await begin(writer.run(gate), writer.run(insert("kept")))
    await gate.begun()
    for future in waiting:
        future.cancel()
    gate.let_go()
    await writer.run(insert("next"))
    assert stored(engine) == ["kept", "next"]
    assert all(future.cancelled() for future in waiting)
