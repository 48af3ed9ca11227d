"""What DuckDB's errors mean to whoever runs the edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from edge.errors import StoreCorruptError, StoreError

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
    return StoreError(f"{file} cannot be opened or made.")


def query_failure(error: duckdb.Error, what: str) -> StoreError:
    """Returns why a read or a write, as `what` says, was refused."""
    if is_damage(error):
        return StoreCorruptError(
            f"The database refused a {what}: a file is damaged.", advice="Restore the data folder from a backup."
        )
    return StoreError(f"The database refused a {what}: {type(error).__name__}.")


def is_damage(error: duckdb.Error | OSError) -> bool:
    """Says whether an error means that a file is damaged."""
    return any(words in str(error) for words in _DAMAGED)
