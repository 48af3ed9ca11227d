"""What can be wrong with a spool: whose fault it is, and what to do."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from edge.errors import EdgeError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DISK_FULL = "SPOOL_DISK_FULL"
"""The one reason that goes away by itself: readings that are sent make room, and so does whoever tidies the disk."""

_FULL = (DISK_FULL, "Free disk space on the gateway; if there is some, raise its quota or see to its disk.")
_ERRORS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: _FULL,
    # So a quota or a limit on the file's size shows itself. The cure is the same, and so is the patience.
    sqlite3.SQLITE_IOERR_WRITE: _FULL,
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
    default_advice = "Check the gateway's disk."

    def __init__(self, message: str, *, reason: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.reason = reason or type(self).reason


class SpoolCopyError(SpoolError):
    """The edge has more of this spool than was ever sent from this file: it is an old copy of the spool."""

    reason = "SPOOL_OLD_COPY"


def error_of(code: int, message: str) -> SpoolError:
    """Returns the error for a result code of SQLite, extended or primary."""
    # The low byte is the primary code: https://www.sqlite.org/rescode.html
    reason, advice = _ERRORS.get(code) or _ERRORS.get(code & 0xFF, ("", ""))
    return SpoolError(message, reason=reason, advice=advice)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Within it, what SQLite and damaged readings raise becomes a `SpoolError`."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        raise error_of(code, f"The spool {path} cannot be used: {error}.") from error
    except DecodeError as error:
        raise error_of(sqlite3.SQLITE_CORRUPT, f"The spool {path} holds a damaged reading.") from error
