"""Readings one by one, as tests write them, and the batches that the edge makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from edge.domain.batch import Column, RawRegisters, ReadingBatch, SubReadings
from edge.domain.reading import OF_PHASE, PHASES_MAX, REGISTERS, Quality, SubMeterKind, phase_register
from edge.store.arrow import Refused, StoredBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge.domain.spool import Spool


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase; None where nothing was measured."""

    power_import_w: int | None = None
    power_export_w: int | None = None
    voltage_dv: int | None = None
    current_ma: int | None = None
    voltage_sags: int | None = None
    voltage_swells: int | None = None


@dataclass(frozen=True, slots=True)
class SubReading:
    """What a meter on the M-Bus said."""

    channel: int
    kind: SubMeterKind
    time_ms: int
    volume_l: int | None = None
    energy_wh: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading; None where nothing was measured."""

    sequence: int
    time_ms: int
    energy_import_t1_wh: int | None = None
    energy_import_t2_wh: int | None = None
    energy_import_wh: int | None = None
    energy_export_t1_wh: int | None = None
    energy_export_t2_wh: int | None = None
    energy_export_wh: int | None = None
    tariff: int | None = None
    power_import_w: int | None = None
    power_export_w: int | None = None
    phases: tuple[Phase, ...] = ()
    power_failures: int | None = None
    long_power_failures: int | None = None
    demand_w: int | None = None
    peak_demand_w: int | None = None
    sub_readings: tuple[SubReading, ...] = ()
    raw: tuple[tuple[str, str, str], ...] = ()

    def value(self, register: str) -> int | None:
        """Returns what a register of `REGISTERS` says."""
        if register[0] == "l" and register[1].isdigit():
            phase = int(register[1]) - 1
            return getattr(self.phases[phase], register[3:]) if phase < len(self.phases) else None
        value: int | None = getattr(self, register)
        return value

    @property
    def total_import_wh(self) -> int | None:
        """The import counter over all tariffs."""
        return _total(self.energy_import_wh, self.energy_import_t1_wh, self.energy_import_t2_wh)

    @property
    def total_export_wh(self) -> int | None:
        """The export counter over all tariffs."""
        return _total(self.energy_export_wh, self.energy_export_t1_wh, self.energy_export_t2_wh)


def _total(total: int | None, *tariffs: int | None) -> int | None:
    if total is not None:
        return total
    known = [value for value in tariffs if value is not None]
    return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class StoredReading:
    """A reading on its way into the store."""

    spool: Spool
    received_ms: int
    reading: Reading
    quality: Quality = Quality.GOOD
    refusal: str | None = None


def column_of(values: Sequence[int | None]) -> Column:
    """Returns a column; None where all values are there."""
    present = np.array([value is not None for value in values], np.bool_)
    return Column(np.array([value or 0 for value in values], np.int64), None if present.all() else present)


def batch_of(readings: Sequence[Reading]) -> ReadingBatch:
    """Returns readings as the edge holds them."""
    registers = {name: [reading.value(name) for reading in readings] for name in REGISTERS}
    subs = [(row, sub) for row, reading in enumerate(readings) for sub in reading.sub_readings]
    raws = [(row, raw) for row, reading in enumerate(readings) for raw in reading.raw]
    return ReadingBatch(
        integers(reading.sequence for reading in readings),
        integers(reading.time_ms for reading in readings),
        {name: column_of(values) for name, values in registers.items() if values.count(None) < len(values)},
        _sub_readings(subs) if subs else None,
        RawRegisters(integers(row for row, _ in raws), tuple(raw for _, raw in raws)) if raws else None,
        tuple(row for row, reading in enumerate(readings) if len(reading.phases) > PHASES_MAX),
    )


def integers(values: Iterable[int]) -> np.ndarray:
    """Returns a column of integers."""
    return np.array(list(values), np.int64)


def _sub_readings(subs: Sequence[tuple[int, SubReading]]) -> SubReadings:
    return SubReadings(
        integers(row for row, _ in subs),
        integers(sub.channel for _, sub in subs),
        integers(sub.kind for _, sub in subs),
        integers(sub.time_ms for _, sub in subs),
        column_of([sub.volume_l for _, sub in subs]),
        column_of([sub.energy_wh for _, sub in subs]),
    )


def readings_of(batch: ReadingBatch) -> list[Reading]:
    """Returns a batch's readings one by one; each has all three phases."""

    def said(column: Column, row: int) -> int | None:
        return int(column.values[row]) if column.has()[row] else None

    readings = []
    for row in range(batch.size):
        values = {name: said(column, row) for name, column in batch.registers.items()}
        phases = [
            Phase(**{name: values.pop(phase_register(number, name), None) for name in OF_PHASE})
            for number in range(1, PHASES_MAX + 1)
        ]
        sub, raw = batch.sub_readings, batch.raw
        subs = [
            SubReading(
                int(sub.channel[at]),
                SubMeterKind(int(sub.kind[at])),
                int(sub.time_ms[at]),
                said(sub.volume_l, at),
                said(sub.energy_wh, at),
            )
            for at in (np.flatnonzero(sub.row == row).tolist() if sub else ())
        ]
        raws = tuple(raw.texts[at] for at in np.flatnonzero(raw.row == row)) if raw else ()
        readings.append(
            Reading(
                int(batch.sequence[row]),
                int(batch.time_ms[row]),
                phases=tuple(phases),
                sub_readings=tuple(subs),
                raw=raws,
                **values,
            )
        )
    return readings


def as_batches(rows: Iterable[StoredReading]) -> list[StoredBatch]:
    """Returns readings as the store takes them: a batch for each run of one spool and one time of arrival."""
    batches = []
    for (spool, received_ms), run in groupby(rows, key=lambda row: (row.spool, row.received_ms)):
        of_run = list(run)
        batches.append(
            StoredBatch(
                spool,
                received_ms,
                batch_of([row.reading for row in of_run]),
                np.array([int(row.quality) for row in of_run], np.uint8),
                {place: Refused(row.refusal, "why") for place, row in enumerate(of_run) if row.refusal is not None},
            )
        )
    return batches
