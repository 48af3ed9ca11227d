"""The store's face: transactions over the state, snapshots for reading, and the files of readings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from edge.store.actions import ActionTable
from edge.store.audit import AuditTable
from edge.store.consents import ConsentTable
from edge.store.documents import DocumentTable
from edge.store.engine import Engine
from edge.store.evaluations import EvaluationTable
from edge.store.meters import MeterTable
from edge.store.modules import ModuleTable
from edge.store.progress import ProgressTable
from edge.store.readings import ReadingTable
from edge.store.records import RecordReader
from edge.store.refused import RefusedTable
from edge.store.windows import WindowReader
from edge.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import duckdb

    from edge.store.arrow import StoredBatch

T = TypeVar("T")


class Tables:
    """Every table of the state, through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self.meters = MeterTable(cursor)
        self.documents = DocumentTable(cursor)
        self.modules = ModuleTable(cursor)
        self.consents = ConsentTable(cursor)
        self.evaluations = EvaluationTable(cursor)
        self.actions = ActionTable(cursor)
        self.audit = AuditTable(cursor)


class Transaction(Tables):
    """Tables within one transaction: all of its writes become durable together, or none does."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        super().__init__(cursor)
        self._after_commit: list[Callable[[], object]] = []

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Calls `callback` in the writer's thread once the transaction is durable, before the next one begins."""
        self._after_commit.append(callback)

    def committed(self) -> None:
        """Runs the callbacks, in order."""
        for callback in self._after_commit:
            callback()


class Store:
    """Owns the database. Its coroutines are for the event loop; what is handed to them runs in threads."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer
        self.progress = ProgressTable(engine)
        self.readings = ReadingTable(engine, self.progress)
        self.refused = RefusedTable(engine)
        self.records = RecordReader(engine)
        self.windows = WindowReader(engine)

    @classmethod
    def open(
        cls, folder: Path, key_hex: str, *, memory_bytes_max: int, threads_max: int, write_queue_max: int
    ) -> Store:
        """Opens or creates the store under `folder`.

        Raises:
            StoreError: see `Engine.open`.
        """
        engine = Engine.open(folder, key_hex, memory_bytes_max=memory_bytes_max, threads_max=threads_max)
        return cls(engine, Writer(engine, write_queue_max))

    async def write(self, work: Callable[[Transaction], T], *, urgent: bool = False) -> T:
        """Runs `work` in a transaction of the state and returns what it returned, once that is durable.

        An error in `work` undoes all of it and is raised here.

        Raises:
            LimitError: too much waits to be written.
            StoreError: the database refused.
        """

        def in_transaction(cursor: duckdb.DuckDBPyConnection) -> T:
            transaction = Transaction(cursor)
            cursor.execute("BEGIN")
            result = work(transaction)
            cursor.execute("COMMIT")
            transaction.committed()
            return result

        return await self._writer.run(in_transaction, urgent=urgent)

    async def append_readings(self, batches: Sequence[StoredBatch]) -> None:
        """Stores batches, which hold each spool's readings in ascending sequence; they are durable on return.

        Raises:
            LimitError: too much waits to be written.
            StoreError: the database refused. Some may be stored; none of them follows one of its spool that is not.
        """

        def in_order(cursor: duckdb.DuckDBPyConnection) -> None:
            days = len(self._engine.days())
            self.readings.append(cursor, batches)
            if len(self._engine.days()) > days:
                # Once a day. If it fails the readings are stored all the same, and whoever asks is told where they end.
                self.progress.sum_up(cursor)

        await self._writer.run(in_order, urgent=True)

    async def sum_up_days(self) -> None:
        """Sums up the progress of days that are over, so that a start need not go through their readings.

        Raises:
            LimitError: too much waits to be written.
            StoreError: the database refused.
        """
        await self._writer.run(self.progress.sum_up)

    async def read(self, work: Callable[[Tables], T]) -> T:
        """Runs `work` over a consistent snapshot of the state.

        Raises:
            StoreError: the database refused.
        """
        return await asyncio.to_thread(self.read_now, work)

    def read_now(self, work: Callable[[Tables], T]) -> T:
        """Like `read`, in the calling thread."""
        with self._engine.reading() as cursor:
            cursor.execute("BEGIN")
            result = work(Tables(cursor))
            cursor.execute("COMMIT")
            return result

    def close(self) -> None:
        """Finishes what waits to be written and closes the files."""
        self._writer.close()
        self._engine.close()
