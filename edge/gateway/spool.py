"""Keeps readings on disk until the edge holds them durably.

The file is a SQLite database with a row for each reading, numbered from 1; no number is used twice. The edge counts by
spool: each has a random id, made with the file and kept in it. So a new file needs nothing from the one before it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from edge.gateway.spool_error import SpoolCopyError, error_of, translated
from edge_sdk.wire.v1.meter_pb2 import Reading

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

# `EdgS`: marks the file as a spool, so that no other database is taken for one.
_APPLICATION_ID = 0x45646753
_FORMAT = 1
_READING_TABLE = "CREATE TABLE reading (sequence INTEGER PRIMARY KEY AUTOINCREMENT, message BLOB NOT NULL)"
_SCHEMA = (
    _READING_TABLE,
    """CREATE TABLE rejected (
        id INTEGER PRIMARY KEY,
        sequence INTEGER NOT NULL,
        reason TEXT NOT NULL,
        explanation TEXT NOT NULL,
        message BLOB NOT NULL
    )""",
    # `sent` is the highest sequence that the edge may have; `dropped` and `refused` count since the file was made.
    "CREATE TABLE state (id TEXT NOT NULL, sent INTEGER NOT NULL, dropped INTEGER NOT NULL, refused INTEGER NOT NULL)",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_FORMAT}",
)
_BUSY_S = 1.0
_REFUSED_KEPT_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the edge said of a reading that it refused."""

    sequence: int
    reason: str
    message: str


class Spool:
    """Readings that wait for the edge. Used from one thread; a second process is kept out.

    At most `readings_max` readings wait; when there are more, the oldest are dropped and counted in `dropped`, for the
    newest tell more about now. Of the refused ones the newest thousand are kept.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, readings_max: int) -> None:
        self._connection = connection
        self._path = path
        self._readings_max = readings_max
        self._watchers: list[Callable[[], None]] = []
        state: tuple[str, int, int, int] = connection.execute("SELECT id, sent, dropped, refused FROM state").fetchone()
        self._id, self._sent, self._dropped, self._refused = state
        self._pending = int(connection.execute("SELECT count(*) FROM reading").fetchone()[0])

    @classmethod
    def open(cls, path: Path, readings_max: int, random_source: random.Random) -> Self:
        """Opens the spool at `path`; makes an empty one, with an id from `random_source`, if there is none.

        Raises:
            SpoolError: it cannot be opened or written, is no spool, or another process uses it.
        """
        if readings_max < 1:
            raise ValueError("a spool must hold at least one reading")
        # SQLite would open it for reading, and fail later with a less clear word.
        if path.is_file() and not os.access(path, os.W_OK, effective_ids=True):
            raise error_of(sqlite3.SQLITE_READONLY, f"The spool {path} cannot be written.")
        with translated(path):
            connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
            try:
                _prepare(connection, path, random_source)
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
    def id(self) -> str:
        """Tells this spool from every other one: 32 lower-case hexadecimal characters."""
        return self._id

    @property
    def dropped(self) -> int:
        """Readings lost since the file was made, because it was full."""
        return self._dropped

    @property
    def refused(self) -> int:
        """Readings that the edge has refused since the file was made."""
        return self._refused

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
                oldest = (
                    "DELETE FROM reading WHERE sequence IN (SELECT sequence FROM reading ORDER BY sequence LIMIT ?)"
                )
                self._connection.execute(oldest, (excess,))
                self._connection.execute("UPDATE state SET dropped = dropped + ?", (excess,))
        self._pending += len(messages) - excess
        self._dropped += excess
        for callback in self._watchers:
            callback()

    def verdict_sequence(self) -> int:
        """Returns the last sequence that is settled: what was sent up to it is stored by the edge, or set aside here.

        Raises:
            SpoolError: the disk failed.
        """
        with translated(self._path):
            first = self._connection.execute("SELECT min(sequence) FROM reading").fetchone()[0]
        return self._sent if first is None else min(self._sent, first - 1)

    def agree(self, durable_sequence: int, random_source: random.Random, refusals: Iterable[Refusal] = ()) -> None:
        """Takes what the edge said on connecting: the last sequence of this spool that it has. Drops what it has.

        `refusals` are those of what it has that were not heard of before.

        An edge that has more than was ever sent from here has met a later state of this file: this one was restored
        from a backup, or its disk is a copy. What waits in it may be new to the edge whatever its numbers say. So it
        becomes a new spool: another id, and what waits numbered from 1.

        Raises:
            SpoolCopyError: that has happened; connect again.
        """
        if durable_sequence <= self._sent:
            self.acknowledge(durable_sequence, refusals)
            return
        outdated, sent = self._id, self._sent
        self._renew(random_source)
        raise SpoolCopyError(
            f"The spool {self._path} is an old copy: the edge has {durable_sequence} readings of it, and only {sent} "
            f"were sent from here. What waits, {self._pending} readings, is sent anew; the edge may have some already.",
            advice="If the other copy still runs, of a cloned disk for instance, stop it: a meter has one gateway. "
            f"The spool was {outdated} and is {self._id} now.",
        )

    def batch(self, after_sequence: int, limit: int) -> list[Reading]:
        """Returns the next readings to send, at most `limit`, in ascending sequence, all greater than `after_sequence`.

        Raises:
            SpoolError: the disk failed, or has damaged a reading.
        """
        query = "SELECT message, sequence FROM reading WHERE sequence > ? ORDER BY sequence LIMIT ?"
        with translated(self._path):
            rows = self._connection.execute(query, (after_sequence, limit)).fetchall()
            readings = [_numbered(*row) for row in rows]
        # Noted before it is sent, or else a copy restored later could not be told from this file.
        if readings and readings[-1].sequence > self._sent:
            with self._transaction():
                self._connection.execute("UPDATE state SET sent = ?", (readings[-1].sequence,))
            self._sent = readings[-1].sequence
        return readings

    def acknowledge(self, sequence: int, refusals: Iterable[Refusal] = ()) -> None:
        """Forgets every reading up to and including `sequence`, but none that was never sent.

        Of those, the ones that the edge refused are set aside with what it said; one that waits no more is passed over.
        """
        last = min(sequence, self._sent)
        move = """INSERT INTO rejected (sequence, reason, explanation, message)
            SELECT sequence, ?, ?, message FROM reading WHERE sequence = ?"""
        with self._transaction():
            refused = sum(
                self._connection.execute(move, (refusal.reason, refusal.message, refusal.sequence)).rowcount
                for refusal in refusals
                if refusal.sequence <= last
            )
            if refused:
                trim = "DELETE FROM rejected WHERE id <= (SELECT max(id) FROM rejected) - ?"
                self._connection.execute(trim, (_REFUSED_KEPT_MAX,))
                self._connection.execute("UPDATE state SET refused = refused + ?", (refused,))
            deleted = self._connection.execute("DELETE FROM reading WHERE sequence <= ?", (last,)).rowcount
        self._pending -= deleted
        self._refused += refused

    def refused_readings(self, limit: int) -> list[tuple[Reading, Refusal]]:
        """Returns the readings that the edge refused last, newest first, at most `limit`."""
        query = "SELECT message, sequence, reason, explanation FROM rejected ORDER BY id DESC LIMIT ?"
        with translated(self._path):
            rows = self._connection.execute(query, (limit,)).fetchall()
            return [
                (_numbered(message, sequence), Refusal(sequence, reason, text))
                for message, sequence, reason, text in rows
            ]

    def close(self) -> None:
        """Closes the file; what waits stays in it."""
        self._connection.close()

    def _renew(self, random_source: random.Random) -> None:
        spool_id = _new_id(random_source)
        with self._transaction():
            self._connection.execute("ALTER TABLE reading RENAME TO former")
            self._connection.execute(_READING_TABLE)
            self._connection.execute("INSERT INTO reading (message) SELECT message FROM former ORDER BY sequence")
            self._connection.execute("DROP TABLE former")
            self._connection.execute("UPDATE state SET id = ?, sent = 0", (spool_id,))
        self._id, self._sent = spool_id, 0

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with translated(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException as error:
                # A full disk has rolled back already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE):
                    self._make_room()
                raise

    def _make_room(self) -> None:
        # The log holds every page as often as it was written. Without it the next attempt may succeed, also one that
        # sends what waits and so frees more.
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _new_id(random_source: random.Random) -> str:
    return f"{random_source.getrandbits(128):032x}"


def _prepare(connection: sqlite3.Connection, path: Path, random_source: random.Random) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN EXCLUSIVE")
    identity = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if identity == [0, 0] and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO state VALUES (?, 0, 0, 0)", (_new_id(random_source),))
    elif identity != [_APPLICATION_ID, _FORMAT]:
        raise error_of(sqlite3.SQLITE_NOTADB, f"{path} is not a spool, or of another version.")
    connection.execute("COMMIT")
    # Last, so that a file that is not a spool is left as it is.
    connection.execute("PRAGMA journal_mode = WAL")


def _numbered(message: bytes, sequence: int) -> Reading:
    reading = Reading.FromString(message)
    reading.sequence = sequence
    return reading
