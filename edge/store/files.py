"""The days' files as files: how many, how large, and how they come and go. For the writer's thread, but for looking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.store.engine import ASIDE_FOLDER, STATE_FILE
from edge.store.shelf import FILE_SUFFIX, size_bytes

if TYPE_CHECKING:
    from edge.store.engine import Engine
    from edge.store.rollups import RollupTable
    from edge.store.shelf import Shelf


@dataclass(frozen=True, slots=True)
class DayFiles:
    """What there is of one day, as days since 1970.

    Attributes:
        readings_bytes: 0 where there are none, or none any more.
        rollups_bytes: 0 where there are none.
        problem: why its readings cannot be used, or "".
    """

    day: int
    readings_bytes: int
    rollups_bytes: int
    problem: str = ""


class FileKeeper:
    """Looks after files."""

    def __init__(self, engine: Engine, rollups: RollupTable) -> None:
        self._engine = engine
        self._rollups = rollups
        self.is_full = False
        """Whether the files have reached their bound and none may go: then no reading is taken."""

    @property
    def removed_until(self) -> int:
        """The newest day whose readings were removed, or -1. Nothing is taken that belongs to it or before it."""
        return self._engine.removed_until

    def days(self) -> list[DayFiles]:
        """Returns what there is, oldest first."""
        readings, rollups = self._engine.readings, self._engine.rollups
        return [
            DayFiles(day, readings.size_bytes(day), rollups.size_bytes(day), readings.unusable.get(day, ""))
            for day in sorted({*readings.known(), *rollups.known()})
        ]

    def state_bytes(self) -> int:
        """Returns what the state takes on disk."""
        return size_bytes(self._engine.folder / STATE_FILE)

    def total_bytes(self) -> int:
        """Returns what all of it takes on disk, files that were set aside included."""
        of_days = sum(files.readings_bytes + files.rollups_bytes for files in self.days())
        return self.state_bytes() + of_days + sum(self.set_aside().values())

    def set_aside(self) -> dict[str, int]:
        """Returns the files that were set aside, by name, with their size in bytes."""
        folder = self._engine.folder / ASIDE_FOLDER
        return {file.name: size_bytes(file) for file in sorted(folder.glob(f"*{FILE_SUFFIX}"))}

    def damaged(self, newest: int | None = None) -> list[tuple[Shelf, int]]:
        """Goes through every day's file, or those of the newest days, and returns those that cannot be read.

        It takes seconds for millions of readings.
        """
        days = self._engine.readings.known()[-newest:] if newest else None
        return self._engine.damaged(days)

    def put_aside(self, damaged: list[tuple[Shelf, int]]) -> None:
        """Sets files aside.

        Raises:
            StoreError: the files are being read on and on.
        """
        for shelf, day in damaged:
            self._engine.set_aside(shelf, day)
            self._rollups.forget(day)

    def remove_readings(self, day: int) -> None:
        """Deletes a day's file of readings.

        Raises:
            StoreError: it is being read on and on.
        """
        self._engine.removed_until = max(day, self._engine.removed_until)
        with self._engine.gate.alone():
            self._engine.readings.remove(day)

    def remove_rollups(self, day: int) -> None:
        """Deletes a day's file of roll-ups.

        Raises:
            StoreError: it is being read on and on.
        """
        with self._engine.gate.alone():
            self._engine.rollups.remove(day)
        self._rollups.forget(day)
