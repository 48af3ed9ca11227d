"""Recordings on disk, apart from everything else.

They hold readings a second time, so they are in encrypted files of their own, one a UTC day of slots: to forget a day
is to unlink its file, and a file that is damaged damages nothing but its day's recordings. What several triggers saw
alike is stored once, under its digest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from edge.domain.recording import Conditions, Recording
from edge.domain.slot import day_of
from edge.store.recording_days import RecordingDays

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

_ROSTER_SAMPLES = 0
_TABLES = """
CREATE TABLE IF NOT EXISTS day.runs (
    trigger_key VARCHAR NOT NULL, slot_ms BIGINT NOT NULL, organization VARCHAR NOT NULL,
    module_digest VARCHAR NOT NULL, roster VARCHAR NOT NULL, windows VARCHAR[] NOT NULL, outcomes BLOB NOT NULL,
    faults BLOB NOT NULL, fuel_total BIGINT NOT NULL, conditions VARCHAR NOT NULL, input_digest VARCHAR NOT NULL,
    PRIMARY KEY (trigger_key, slot_ms)
);
CREATE TABLE IF NOT EXISTS day.blobs (
    digest VARCHAR PRIMARY KEY, rows BIGINT NOT NULL, samples BIGINT NOT NULL, size_bytes BIGINT NOT NULL,
    zstd BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS day.skipped (trigger_key VARCHAR NOT NULL, slot_ms BIGINT NOT NULL);
"""


class Absence(Enum):
    """Why there is no recording of a run."""

    NO_FILE = auto()
    SKIPPED = auto()
    """Its day's file was full."""
    UNKNOWN = auto()


class _Blob(NamedTuple):
    """A row of `blobs`: a window, or a list of households, which has no samples."""

    digest: str
    rows: int
    samples: int
    size_bytes: int
    zstd: bytes


class RecordingFiles:
    """Writes and reads recordings. Used from any thread."""

    def __init__(self, folder: Path, key_hex: str) -> None:
        self._days = RecordingDays(folder, key_hex)

    def write(self, recording: Recording, bytes_per_day_max: int) -> bool:
        """Keeps a recording, durably; returns False if its day's file is full, which is noted there.

        Raises:
            StoreError: the disk or the database refused.
            StoreCorruptError: the day's file is damaged.
        """
        day = day_of(recording.slot_ms)
        roster = json.dumps(recording.households, ensure_ascii=False).encode()
        blobs = [_blob(roster, len(recording.households), _ROSTER_SAMPLES)]
        blobs += [_blob(window.astype("<f8").tobytes(), *window.shape) for window in recording.windows]
        with self._days.open(day) as connection:
            connection.execute(_TABLES)
            new = {blob.digest: blob for blob in blobs if not _is_there(connection, blob.digest)}
            size_bytes = self._days.size_bytes(day) + sum(len(blob.zstd) for blob in new.values())
            connection.execute("BEGIN")
            if size_bytes > bytes_per_day_max:
                connection.execute("INSERT INTO day.skipped VALUES (?, ?)", [recording.trigger_key, recording.slot_ms])
            else:
                for blob in new.values():
                    connection.execute("INSERT INTO day.blobs VALUES (?, ?, ?, ?, ?)", list(blob))
                row = _row(recording, [blob.digest for blob in blobs])
                connection.execute(f"INSERT INTO day.runs VALUES ({', '.join('?' * len(row))})", row)
            connection.execute("COMMIT")
        return size_bytes <= bytes_per_day_max

    def read(self, trigger_key: str, slot_ms: int) -> Recording | Absence:
        """Returns a recording, or why there is none.

        Raises:
            StoreError: the disk or the database refused.
            StoreCorruptError: the day's file is damaged, or what is in it is not what was recorded.
        """
        day = day_of(slot_ms)
        if not self._days.exists(day):
            return Absence.NO_FILE
        where = "WHERE trigger_key = ? AND slot_ms = ?"
        with self._days.open(day) as connection:
            connection.execute(_TABLES)
            row = connection.execute(f"SELECT * FROM day.runs {where}", [trigger_key, slot_ms]).fetchone()
            if row is not None:
                try:
                    return _recording(connection, row)
                except (LookupError, ValueError, TypeError, pa.ArrowException) as error:
                    raise self._days.damaged(day) from error
            skipped = connection.execute(f"SELECT 1 FROM day.skipped {where}", [trigger_key, slot_ms]).fetchone()
        return Absence.SKIPPED if skipped else Absence.UNKNOWN

    def remove_before(self, day: int) -> list[int]:
        """Forgets every UTC day (days since 1970) before `day`; returns which days those were.

        Raises:
            StoreError: a file cannot be unlinked.
        """
        return self._days.remove_before(day)

    def close(self) -> None:
        """Lets go of the files."""
        self._days.close()


def _digest(content: bytes, rows: int, samples: int) -> str:
    # The same bytes as 2 x 3 and as 3 x 2 are two things.
    return hashlib.sha256(f"{rows}x{samples}:".encode() + content).hexdigest()


def _blob(content: bytes, rows: int, samples: int) -> _Blob:
    zstd: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return _Blob(_digest(content, rows, samples), rows, samples, len(content), zstd)


def _is_there(connection: duckdb.DuckDBPyConnection, digest: str) -> bool:
    return connection.execute("SELECT 1 FROM day.blobs WHERE digest = ?", [digest]).fetchone() is not None


def _row(recording: Recording, digests: Sequence[str]) -> list[object]:
    roster, *windows = digests
    return [
        recording.trigger_key,
        recording.slot_ms,
        recording.organization,
        recording.module_digest,
        roster,
        windows,
        recording.outcomes.astype("<i2").tobytes(),
        recording.faults.astype("i1").tobytes(),
        recording.fuel_total,
        json.dumps(asdict(recording.conditions)),
        recording.input_digest,
    ]


def _recording(connection: duckdb.DuckDBPyConnection, row: Sequence[Any]) -> Recording:
    """Returns what a row of `runs` stands for.

    Raises:
        LookupError, ValueError, TypeError, pa.ArrowException: it is damaged.
    """
    key, slot_ms, organization, module, roster, windows, outcomes, faults, fuel_total, conditions, input_digest = row
    households, _ = _content(connection, roster)
    contents = [_content(connection, window) for window in windows]
    return Recording(
        trigger_key=key,
        organization=organization,
        slot_ms=slot_ms,
        module_digest=module,
        households=tuple(json.loads(households)),
        windows=tuple(np.frombuffer(content, "<f8").reshape(shape).astype(np.float64) for content, shape in contents),
        outcomes=np.frombuffer(outcomes, "<i2").astype(np.int16),
        faults=np.frombuffer(faults, "i1").astype(np.int8),
        fuel_total=fuel_total,
        conditions=Conditions(**json.loads(conditions)),
        input_digest=input_digest,
    )


def _content(connection: duckdb.DuckDBPyConnection, digest: str) -> tuple[bytes, tuple[int, int]]:
    """Returns what a digest is of, and its shape."""
    row = connection.execute(
        "SELECT rows, samples, size_bytes, zstd FROM day.blobs WHERE digest = ?", [digest]
    ).fetchone()
    if row is None:
        raise LookupError(digest)
    rows, samples, size_bytes, zstd = row
    try:
        content: bytes = pa.decompress(zstd, decompressed_size=size_bytes, codec="zstd", asbytes=True)
    except OSError as error:  # what pyarrow says of bytes that are no zstd; no disk has to do with it
        raise ValueError(digest) from error
    if _digest(content, rows, samples) != digest:
        raise ValueError(digest)
    return content, (rows, samples)
