"""Rewrites the files of a day that is over: in order, and without the room that was given back inside of them.

A copy is made beside the file and put in its place by a rename. Whatever moment a crash comes at, the file is the old
one or the new one, whole; what is left of a copy is deleted at the next start.
"""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from edge.errors import StoreDiskError, StoreError
from edge.store.shelf import log_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from edge.store.engine import Engine
    from edge.store.rollups import RollupTable
    from edge.store.shelf import Shelf

_COPY = "rewritten"
_ORDERS = ("meter_id", "time_ms", "bucket", "sequence", "span")


@dataclass(frozen=True, slots=True)
class Copy:
    """A day's files, copied.

    Attributes:
        changes: how often the day had been added to before.
        shelves: whose files were copied.
    """

    day: int
    changes: int
    shelves: tuple[Shelf, ...]


class Rewriter:
    """Copies files, one day at a time, and swaps them."""

    def __init__(self, engine: Engine, rollups: RollupTable) -> None:
        self._engine = engine
        self._rollups = rollups
        self._copying = threading.Lock()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._is_closed = False

    def close(self) -> None:
        """Breaks off a copy that is under way, and waits for its thread to be done with the files."""
        self._is_closed = True
        if (cursor := self._cursor) is not None:
            with suppress(duckdb.Error):  # it may have ended just now
                cursor.interrupt()
        with self._copying:
            pass

    def copy(self, day: int) -> Copy:
        """Copies a day's files, as they are now. For a thread of its own: it takes seconds for millions of readings.

        Raises:
            StoreError: the database refused, or the disk is full.
        """
        changes = self._rollups.changes(day)
        with self._copying, self._engine.reading() as cursor:
            self._cursor = cursor
            shelves = tuple(
                shelf for shelf in (self._engine.readings, self._engine.rollups) if shelf.open_if_usable(day)
            )
            _remove_copies(shelves, day)
            try:
                for shelf in shelves:
                    self._copy_file(cursor, shelf, day)
            except BaseException:
                # What is left of it would take the room that readings need.
                _remove_copies(shelves, day)
                raise
            finally:
                self._cursor = None
        return Copy(day, changes, shelves)

    def swap(self, copy: Copy) -> None:
        """Puts copies in the place of the files. For the writer's thread.

        Raises:
            StoreError: the day was added to meanwhile, or is being read; copy it again later.
        """
        if self._rollups.changes(copy.day) != copy.changes:
            raise StoreError("The day was added to while it was rewritten.", advice="Nothing: the edge tries again.")
        for shelf in copy.shelves:
            with self._engine.gate.alone():
                self._drop_log(shelf, copy.day)
                _swap_file(shelf, copy.day)
        self._rollups.forget(copy.day)

    def _drop_log(self, shelf: Shelf, day: int) -> None:
        """Has a log go that DuckDB takes nothing from, as a damaged one: it stays until something is written."""
        if log_of(shelf.file(day)).exists():
            cursor = self._engine.cursor()
            try:
                # The same again, into a file that is about to be replaced. An update to the same would write nothing.
                cursor.execute(f"INSERT INTO {shelf.name(day)}.meta SELECT max(version) FROM {shelf.name(day)}.meta")
            finally:
                cursor.close()

    def _copy_file(self, cursor: duckdb.DuckDBPyConnection, shelf: Shelf, day: int) -> None:
        file = shelf.copy_file(day)
        _check_room(shelf, day)
        shelf.attachments.attach(file, _COPY, shelf.migrate)
        try:
            cursor.execute("BEGIN")
            for table, columns in _tables(cursor, shelf.name(day)).items():
                if self._is_closed:
                    raise StoreError(
                        "The store is closed.", advice="Nothing: the day is rewritten after the next start."
                    )
                order = ", ".join(name for name in _ORDERS if name in columns)
                cursor.execute(
                    f"INSERT INTO {_COPY}.{table} BY NAME SELECT * FROM {shelf.name(day)}.{table} ORDER BY {order}"
                )
            cursor.execute("COMMIT")
        finally:
            shelf.attachments.detach(_COPY)
        _sync(file)


def _remove_copies(shelves: Iterable[Shelf], day: int) -> None:
    for shelf in shelves:
        for file in (log_of(shelf.copy_file(day)), shelf.copy_file(day)):
            file.unlink(missing_ok=True)


def _check_room(shelf: Shelf, day: int) -> None:
    """Returns if the disk has room for a copy: its file, and its log until it is closed.

    Raises:
        StoreDiskError: it has none. Readings that come meanwhile would meet a full disk.
    """
    if _free_bytes(shelf.folder) < 2 * shelf.size_bytes(day):
        raise StoreDiskError(
            f"The disk of the data folder has no room to rewrite {shelf.file(day)}.",
            advice="Free space there. Until then the file stays as it is, and nothing is lost.",
        )


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _tables(cursor: duckdb.DuckDBPyConnection, db: str) -> dict[str, set[str]]:
    """Returns the columns of each table but `meta`, which whoever makes a file fills."""
    rows = cursor.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = ? AND table_name <> 'meta'", [db]
    ).fetchall()
    tables: dict[str, set[str]] = {}
    for table, column in rows:
        tables.setdefault(table, set()).add(column)
    return tables


def _swap_file(shelf: Shelf, day: int) -> None:
    shelf.detach(day)
    try:
        file, copied = shelf.file(day), shelf.copy_file(day)
        if log_of(file).exists() or log_of(copied).exists():
            # A log beside the wrong file would be applied to it.
            raise StoreError(f"{file} could not be closed.", advice="Nothing: the edge tries again.")
        copied.rename(file)
        _sync(file.parent)
    finally:
        shelf.attach(day)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
