"""Files under their SQL names in one DuckDB instance."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import duckdb

from edge.store.failures import open_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    MakeTables = Callable[[duckdb.DuckDBPyConnection, str, str], None]

_UNFINISHED_SUFFIX = ".new"
_UNFINISHED = "unfinished"


class Attachments:
    """Attaches encrypted files and lets go of them, one at a time, from any thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, key_hex: str) -> None:
        self._connection = connection
        self._key_hex = key_hex
        self.lock = threading.RLock()

    def attach(self, file: Path, name: str, migrate: MakeTables) -> None:
        """Attaches a file, made if it is not there, and brings its tables up to date.

        Raises:
            StoreError: it cannot be opened or made now, or a newer release wrote it. Nothing is left over that would
                stand in the way later.
            StoreCorruptError: it is damaged.
        """
        try:
            with self.lock:
                if not file.exists():
                    self._make(file)
                with self._let_go_on_failure(name):
                    self._attach(file, name)
                    migrate(self._connection, name, f"The file {file}")
        except (duckdb.Error, OSError) as error:
            raise open_failure(file, error) from error

    def detach(self, name: str) -> None:
        """Lets go of a file, which then holds what was in its log."""
        with self.lock:
            self._connection.execute(f"DETACH DATABASE IF EXISTS {name}")

    def _attach(self, file: Path, name: str) -> None:
        quoted = str(file).replace("'", "''")
        self._connection.execute(f"ATTACH '{quoted}' AS {name} (ENCRYPTION_KEY '{self._key_hex}')")

    def _make(self, file: Path) -> None:
        """Makes an empty file under another name first: a crash on the way leaves none, not half of one."""
        unfinished = file.with_suffix(_UNFINISHED_SUFFIX)
        unfinished.unlink(missing_ok=True)
        with self._let_go_on_failure(_UNFINISHED):
            self._attach(unfinished, _UNFINISHED)
            self.detach(_UNFINISHED)
        unfinished.rename(file)

    @contextmanager
    def _let_go_on_failure(self, name: str) -> Iterator[None]:
        """Within it, what fails leaves `name` free: a disk that is full now may have room at the next attempt."""
        try:
            yield
        except BaseException:
            # Of the two errors the first says what is wrong. A file that stays attached is met by the next attempt.
            with suppress(duckdb.Error):
                self.detach(name)
            raise
