"""Copies of the store's files for the operator: a backup, still encrypted, or readings as Parquet, in the clear."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

from edge.errors import StoreError
from edge.store.engine import READINGS_FOLDER, ROLLUPS_FOLDER, STATE, STATE_FILE
from edge.store.shelf import FILE_SUFFIX, date_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

    from edge.store.engine import Engine

_CHUNK_BYTES = 1024 * 1024


def copy_out(engine: Engine, cursor: duckdb.DuckDBPyConnection, target: Path) -> list[str]:
    """Copies every file but those set aside to a folder, as of now; returns their names. For the writer's thread.

    Raises:
        StoreError: the folder is in use, or the disk is full.
    """
    for day in engine.rollups.known():
        engine.rollups.open_if_usable(day)
    attached = [STATE, *(shelf.name(day) for shelf in (engine.readings, engine.rollups) for day in shelf.days())]
    for name in attached:
        cursor.execute(f"CHECKPOINT {name}")  # what is in a log is in the file then
    names = _names(engine.folder)
    copy_files(engine.folder, target, names)
    return names


def copy_files(source: Path, target: Path, names: Iterable[str]) -> None:
    """Copies files of a store to a folder that has none; they are on disk on return.

    Raises:
        StoreError: the target has a store already, or the disk is full.
    """
    if (target / STATE_FILE).exists() or any(target.glob(f"*/*{FILE_SUFFIX}*")):
        raise StoreError(f"{target} has a store in it.", advice="Name another folder, or move that one away.")
    try:
        for folder in (READINGS_FOLDER, ROLLUPS_FOLDER):
            (target / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in names:
            with (source / name).open("rb") as read, open(target / name, "xb", opener=_private) as written:
                shutil.copyfileobj(read, written, _CHUNK_BYTES)
                written.flush()
                os.fsync(written.fileno())
    except OSError as error:
        raise StoreError(f"{error.filename or target} cannot be copied: {error.strerror}.") from error


def digest(file: Path) -> str:
    """Returns the SHA-256 of a file, hexadecimal."""
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def export_day(engine: Engine, day: int, target: Path) -> list[str]:
    """Writes a day's readings, and what hangs on them, as Parquet; returns the files' names.

    Raises:
        StoreError: the database refused, or the disk is full.
    """
    written = []
    with engine.reading() as cursor:
        for table in ("readings", "sub_readings", "raw_registers"):
            name = f"{table}-{date_text(day)}.parquet"
            unfinished = target / f"{name}.part"
            unfinished.touch(mode=0o600)
            quoted = str(unfinished).replace("'", "''")
            cursor.execute(
                f"COPY (SELECT * FROM {engine.readings.name(day)}.{table} ORDER BY meter_id, spool_id, sequence)"
                f" TO '{quoted}' (FORMAT parquet, USE_TMP_FILE false)"
            )
            unfinished.rename(target / name)
            written.append(name)
    return written


def _names(folder: Path) -> list[str]:
    days = [
        file for name in (READINGS_FOLDER, ROLLUPS_FOLDER) for file in sorted((folder / name).glob(f"*{FILE_SUFFIX}"))
    ]
    return [STATE_FILE, *(file.relative_to(folder).as_posix() for file in days)]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
