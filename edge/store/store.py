"""The store's face: transactions over the state, snapshots for reading, and the files of readings."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import duckdb

from edge.errors import StoreCorruptError
from edge.store.actions import ActionTable
from edge.store.audit import AuditTable
from edge.store.consents import ConsentTable
from edge.store.copies import copy_out, export_day
from edge.store.documents import DocumentTable
from edge.store.engine import Engine, day_name
from edge.store.evaluations import EvaluationTable
from edge.store.failures import is_damage
from edge.store.files import FileKeeper
from edge.store.health import HealthTable
from edge.store.history import HistoryReader
from edge.store.housekeeping import HousekeepingTable
from edge.store.meters import MeterTable
from edge.store.modules import ModuleTable
from edge.store.organizations import OrganizationTable
from edge.store.pages import PageReader
from edge.store.progress import ProgressTable
from edge.store.readings import ReadingTable
from edge.store.recordings import RecordingFiles
from edge.store.records import RecordReader
from edge.store.refused import RefusedTable
from edge.store.rewrite import Copy, Rewriter
from edge.store.rollups import RollupTable
from edge.store.shadows import ShadowTable
from edge.store.windows import WindowReader
from edge.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from edge.store.arrow import StoredBatch
    from edge.store.housekeeping import RemovedDay

T = TypeVar("T")


class Tables:
    """Every table of the state, through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self.meters = MeterTable(cursor)
        self.documents = DocumentTable(cursor)
        self.modules = ModuleTable(cursor)
        self.organizations = OrganizationTable(cursor)
        self.health = HealthTable(cursor)
        self.consents = ConsentTable(cursor)
        self.evaluations = EvaluationTable(cursor)
        self.shadows = ShadowTable(cursor)
        self.actions = ActionTable(cursor)
        self.audit = AuditTable(cursor)
        self.housekeeping = HousekeepingTable(cursor)


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

    def __init__(self, engine: Engine, writer: Writer, recordings: RecordingFiles) -> None:
        self._engine = engine
        self._writer = writer
        self.recordings = recordings
        self.progress = ProgressTable(engine)
        self.rollups = RollupTable(engine)
        self.readings = ReadingTable(engine, self.progress, self.rollups)
        self.refused = RefusedTable(engine)
        self.records = RecordReader(engine)
        self.windows = WindowReader(engine)
        self.history = HistoryReader(engine, self.windows)
        self.pages = PageReader(engine)
        self.files = FileKeeper(engine, self.rollups)
        self._rewriter = Rewriter(engine, self.rollups)
        engine.mend_with(self._mend)

    @classmethod
    def open(
        cls, folder: Path, key_hex: str, *, memory_bytes_max: int, threads_max: int, write_queue_max: int
    ) -> Store:
        """Opens or creates the store under `folder`.

        Raises:
            StoreError: see `Engine.open`.
        """
        engine = Engine.open(folder, key_hex, memory_bytes_max=memory_bytes_max, threads_max=threads_max)
        return cls(engine, Writer(engine, write_queue_max), RecordingFiles(folder / "recordings", key_hex))

    async def write(self, work: Callable[[Transaction], T], *, urgent: bool = False) -> T:
        """Runs `work` in a transaction of the state and returns what it returned, once that is durable.

        An error in `work` undoes all of it and is raised here.

        Raises:
            LimitError: too much waits to be written.
            StoreError: the database refused.
        """
        return await self._writer.run(lambda cursor: _in_transaction(cursor, work), urgent=urgent)

    async def append_readings(self, batches: Sequence[StoredBatch]) -> None:
        """Stores batches, which hold each spool's readings in ascending sequence; they are durable on return.

        Raises:
            LimitError: too much waits to be written.
            StoreError: the database refused. Some may be stored; none of them follows one of its spool that is not.
        """

        def in_order(cursor: duckdb.DuckDBPyConnection) -> None:
            days = len(self._engine.days())
            try:
                self.readings.append(cursor, batches)
            except duckdb.Error as error:
                # These fail; but those that are sent again meet a file that can be written.
                if is_damage(error):
                    with suppress(duckdb.Error):  # nothing had begun
                        cursor.execute("ROLLBACK")
                    self.files.put_aside(self.files.damaged(newest=2) or self.files.damaged())
                raise
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
        await self._mended(self.progress.sum_up)

    async def remove_readings(self, day: int, now_ms: int, note: Callable[[Transaction, RemovedDay], None]) -> None:
        """Removes a day's readings, once its roll-ups are complete. From then on the day takes no more.

        Args:
            day: which.
            now_ms: the time, for the record.
            note: writes what has to be written with it, in one transaction.

        Raises:
            LimitError: too much waits to be written.
            StoreError: the database refused, or the file is being read; try again.
        """

        def remove(cursor: duckdb.DuckDBPyConnection) -> None:
            if day not in HousekeepingTable(cursor).removed_days():
                self.rollups.complete(cursor, day)
                db = day_name(day)
                _in_transaction(
                    cursor,
                    lambda transaction: note(transaction, transaction.housekeeping.note_removed(day, db, now_ms)),
                )
            self.files.remove_readings(day)

        await self._mended(remove)

    async def rewrite_day(self, day: int, now_ms: int) -> None:
        """Rewrites a day's files, so that they take less room and are quicker to read.

        Raises:
            LimitError: too much waits to be written.
            StoreError: the database refused, the day was added to meanwhile, or is being read; try again.
        """
        copy = await asyncio.to_thread(self._copied, day)
        if copy is None:
            return

        def swap(cursor: duckdb.DuckDBPyConnection) -> None:
            self._rewriter.swap(copy)
            HousekeepingTable(cursor).note_rewritten(day, now_ms)

        await self._writer.run(swap)

    async def copy_out(self, target: Path) -> list[str]:
        """Copies every file but those set aside to a folder, as of one moment; returns their names.

        Raises:
            LimitError: too much waits to be written.
            StoreError: the folder has a store, or cannot be written.
        """
        return await self._writer.run(lambda cursor: copy_out(self._engine, cursor, target))

    def export_day(self, day: int, target: Path) -> list[str]:
        """Writes a day's readings as Parquet into a folder, in the clear; returns the files' names.

        Raises:
            StoreError: the database refused, or the disk is full.
        """
        return export_day(self._engine, day, target)

    async def change_files(self, work: Callable[[FileKeeper], T]) -> T:
        """Runs `work` in the writer's thread.

        Raises:
            LimitError: too much waits to be written.
            StoreError: a file could not be changed.
        """
        return await self._writer.run(lambda _: work(self.files))

    async def roll_up(self, until_ms: int, busy: Collection[int] = ()) -> bool:
        """Rolls up some of what was over at `until_ms`, but of days that are `busy`; returns whether more is left.

        Raises:
            LimitError: too much waits to be written.
            StoreError: the database refused.
        """
        return await self._mended(lambda cursor: self.rollups.make(cursor, until_ms, busy))

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

    async def _mended(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Has the writer do `work`, and do it again without the day that turned out to be damaged."""
        try:
            return await self._writer.run(work)
        except StoreCorruptError:
            if not await asyncio.to_thread(self._mend):
                raise
        return await self._writer.run(work)

    def _copied(self, day: int) -> Copy | None:
        """Copies a day to rewrite it; None if it turned out to be damaged, and was set aside."""
        try:
            return self._rewriter.copy(day)
        except StoreCorruptError:
            if not self._mend():
                raise
        return None

    def _mend(self) -> bool:
        """Sets damaged files aside, from any thread but the writer's; returns whether there were any."""
        damaged = self.files.damaged()
        if damaged:
            self._writer.submit(lambda _: self.files.put_aside(damaged), urgent=True).result()
        return bool(damaged)

    def close(self) -> None:
        """Finishes what waits to be written and closes the files."""
        self._rewriter.close()
        self._writer.close()
        self._engine.close()
        self.recordings.close()


def _in_transaction(cursor: duckdb.DuckDBPyConnection, work: Callable[[Transaction], T]) -> T:
    transaction = Transaction(cursor)
    cursor.execute("BEGIN")
    result = work(transaction)
    cursor.execute("COMMIT")
    transaction.committed()
    return result
