"""What DuckDB's errors mean to whoever runs the edge."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb

from edge.errors import StoreCorruptError, StoreDiskError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

# DuckDB has no class of error for a damaged file: it says so in words, some of them as `IOException`.
_DAMAGED = (
    "AES tag",
    "Corrupt",
    "Could not read enough bytes",
    "Wrong encryption key",
    "not a valid DuckDB database file",
)
_LOCKED = "Could not set lock"
# The system's words for what a disk, a quota or a limit of the process has no room for, and what may not be written.
_FULL = ("No space left on device", "Disk quota exceeded", "File too large")
_READ_ONLY = ("Read-only file system", "Permission denied", "Operation not permitted")
# A file whose changes could not be written into it is given up until it is opened again.
_GIVEN_UP = re.compile(r'atabase "(\w+)".* has been invalidated')
# What the disk, the memory or the moment can be the cause of. A commit that cannot be written is a `Transaction...`.
# One of the binder means that the file or its name is taken within this process. Damage makes a day's file be moved
# away, so whatever may be something else is not called that.
_PASSING = (
    OSError,
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,
    duckdb.BinderException,
)


def open_failure(file: Path, error: duckdb.Error | OSError) -> StoreError:
    """Returns why `file` cannot be opened or made."""
    message = str(error)
    if _LOCKED in message:
        return StoreError(
            f"{file} is open in another process.",
            advice="Stop the other `edge serve` on this data folder first.",
            reason="STORE_LOCKED",
        )
    # Of all else nothing but the content of the file can be the cause.
    if is_damage(error) or not isinstance(error, _PASSING):
        return StoreCorruptError(
            f"The file {file} cannot be read: it is damaged, or was written with another key.",
            advice="Restore secrets/store.key if it was changed, else the data folder: `edge store restore`.",
        )
    return disk_failure(error, f"{file} cannot be opened or made") or StoreError(f"{file} cannot be opened or made.")


def query_failure(error: duckdb.Error, what: str) -> StoreError:
    """Returns why a read or a write, as `what` says, was refused."""
    if is_damage(error):
        return StoreCorruptError(
            f"The database refused a {what}: a file is damaged.", advice="Restore the data folder from a backup."
        )
    refused = f"The database refused a {what}"
    return disk_failure(error, refused) or StoreError(f"{refused}: {type(error).__name__}.")


def disk_failure(error: Exception, what: str) -> StoreDiskError | None:
    """Returns why the disk under the data folder took nothing, if that is what an error says."""
    message = str(error)
    if any(words in message for words in _FULL):
        return StoreDiskError(
            f"{what}: the disk of the data folder is full, or a quota is used up.",
            advice="Free space there. An edge that runs goes on by itself then, and gateways keep their readings.",
        )
    if any(words in message for words in _READ_ONLY):
        return StoreDiskError(
            f"{what}: the data folder may not be written to.",
            advice="Mount its disk for writing (after a check of it, if the system made it read-only), or give the"
            " folder and all in it to the user that the edge runs as.",
            reason="STORE_READ_ONLY",
        )
    return None


def given_up(error: BaseException) -> str | None:
    """Returns the SQL name of the file that DuckDB does not use any more until it is attached anew, or None."""
    found = _GIVEN_UP.search(str(error))
    return found[1] if found else None


def is_damage(error: duckdb.Error | OSError) -> bool:
    """Says whether an error means that a file is damaged."""
    return any(words in str(error) for words in _DAMAGED)
