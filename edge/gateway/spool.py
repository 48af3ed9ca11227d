"""Keeps readings on disk until the edge holds them durably.

The file is a SQLite database with a row for each reading, numbered from 1; no number is used twice. On the wire a
reading's sequence is `base + row`. The base is not known until the edge has said where it stands, and is kept from then
on. So a gateway that lost its spool goes on after what the edge has, instead of being taken for repeating itself.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from edge.errors import EdgeError, Fault
from edge_sdk.wire.v1.meter_pb2 import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

# `EdgS`: marks the file as a spool, so that no other database is taken for one.
_APPLICATION_ID = 0x45646753
_FORMAT = 1
_SCHEMA = (
    "CREATE TABLE reading (row INTEGER PRIMARY KEY AUTOINCREMENT, message BLOB NOT NULL)",
    """CREATE TABLE rejected (
        id INTEGER PRIMARY KEY,
        sequence INTEGER NOT NULL,
        reason TEXT NOT NULL,
        explanation TEXT NOT NULL,
        message BLOB NOT NULL
    )""",
    "CREATE TABLE state (base INTEGER, sent_row INTEGER NOT NULL, dropped INTEGER NOT NULL)",
    "INSERT INTO state VALUES (NULL, 0, 0)",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_FORMAT}",
)
_BUSY_S = 1.0

_ERRORS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("SPOOL_DISK_FULL", "Free disk space; readings are lost until then."),
    sqlite3.SQLITE_READONLY: ("SPOOL_READ_ONLY", "Let the gateway write to the file and its folder."),
    sqlite3.SQLITE_CANTOPEN: (
        "SPOOL_UNAVAILABLE",
        "Check that the folder is there and may be written.",
    ),
    sqlite3.SQLITE_BUSY: (
        "SPOOL_BUSY",
        "Another gateway uses it: stop that, or use another spool.",
    ),
    sqlite3.SQLITE_NOTADB: ("SPOOL_INVALID", "Give the path of a spool, or of a file that does not exist yet."),
    sqlite3.SQLITE_CORRUPT: ("SPOOL_INVALID", "The disk has damaged the file: move it away and start with a new one."),
}


class SpoolError(EdgeError):
    """The spool cannot be used."""

    reason = "SPOOL_FAILED"
    fault = Fault.METER

    def __init__(self, message: str, *, reason: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice or "Check the gateway's disk.")
        self.reason = reason or type(self).reason


@dataclass(frozen=True, slots=True)
class RejectedReading:
    """A reading that the edge refused, and why."""

    reading: Reading
    reason: str
    message: str


class Spool:
    """Readings that wait for the edge. Used from one thread; a second process is kept out.

    At most `readings_max` readings wait; when there are more, the oldest are dropped and counted in `dropped`, for the
    newest tell more about now. As many refused ones are kept.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, readings_max: int) -> None:
        self._connection = connection
        self._path = path
        self._readings_max = readings_max
        self._watchers: list[Callable[[], None]] = []
        state: tuple[int | None, int, int] = connection.execute("SELECT base, sent_row, dropped FROM state").fetchone()
        self._base, self._sent_row, self._dropped = state
        self._pending = int(connection.execute("SELECT count(*) FROM reading").fetchone()[0])

    @classmethod
    def open(cls, path: Path, readings_max: int) -> Self:
        """Opens the spool at `path`; makes an empty one if there is none.

        Raises:
            SpoolError: it cannot be opened or written, is no spool, or another process uses it.
        """
        if readings_max < 1:
            raise ValueError("a spool must hold at least one reading")
        with _translated(path):
            connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
            try:
                _prepare(connection, path)
                return cls(connection, path, readings_max)
            except BaseException:
                connection.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def base(self) -> int | None:
        """What is added to a row for its sequence; None before the first contact with the edge."""
        return self._base

    @property
    def dropped(self) -> int:
        """Readings lost since the spool was made, because it was full."""
        return self._dropped

    def pending(self) -> int:
        """Returns how many readings wait."""
        return self._pending

    def watch(self, callback: Callable[[], None]) -> None:
        """Calls `callback` after each append."""
        self._watchers.append(callback)

    def append(self, readings: Iterable[Reading]) -> None:
        """Adds readings; they are on disk when this returns.

        Raises:
            SpoolError: nothing was added.
        """
        messages = [(reading.SerializeToString(),) for reading in readings]
        if not messages:
            return
        with self._transaction():
            self._connection.executemany("INSERT INTO reading (message) VALUES (?)", messages)
            excess = max(0, self._pending + len(messages) - self._readings_max)
            if excess:
                oldest = "DELETE FROM reading WHERE row IN (SELECT row FROM reading ORDER BY row LIMIT ?)"
                self._connection.execute(oldest, (excess,))
                self._connection.execute("UPDATE state SET dropped = dropped + ?", (excess,))
        self._pending += len(messages) - excess
        self._dropped += excess
        for callback in self._watchers:
            callback()

    def agree(self, durable_sequence: int) -> None:
        """Takes what the edge said on connecting: the last sequence it holds durably. Drops what it has.

        An edge that has more than this spool ever sent has met a later state of it: the file was restored from an old
        copy. What waits now is then numbered after what the edge has, for some of it the edge has never seen.
        """
        if self._base is None or durable_sequence > self._base + self._sent_row:
            self._set_base(durable_sequence)
        else:
            self.acknowledge(durable_sequence)

    def batch(self, after_sequence: int, limit: int) -> list[Reading]:
        """Returns the next readings to send, at most `limit`, in ascending sequence, all greater than `after_sequence`.

        Raises:
            ValueError: before `agree`: no sequence is known.
        """
        base = self._known_base()
        query = "SELECT row, message FROM reading WHERE row > ? ORDER BY row LIMIT ?"
        with _translated(self._path):
            rows = self._connection.execute(query, (after_sequence - base, limit)).fetchall()
        # Noted before it is sent, or else a copy restored later could not be told from this file.
        if rows and rows[-1][0] > self._sent_row:
            with self._transaction():
                self._connection.execute("UPDATE state SET sent_row = ?", (rows[-1][0],))
            self._sent_row = rows[-1][0]
        return [_numbered(message, base + row) for row, message in rows]

    def acknowledge(self, sequence: int) -> None:
        """Forgets every reading up to and including `sequence`, but none that was never sent."""
        last_row = min(sequence - self._known_base(), self._sent_row)
        with self._transaction():
            deleted = self._connection.execute("DELETE FROM reading WHERE row <= ?", (last_row,)).rowcount
        self._pending -= deleted

    def reject(self, sequence: int, reason: str, message: str) -> None:
        """Sets a reading aside that the edge refused; does nothing if it does not wait any more."""
        base = self._known_base()
        move = """INSERT INTO rejected (sequence, reason, explanation, message)
            SELECT ? + row, ?, ?, message FROM reading WHERE row = ?"""
        trim = "DELETE FROM rejected WHERE id <= (SELECT max(id) FROM rejected) - ?"
        with self._transaction():
            self._connection.execute(move, (base, reason, message, sequence - base))
            self._connection.execute(trim, (self._readings_max,))
            deleted = self._connection.execute("DELETE FROM reading WHERE row = ?", (sequence - base,)).rowcount
        self._pending -= deleted

    def rejected(self, limit: int) -> list[RejectedReading]:
        """Returns the readings that the edge refused last, newest first, at most `limit`."""
        query = "SELECT message, sequence, reason, explanation FROM rejected ORDER BY id DESC LIMIT ?"
        with _translated(self._path):
            rows = self._connection.execute(query, (limit,)).fetchall()
        return [RejectedReading(_numbered(message, sequence), *why) for message, sequence, *why in rows]

    def close(self) -> None:
        """Closes the file; what waits stays in it."""
        self._connection.close()

    def _known_base(self) -> int:
        if self._base is None:
            raise ValueError("no sequence is known before the edge has said where it stands")
        return self._base

    def _set_base(self, base: int) -> None:
        with self._transaction():
            self._connection.execute("UPDATE state SET base = ?", (base,))
        self._base = base

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _translated(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk has rolled back already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN EXCLUSIVE")
    identity = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if identity == [0, 0] and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for statement in _SCHEMA:
            connection.execute(statement)
    elif identity != [_APPLICATION_ID, _FORMAT]:
        reason, advice = _ERRORS[sqlite3.SQLITE_NOTADB]
        raise SpoolError(f"{path} is not a spool, or of another version.", reason=reason, advice=advice)
    connection.execute("COMMIT")
    # Last, so that a file that is not a spool is left as it is.
    connection.execute("PRAGMA journal_mode = WAL")


def _numbered(message: bytes, sequence: int) -> Reading:
    reading = Reading.FromString(message)
    reading.sequence = sequence
    return reading


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # The low byte is the primary code: https://www.sqlite.org/rescode.html
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        reason, advice = _ERRORS.get(code, ("", ""))
        raise SpoolError(f"The spool {path} cannot be used: {error}.", reason=reason, advice=advice) from error
