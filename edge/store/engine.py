"""One DuckDB process with encrypted files attached to it.

State is in `edge.duckdb`; readings are in one file a day, so that retention is an unlink. Every file is encrypted
with AES-256-GCM by DuckDB. Writing encrypted files needs the cryptography of the `httpfs` extension, which comes as a
package and is loaded under DuckDB's own signature check; nothing is downloaded.
"""

from __future__ import annotations

import importlib.resources
import re
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from edge.domain.slot import DAY_MS
from edge.errors import Fault, StoreError
from edge.store.failures import open_failure, query_failure
from edge.store.schema import create_day_tables, migrate_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STATE = "state"
_DAY_PREFIX = "day_"
_FILE_SUFFIX = ".duckdb"
_UNFINISHED_SUFFIX = ".new"
_UNFINISHED = "unfinished"


class Engine:
    """Owns the database instance and which files are attached. Cursors of one engine may be used from any thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path, key_hex: str) -> None:
        self._connection = connection
        self._readings = folder / "readings"
        self._key_hex = key_hex
        self._days: set[int] = set()
        self._attaching = threading.Lock()

    @classmethod
    def open(cls, folder: Path, key_hex: str, *, memory_bytes_max: int, threads_max: int) -> Engine:
        """Opens or creates the files under `folder`.

        Args:
            folder: of all files; made if it is not there.
            key_hex: what they are encrypted with, 64 hexadecimal digits.
            memory_bytes_max: of the database's buffers.
            threads_max: of one query.

        Raises:
            StoreError: the folder cannot be written, another process has the files open, or the key is not one.
            StoreCorruptError: a file is damaged, or the key is not the one it was written with.
        """
        _check_key(key_hex)
        try:
            (folder / "readings").mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(f"The data folder {folder} cannot be made: {error.strerror}.") from error
        connection = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "memory_limit": f"{memory_bytes_max // 1024}KiB",
                "threads": str(threads_max),
                "temp_directory": str(folder / "tmp"),
                "temp_file_encryption": "true",
            },
        )
        engine = cls(connection, folder, key_hex)
        try:
            engine._attach_all(folder)
        except BaseException:
            connection.close()  # lets go of the files that were opened before the one that failed
            raise
        return engine

    def _attach_all(self, folder: Path) -> None:
        self._connection.execute(f"LOAD '{extension_file()}'")
        self._attach(folder / f"edge{_FILE_SUFFIX}", STATE, migrate_state)
        for file in sorted((folder / "readings").glob(f"*{_FILE_SUFFIX}")):
            self.attach_day(_day_of_file(file))

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Returns a connection of its own to the same instance; close it after use."""
        return self._connection.cursor()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lends a cursor to read with.

        Raises:
            StoreError: the database refused.
            StoreCorruptError: a file turned out to be damaged.
        """
        cursor = self.cursor()
        try:
            yield cursor
        except duckdb.Error as error:
            raise query_failure(error, "read") from error
        finally:
            cursor.close()

    def attach_day(self, day: int) -> str:
        """Makes the file of a UTC day (days since 1970) usable, creating it if need be; returns its SQL name.

        Raises:
            StoreError: it cannot be opened or made now. Nothing is left over that would stand in the way later.
            StoreCorruptError: it is damaged.
        """
        name = day_name(day)
        with self._attaching:
            if day not in self._days:
                date_text = datetime.fromtimestamp(day * DAY_MS / 1000, tz=UTC).date().isoformat()
                self._attach(self._readings / f"{date_text}{_FILE_SUFFIX}", name, create_day_tables)
                self._days.add(day)
        return name

    def days(self) -> list[int]:
        """Returns the UTC days that there are files of, ascending."""
        with self._attaching:
            return sorted(self._days)

    def close(self) -> None:
        """Writes what is in the logs into the files and lets go of them."""
        with self._attaching:
            for name in [STATE, *(day_name(day) for day in self._days)]:
                self._connection.execute(f"DETACH {name}")
            self._days.clear()
            self._connection.close()

    def _attach(self, file: Path, name: str, make_tables: Callable[[duckdb.DuckDBPyConnection, str], None]) -> None:
        try:
            if not file.exists():
                self._make(file)
            with self._let_go_on_failure(name):
                self._execute_attach(file, name)
                make_tables(self._connection, name)
        except (duckdb.Error, OSError) as error:
            raise open_failure(file, error) from error

    def _make(self, file: Path) -> None:
        """Makes an empty file under another name first: a crash on the way leaves none, not half of one."""
        unfinished = file.with_suffix(_UNFINISHED_SUFFIX)
        unfinished.unlink(missing_ok=True)
        with self._let_go_on_failure(_UNFINISHED):
            self._execute_attach(unfinished, _UNFINISHED)
            self._connection.execute(f"DETACH {_UNFINISHED}")
        unfinished.rename(file)

    @contextmanager
    def _let_go_on_failure(self, name: str) -> Iterator[None]:
        """Within it, what fails leaves `name` free: a disk that is full now may have room at the next attempt."""
        try:
            yield
        except BaseException:
            # Of the two errors the first says what is wrong. A file that stays attached is met by the next attempt.
            with suppress(duckdb.Error):
                self._connection.execute(f"DETACH DATABASE IF EXISTS {name}")
            raise

    def _execute_attach(self, file: Path, name: str) -> None:
        quoted = str(file).replace("'", "''")
        self._connection.execute(f"ATTACH '{quoted}' AS {name} (ENCRYPTION_KEY '{self._key_hex}')")


def day_name(day: int) -> str:
    """Returns the SQL name of a day's file."""
    return f"{_DAY_PREFIX}{day}"


def _check_key(key_hex: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", key_hex):
        raise StoreError(
            "The store's key is not 64 hexadecimal digits.",
            advice="Restore secrets/store.key from a backup; without it the store cannot be read.",
            reason="STORE_KEY_UNUSABLE",
            fault=Fault.OPERATOR,
        )


def _day_of_file(file: Path) -> int:
    try:
        return (date.fromisoformat(file.stem) - date(1970, 1, 1)).days
    except ValueError as error:
        raise StoreError(
            f"{file} is not named after a day.", advice="Move files that are not Edge's out of the data folder."
        ) from error


def extension_file() -> Path:
    """Returns the signed extension without which DuckDB cannot write encrypted files."""
    package = Path(str(importlib.resources.files("duckdb_extension_httpfs")))
    return package / "extensions" / f"v{duckdb.__version__}" / "httpfs.duckdb_extension"
