"""Readings of one spool as columns: what is done to one is done to all of them at once.

A number for a reading that lacks the register is 0 in `values` and False in `present`: absent is not zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One register of every reading.

    Attributes:
        values: of each reading; 0 where it is absent.
        present: whether each has it; None if every one does.
    """

    values: Integers
    present: Flags | None = None

    def select(self, rows: Integers | slice) -> Column:
        """Returns the column of some of the readings."""
        return Column(self.values[rows], None if self.present is None else self.present[rows])

    def has(self) -> Flags:
        """Returns whether each reading has it."""
        return np.ones(self.values.size, np.bool_) if self.present is None else self.present


@dataclass(frozen=True, slots=True, eq=False)
class SubReadings:
    """What meters on the M-Bus said, each with its own time.

    Attributes:
        row: which reading of the batch each stands in, never descending.
    """

    row: Integers
    channel: Integers
    kind: Integers
    time_ms: Integers
    volume_l: Column
    energy_wh: Column

    def select(self, chosen: Flags, row: Integers) -> SubReadings:
        """Returns the chosen ones, with the rows they stand in from now on."""
        places = np.flatnonzero(chosen)
        return SubReadings(
            row,
            self.channel[places],
            self.kind[places],
            self.time_ms[places],
            self.volume_l.select(places),
            self.energy_wh.select(places),
        )


@dataclass(frozen=True, slots=True, eq=False)
class RawRegisters:
    """Registers as the meter said them.

    Attributes:
        row: which reading of the batch each stands in, never descending.
        texts: of each its OBIS code, its value and its unit.
    """

    row: Integers
    texts: tuple[tuple[str, str, str], ...]

    def select(self, chosen: Flags, row: Integers) -> RawRegisters:
        """Returns the chosen ones, with the rows they stand in from now on."""
        return RawRegisters(row, tuple(self.texts[place] for place in np.flatnonzero(chosen)))


@dataclass(frozen=True, slots=True, eq=False)
class ReadingBatch:
    """What a meter's registers said, at each of several instants.

    Attributes:
        sequence: numbers them within their spool.
        time_ms: unix ms, UTC.
        registers: by name, of `edge.domain.reading.REGISTERS`; one that no reading has is not there.
        sub_readings: None if there are none; so `raw`.
        overfull: rows of readings that came with more phases than there are.
    """

    sequence: Integers
    time_ms: Integers
    registers: Mapping[str, Column] = field(default_factory=dict)
    sub_readings: SubReadings | None = None
    raw: RawRegisters | None = None
    overfull: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many readings."""
        return int(self.sequence.size)

    def select(self, rows: Integers | slice) -> ReadingBatch:
        """Returns some of the readings; `rows` ascend."""
        # Whatever hangs on a reading is found by the reading's new row, -1 if it is not chosen.
        new = np.full(self.size, -1, np.int64)
        new[rows] = np.arange(new[rows].size)
        sub, raw = self.sub_readings, self.raw
        return ReadingBatch(
            self.sequence[rows],
            self.time_ms[rows],
            {name: column.select(rows) for name, column in self.registers.items()},
            None if sub is None else sub.select((moved := new[sub.row]) >= 0, moved[moved >= 0]),
            None if raw is None else raw.select((moved := new[raw.row]) >= 0, moved[moved >= 0]),
            tuple(int(new[row]) for row in self.overfull if new[row] >= 0),
        )

    def check_ascending(self) -> None:
        """Returns if the sequences begin at 1 or more and ascend.

        Raises:
            InvalidRequestError: they do not.
        """
        before = np.concatenate(([0], self.sequence[:-1]))
        wrong = np.flatnonzero(self.sequence <= before)
        if wrong.size:
            row = wrong[0]
            raise InvalidRequestError(
                f"Sequence {int(self.sequence[row])} after {int(before[row])}: sequences of a batch begin at 1, ascend "
                "and stay below 2^63.",
                advice="Send each spool's readings in order.",
                reason="SEQUENCE_NOT_ASCENDING",
            )
