"""One reading as its household is shown it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edge.domain.reading import Quality, SubMeterKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.domain.batch import Column, ReadingBatch, SubReadings
    from edge.domain.meter import Meter


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a reading stands among all of a household's: by time, and no two at the same place."""

    time_ms: int
    meter_id: str
    spool_id: str
    sequence: int


@dataclass(frozen=True, slots=True)
class SubMeterReading:
    """What a meter on the M-Bus said, at its own time; None where it said nothing."""

    channel: int
    kind: SubMeterKind
    time_ms: int
    volume_l: int | None
    energy_wh: int | None


@dataclass(frozen=True, slots=True)
class MeterReading:
    """What a meter said.

    Attributes:
        received_ms: when it came.
        registers: by name, of `edge.domain.reading.REGISTERS`; one that was not measured is not there.
        raw: code, value and unit of what has no register.
    """

    place: Place
    received_ms: int
    quality: Quality
    registers: Mapping[str, int]
    sub_readings: tuple[SubMeterReading, ...] = ()
    raw: tuple[tuple[str, str, str], ...] = ()

    def of_own_time(self, meter: Meter) -> MeterReading:
        """Returns it without what a meter on the M-Bus measured when its meter was not the household's own."""
        own = tuple(sub for sub in self.sub_readings if meter.is_own_at(sub.time_ms))
        return self if own == self.sub_readings else replace(self, sub_readings=own)


def reading_of_row(
    batch: ReadingBatch, row: int, meter_id: str, spool_id: str, received_ms: int, quality: int
) -> MeterReading:
    """Returns one reading of a batch, without what has no register."""
    said = {name: _value(column, row) for name, column in batch.registers.items()}
    return MeterReading(
        Place(int(batch.time_ms[row]), meter_id, spool_id, int(batch.sequence[row])),
        received_ms,
        Quality(quality),
        {name: value for name, value in said.items() if value is not None},
        _sub_readings(batch.sub_readings, row) if batch.sub_readings is not None else (),
    )


def _sub_readings(subs: SubReadings, row: int) -> tuple[SubMeterReading, ...]:
    begin, end = np.searchsorted(subs.row, [row, row + 1]).tolist()
    return tuple(
        SubMeterReading(
            int(subs.channel[place]),
            SubMeterKind(int(subs.kind[place])),
            int(subs.time_ms[place]),
            _value(subs.volume_l, place),
            _value(subs.energy_wh, place),
        )
        for place in range(begin, end)
    )


def _value(column: Column, row: int) -> int | None:
    return int(column.values[row]) if column.present is None or column.present[row] else None
