"""The encrypted files of recordings, one a UTC day, of which one at a time is open."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import duckdb

from edge.domain.slot import DAY_MS
from edge.errors import StoreCorruptError, StoreError
from edge.store.engine import extension_file
from edge.store.failures import open_failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SUFFIX = ".duckdb"
_FILES = f"????-??-??{_SUFFIX}"
_UNFINISHED_SUFFIX = ".new"
_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "64MiB",
    "threads": "1",
    # Nothing here is so large that it would have to be put aside.
    "temp_directory": "",
}


class RecordingDays:
    """Lends a day's file to one caller at a time; the others wait. Used from any thread."""

    def __init__(self, folder: Path, key_hex: str) -> None:
        self._folder = folder
        self._key_hex = key_hex
        # An instance of its own: what a damaged file does to it happens to no other.
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._attached: int | None = None
        self._lock = threading.Lock()

    @contextmanager
    def open(self, day: int) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lends an instance that has the file of a UTC day (days since 1970) attached as `day`; makes a missing one.

        What an error leaves half done is undone, and the next caller begins afresh.

        Raises:
            StoreError: the disk or the database refused.
            StoreCorruptError: the file is damaged.
        """
        with self._lock:
            try:
                yield self._attach(day)
            except (duckdb.Error, OSError) as error:
                self._drop()
                failure = open_failure(self._file(day), error)
                raise (self.damaged(day) if isinstance(failure, StoreCorruptError) else failure) from error
            except BaseException:
                self._drop()
                raise

    def exists(self, day: int) -> bool:
        """Whether there is a file of that day."""
        return self._file(day).exists()

    def size_bytes(self, day: int) -> int:
        """Returns what a day takes on disk once its log is written into its file, which may take twice the log."""
        file, log = (path.stat().st_size if path.exists() else 0 for path in (self._file(day), self._log(day)))
        return file + 2 * log

    def remove_before(self, day: int) -> list[int]:
        """Unlinks the file of every UTC day before `day`; returns which days those were.

        Raises:
            StoreError: a file cannot be unlinked.
        """
        with self._lock:
            found_days = map(_day_of, sorted(self._folder.glob(_FILES)))
            old = [found for found in found_days if found is not None and found < day]
            if self._attached in old:
                self._let_go()
            try:
                for found in old:
                    self._log(found).unlink(missing_ok=True)
                    self._file(found).unlink()
            except OSError as error:
                raise StoreError(f"Recordings under {self._folder} cannot be removed: {error.strerror}.") from error
        return old

    def close(self) -> None:
        """Writes what is in the log into the file and lets go of both."""
        with self._lock:
            self._let_go()
            self._drop()

    def damaged(self, day: int) -> StoreCorruptError:
        """Returns the error that a day's recordings are not what was written."""
        return StoreCorruptError(
            f"The recordings of {_date(day)} are damaged, or were written with another key.",
            advice=f"Move {self._file(day)} away. Only replays of that day are lost.",
            reason="RECORDING_DAMAGED",
        )

    def _attach(self, day: int) -> duckdb.DuckDBPyConnection:
        if self._attached != day:
            self._let_go()
        if self._connection is None:
            self._connection = duckdb.connect(":memory:", config=_CONFIGURATION)
            self._connection.execute(f"LOAD '{extension_file()}'")
        if self._attached is None:
            if not self.exists(day):
                self._make(self._connection, day)
            self._execute_attach(self._connection, self._file(day), "day")
            self._attached = day
        return self._connection

    def _make(self, connection: duckdb.DuckDBPyConnection, day: int) -> None:
        """Makes an empty file under another name first: a crash on the way leaves none, not half of one."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = self._file(day).with_suffix(_UNFINISHED_SUFFIX)
        unfinished.unlink(missing_ok=True)
        self._execute_attach(connection, unfinished, "unfinished")
        connection.execute("DETACH unfinished")
        unfinished.rename(self._file(day))

    def _execute_attach(self, connection: duckdb.DuckDBPyConnection, file: Path, name: str) -> None:
        quoted = str(file).replace("'", "''")
        connection.execute(f"ATTACH '{quoted}' AS {name} (ENCRYPTION_KEY '{self._key_hex}')")

    def _let_go(self) -> None:
        """Detaches the file; of one that cannot be written any more the log still has what was committed."""
        if self._connection is None or self._attached is None:
            return
        try:
            self._connection.execute("DETACH day")
            self._attached = None
        except duckdb.Error:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._attached = None

    def _file(self, day: int) -> Path:
        return self._folder / f"{_date(day)}{_SUFFIX}"

    def _log(self, day: int) -> Path:
        return self._folder / f"{_date(day)}{_SUFFIX}.wal"


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_MS / 1000, tz=UTC).date().isoformat()


def _day_of(file: Path) -> int | None:
    try:
        return (date.fromisoformat(file.stem) - date(1970, 1, 1)).days
    except ValueError:
        return None  # somebody else's
