"""Files of one kind, one a day: which there are, and what became of those that cannot be used."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from edge.domain.slot import DAY_MS
from edge.errors import StoreCorruptError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from edge.store.attachments import Attachments, MakeTables

FILE_SUFFIX = ".duckdb"
LOG_SUFFIX = ".wal"
COPY_SUFFIX = ".rewritten"
_EPOCH = date(1970, 1, 1)


class Shelf:
    """The files in one folder. Used from any thread.

    Args:
        folder: theirs alone.
        aside: where a damaged one is moved to.
        prefix: of their SQL names.
    """

    def __init__(self, attachments: Attachments, folder: Path, aside: Path, prefix: str, migrate: MakeTables) -> None:
        self.attachments = attachments
        self.folder = folder
        self._aside = aside
        self._prefix = prefix
        self.migrate = migrate
        self._attached: set[int] = set()
        self._there: set[int] = set()
        self.unusable: dict[int, str] = {}
        """Days whose file was written by a newer release, and what was said about it. The file is left alone."""
        self._lock = attachments.lock

    def open_folder(self) -> None:
        """Takes stock of the folder.

        Raises:
            StoreError: a file is not named after a day.
        """
        with self._lock:
            for unfinished in self.folder.glob(f"*{COPY_SUFFIX}*"):
                unfinished.unlink()
            self._there = {_day_of_file(file) for file in self.folder.glob(f"*{FILE_SUFFIX}")}

    def open_all(self) -> list[int]:
        """Attaches every file. A damaged one is set aside, one of a newer release left alone: others stay usable.

        Returns:
            The days whose file was set aside.

        Raises:
            StoreError: a file cannot be opened for a reason that does not lie in it.
        """
        days = self.known()
        for day in days:
            self.open_if_usable(day)
        return sorted(set(days) - set(self.known()))

    def open_if_usable(self, day: int) -> str | None:
        """Attaches a day's file if there is one that can be used; returns its SQL name, or None.

        Raises:
            StoreError: it cannot be opened for a reason that does not lie in it.
        """
        with self._lock:
            if day not in self._there or day in self.unusable:
                return None
            try:
                return self.attach(day)
            except StoreCorruptError:
                self.set_aside(day)
            except StoreError as error:
                if error.reason != "STORE_TOO_NEW":
                    raise
                self.unusable[day] = error.message
        return None

    def attach(self, day: int) -> str:
        """Makes the file of a UTC day (days since 1970) usable, creating it if need be; returns its SQL name.

        Raises:
            StoreError: it cannot be opened or made now, or was written by a newer release.
            StoreCorruptError: it is damaged.
        """
        name = self.name(day)
        with self._lock:
            if day not in self._attached:
                self.attachments.attach(self.file(day), name, self.migrate)
                self._attached.add(day)
                self._there.add(day)
        return name

    def days(self) -> list[int]:
        """Returns the days whose files are attached, ascending."""
        with self._lock:
            return sorted(self._attached)

    def known(self) -> list[int]:
        """Returns the days that there are files of, ascending, whether they are attached or not."""
        with self._lock:
            return sorted(self._there)

    def name(self, day: int) -> str:
        """Returns the SQL name of a day's file."""
        return f"{self._prefix}{day}"

    def file(self, day: int) -> Path:
        """Returns where a day's file is."""
        return self.folder / f"{date_text(day)}{FILE_SUFFIX}"

    def copy_file(self, day: int) -> Path:
        """Returns where a day's file is rewritten to before it takes the file's place."""
        return self.file(day).with_suffix(COPY_SUFFIX)

    def size_bytes(self, day: int) -> int:
        """Returns what a day's file and its log take on disk."""
        return size_bytes(self.file(day))

    def detach(self, day: int) -> None:
        """Lets go of a day's file, which stays where it is. Nobody may be reading."""
        with self._lock:
            self.attachments.detach(self.name(day))
            self._attached.discard(day)

    def unattached(self) -> list[int]:
        """Returns the days whose file can be used and is not attached, ascending."""
        with self._lock:
            return sorted(self._there - self._attached - self.unusable.keys())

    def remove(self, day: int) -> None:
        """Deletes a day's file. Nobody may be reading."""
        with self._lock:
            self.detach(day)
            # The log first: alone it would be taken for that of a new file of the day.
            log_of(self.file(day)).unlink(missing_ok=True)
            self.file(day).unlink(missing_ok=True)
            self._there.discard(day)

    def set_aside(self, day: int) -> None:
        """Moves a day's file, if there is one, with its log to where it is in nobody's way. Nobody may be reading."""
        with self._lock:
            if day not in self._there:
                return
            self.detach(day)
            file = self.file(day)
            self._aside.mkdir(exist_ok=True, mode=0o700)
            target = self._free_name(f"{self.folder.name}-{file.stem}")
            # The log first, for the same reason as above.
            if log_of(file).exists():
                log_of(file).rename(log_of(target))
            file.rename(target)
            self._there.discard(day)

    def _free_name(self, stem: str) -> Path:
        number = 1
        while (target := self._aside / f"{stem}-{number}{FILE_SUFFIX}").exists():
            number += 1
        return target


def date_text(day: int) -> str:
    """Returns a day, as days since 1970, as YYYY-MM-DD."""
    return datetime.fromtimestamp(day * DAY_MS / 1000, tz=UTC).date().isoformat()


def size_bytes(file: Path) -> int:
    """Returns what a file and its log take on disk; 0 if they are gone, also just now."""
    size = 0
    for path in (file, log_of(file)):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def log_of(file: Path) -> Path:
    """Returns where DuckDB keeps the write-ahead log of a file."""
    return file.with_name(file.name + LOG_SUFFIX)


def _day_of_file(file: Path) -> int:
    try:
        return (date.fromisoformat(file.stem) - _EPOCH).days
    except ValueError as error:
        raise StoreError(
            f"{file} is not named after a day.", advice="Move files that are not Edge's out of the data folder."
        ) from error
