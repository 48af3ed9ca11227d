"""One DuckDB process with encrypted files attached to it.

State is in `edge.duckdb`; readings are in one file a day, so that retention is an unlink, and so are their roll-ups.
Every file is encrypted with AES-256-GCM by DuckDB. Writing encrypted files needs the cryptography of the `httpfs`
extension, which comes as a package and is loaded under DuckDB's own signature check; nothing is downloaded.
"""

from __future__ import annotations

import importlib.resources
import re
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import duckdb

from edge.errors import Fault, StoreCorruptError, StoreError
from edge.store.attachments import Attachments
from edge.store.failures import disk_failure, given_up, is_damage, query_failure
from edge.store.gate import Gate
from edge.store.schema import migrate_day, migrate_rollups, migrate_state
from edge.store.shelf import FILE_SUFFIX, Shelf, date_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

T = TypeVar("T")

STATE = "state"
STATE_FILE = f"edge{FILE_SUFFIX}"
READINGS_FOLDER, ROLLUPS_FOLDER, ASIDE_FOLDER = "readings", "rollups", "set-aside"
_DAY_PREFIX, _ROLLUP_PREFIX = "day_", "rollup_"


class Engine:
    """Owns the database instance and which files are attached. Cursors of one engine may be used from any thread.

    Attributes:
        readings: the files of readings, all of them attached.
        rollups: the files of roll-ups, attached as they are needed.
        gate: keeps files in place while they are read.
        removed_until: the newest day whose readings were removed; neither it nor any before it begins anew.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path, key_hex: str) -> None:
        self._connection = connection
        self.folder = folder
        self.attachments = Attachments(connection, key_hex)
        aside = folder / ASIDE_FOLDER
        self.readings = Shelf(self.attachments, folder / READINGS_FOLDER, aside, _DAY_PREFIX, migrate_day)
        self.rollups = Shelf(self.attachments, folder / ROLLUPS_FOLDER, aside, _ROLLUP_PREFIX, migrate_rollups)
        self.gate = Gate()
        self.removed_until = -1
        self._mend: Callable[[], bool] = lambda: False
        self._given_up: set[str] = set()

    @classmethod
    def open(cls, folder: Path, key_hex: str, *, memory_bytes_max: int, threads_max: int) -> Engine:
        """Opens or creates the files under `folder`. A day's damaged file is set aside; the others are opened.

        Args:
            folder: of all files; made if it is not there.
            key_hex: what they are encrypted with, 64 hexadecimal digits.
            memory_bytes_max: of the database's buffers.
            threads_max: of one query.

        Raises:
            StoreError: the folder cannot be written, another process has the files open, or the key is not one.
            StoreCorruptError: the state file is damaged, or the key is not the one it was written with.
        """
        _check_key(key_hex)
        try:
            for name in (READINGS_FOLDER, ROLLUPS_FOLDER):
                (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            message = f"The data folder {folder} cannot be made"
            raise disk_failure(error, message) or StoreError(f"{message}: {error.strerror}.") from error
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
            engine._open_files()
        except BaseException:
            connection.close()  # lets go of the files that were opened before the one that failed
            raise
        return engine

    def _open_files(self) -> None:
        self._connection.execute(f"LOAD '{extension_file()}'")
        self.attachments.attach(self.folder / STATE_FILE, STATE, migrate_state)
        self.readings.open_folder()
        self.rollups.open_folder()
        for day in self.readings.open_all():
            self.rollups.set_aside(day)
        row = self._connection.execute(f"SELECT coalesce(max(day), -1) FROM {STATE}.removed_days").fetchone()
        self.removed_until = int(row[0]) if row else -1

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Returns a connection of its own to the same instance; close it after use."""
        return self._connection.cursor()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lends a cursor to read with; no file goes away meanwhile.

        Raises:
            StoreError: the database refused.
            StoreCorruptError: a file turned out to be damaged.
        """
        with self.gate.shared():
            cursor = self.cursor()
            try:
                yield cursor
            except duckdb.Error as error:
                self.note_failure(error)
                raise query_failure(error, "read") from error
            finally:
                cursor.close()

    def read_days(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Returns what `work` reads out of the days' files. Where one turns out to be damaged, it is done without it.

        Raises:
            StoreError: the database refused.
            StoreCorruptError: a file is damaged, and cannot be set aside now.
        """
        try:
            with self.reading() as cursor:
                return work(cursor)
        except StoreCorruptError:
            if not self._mend():
                raise
        with self.reading() as cursor:
            return work(cursor)

    def mend_with(self, mend: Callable[[], bool]) -> None:
        """Sets what is done about damage that is met while reading; it returns whether trying again makes sense."""
        self._mend = mend

    def attach_day(self, day: int) -> str:
        """Makes the file of readings of a UTC day (days since 1970) usable; returns its SQL name.

        Raises:
            StoreError: it cannot be opened or made now, or was removed. Nothing is left over that would stand in the
                way later.
            StoreCorruptError: it is damaged.
        """
        if day <= self.removed_until:
            raise StoreError(
                f"The readings of {date_text(day)} were removed meanwhile.",
                advice="Send them again: they are answered one by one then.",
            )
        return self.readings.attach(day)

    def days(self) -> list[int]:
        """Returns the UTC days that there are readings of, ascending.

        Raises:
            StoreError: one of them cannot be read now. Without it, the rest would look like all there is.
        """
        for day in self.readings.unattached():
            raise StoreError(
                f"{self.readings.file(day)} is not open now.", advice="Nothing: the edge tries to open it again."
            )
        return self.readings.days()

    def note_failure(self, error: BaseException) -> None:
        """Notes the file, if there is one, that an error says is to be attached anew."""
        if (name := given_up(error)) is not None:
            self._given_up.add(name)

    def renew(self) -> None:
        """Attaches anew what DuckDB gave up, as it does where a disk is full. For the writer's thread.

        Raises:
            StoreError: a file cannot be opened now, or the files are being read on and on.
        """
        for name in sorted(self._given_up):
            with self.gate.alone():
                if name == STATE:
                    self.attachments.detach(STATE)
                    self.attachments.attach(self.folder / STATE_FILE, STATE, migrate_state)
                for shelf in (self.readings, self.rollups):
                    for day in shelf.days():
                        if shelf.name(day) == name:
                            shelf.detach(day)
            self._given_up.discard(name)
        # Roll-ups are attached when they are needed.
        for day in self.readings.unattached():
            self.readings.attach(day)

    def damaged(self, days: Collection[int] | None = None) -> list[tuple[Shelf, int]]:
        """Goes through the files of all days, or of some, and returns those that cannot be read."""
        with self.gate.shared():
            return [
                (shelf, day)
                for shelf in (self.readings, self.rollups)
                for day in shelf.days()
                if (days is None or day in days) and not self._is_readable(shelf.name(day))
            ]

    def set_aside(self, shelf: Shelf, day: int) -> None:
        """Sets a day's file aside. For the writer's thread.

        Raises:
            StoreError: the files are being read on and on.
        """
        with self.gate.alone():
            shelf.set_aside(day)
            # What was made of readings that are gone would not agree with those that still come.
            self.rollups.set_aside(day)

    def _is_readable(self, name: str) -> bool:
        cursor = self.cursor()
        try:
            tables = cursor.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [name]).fetchall()
            for (table,) in tables:
                cursor.execute(f"SELECT max(COLUMNS(*)) FROM {name}.{table}").fetchall()
        except duckdb.Error as error:
            return not is_damage(error)
        finally:
            cursor.close()
        return True

    def close(self) -> None:
        """Writes what is in the logs into the files and lets go of them."""
        days = [shelf.name(day) for shelf in (self.readings, self.rollups) for day in shelf.days()]
        for name in (*days, STATE):
            # On a disk without room it stays in the log, which is read at the next start.
            with suppress(duckdb.Error):
                self.attachments.detach(name)
        self._connection.close()


def day_name(day: int) -> str:
    """Returns the SQL name of a day's file of readings."""
    return f"{_DAY_PREFIX}{day}"


def _check_key(key_hex: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", key_hex):
        raise StoreError(
            "The store's key is not 64 hexadecimal digits.",
            advice="Restore secrets/store.key from a backup; without it the store cannot be read.",
            reason="STORE_KEY_UNUSABLE",
            fault=Fault.OPERATOR,
        )


def extension_file() -> Path:
    """Returns the signed extension without which DuckDB cannot write encrypted files."""
    package = Path(str(importlib.resources.files("duckdb_extension_httpfs")))
    return package / "extensions" / f"v{duckdb.__version__}" / "httpfs.duckdb_extension"
