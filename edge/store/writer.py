"""The one thread that writes. What it has answered is on disk."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import duckdb

from edge.errors import LimitError, StoreError
from edge.store.failures import query_failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.store.engine import Engine

T = TypeVar("T")

_URGENT, _ORDINARY, _LAST = range(3)
_Item: TypeAlias = "tuple[Callable[[duckdb.DuckDBPyConnection], Any], Future[Any]]"


class Writer:
    """Runs pieces of work one after the other on its own cursor; what is urgent goes before what callers ask for."""

    def __init__(self, engine: Engine, queue_max: int) -> None:
        self._engine = engine
        self._queue: queue.PriorityQueue[tuple[int, int, _Item | None]] = queue.PriorityQueue()
        self._queue_max = queue_max
        self._order = itertools.count()
        self._thread = threading.Thread(target=self._loop, name="edge-store-writer", daemon=True)
        self._closed = False
        self._closing = threading.Lock()
        self._thread.start()

    async def run(self, work: Callable[[duckdb.DuckDBPyConnection], T], *, urgent: bool = False) -> T:
        """Runs `work` and returns what it returned, once it has committed whatever it wrote.

        Readings and evaluations are urgent, and there is never more than one of each: a flood of calls neither fills
        their place nor makes them wait longer than the piece of work that is under way.

        Raises:
            LimitError: too much waits to be written; try again later.
            StoreError: the database refused.
        """
        # A caller that goes away does not undo work that has been taken on.
        return await asyncio.shield(asyncio.wrap_future(self.submit(work, urgent=urgent)))

    def submit(self, work: Callable[[duckdb.DuckDBPyConnection], T], *, urgent: bool = False) -> Future[T]:
        """Like `run`, for other threads: returns what will have the result.

        Raises:
            LimitError: too much waits to be written.
            StoreError: the store is closed.
        """
        future: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise StoreError("The store is closed.", advice="The edge is stopping; try again when it is back.")
            if not urgent and self._queue.qsize() >= self._queue_max:
                raise LimitError(
                    "Too much waits to be written.", advice="Try again in a few seconds.", reason="STORE_BUSY"
                )
            self._queue.put((_URGENT if urgent else _ORDINARY, next(self._order), (work, future)))
        return future

    def close(self) -> None:
        """Finishes what waits, then stops."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        # Nothing is taken on any more, so this is the last item.
        self._queue.put((_LAST, next(self._order), None))
        self._thread.join()

    def _loop(self) -> None:
        cursor = self._engine.cursor()
        while (item := self._queue.get()[2]) is not None:
            work, future = item
            try:
                self._engine.renew()
                result = work(cursor)
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits for it
                _rollback(cursor)
                self._engine.note_failure(error)
                future.set_exception(_explained(error))
            else:
                future.set_result(result)
        cursor.close()


def _rollback(cursor: duckdb.DuckDBPyConnection) -> None:
    # Nothing had begun, or the database is beyond it: the error that led here says more, and the thread goes on.
    with contextlib.suppress(duckdb.Error):
        cursor.execute("ROLLBACK")


def _explained(error: BaseException) -> BaseException:
    if not isinstance(error, duckdb.Error):
        return error
    failure = query_failure(error, "write")
    failure.__cause__ = error
    return failure
