"""Batches on their way into the store, and the Arrow tables that DuckDB takes them from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from edge.domain.batch import Column, ReadingBatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from edge.domain.batch import Integers
    from edge.domain.spool import Spool


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a reading was refused."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class StoredBatch:
    """Readings of a spool on their way into the store.

    Attributes:
        received_ms: when they came.
        quality: of each reading.
        refused: which of them are refused, by row, ascending; such a one leaves only its number, time and reason.
    """

    spool: Spool
    received_ms: int
    readings: ReadingBatch
    quality: NDArray[np.uint8]
    refused: Mapping[int, Refused] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many readings, refused ones included."""
        return self.readings.size

    @property
    def kept(self) -> Integers:
        """The rows that are not refused."""
        return np.delete(np.arange(self.size), list(self.refused)) if self.refused else np.arange(self.size)

    def rows(self, begin: int, end: int) -> StoredBatch:
        """Returns a part of it."""
        refused = {row - begin: why for row, why in self.refused.items() if begin <= row < end}
        part = slice(begin, end)
        return StoredBatch(self.spool, self.received_ms, self.readings.select(part), self.quality[part], refused)


def kept_tables(batches: Sequence[StoredBatch]) -> dict[str, pa.Table]:
    """Returns what is stored of readings that are kept, by table of a day's file; none for a table without rows."""
    kept = [_Kept(batch) for batch in batches if batch.size > len(batch.refused)]
    tables: dict[str, pa.Table] = {}
    if kept:
        tables["readings"] = _readings_table(kept)
    if with_subs := [part for part in kept if part.readings.sub_readings is not None]:
        tables["sub_readings"] = _sub_readings_table(with_subs)
    if with_raw := [part for part in kept if part.readings.raw is not None]:
        tables["raw_registers"] = _raw_table(with_raw)
    return {name: table for name, table in tables.items() if table.num_rows}


def refused_table(batches: Sequence[StoredBatch]) -> pa.Table:
    """Returns what is stored of readings that are refused."""
    rows = [(batch, row, why) for batch in batches for row, why in batch.refused.items()]
    return pa.table(
        {
            "meter_id": pa.array([batch.spool.meter_id for batch, _, _ in rows], pa.string()),
            "spool_id": pa.array([batch.spool.spool_id for batch, _, _ in rows], pa.string()),
            "sequence": pa.array([int(batch.readings.sequence[row]) for batch, row, _ in rows], pa.int64()),
            "time_ms": pa.array([int(batch.readings.time_ms[row]) for batch, row, _ in rows], pa.int64()),
            "received_ms": pa.array([batch.received_ms for batch, _, _ in rows], pa.int64()),
            "reason": pa.array([why.reason for _, _, why in rows], pa.string()),
            "message": pa.array([why.message for _, _, why in rows], pa.string()),
        }
    )


class _Kept:
    """What is kept of a batch."""

    def __init__(self, batch: StoredBatch) -> None:
        self.spool = batch.spool
        self.received_ms = batch.received_ms
        if batch.refused:
            rows = batch.kept
            self.readings, self.quality = batch.readings.select(rows), batch.quality[rows]
        else:
            self.readings, self.quality = batch.readings, batch.quality


def _readings_table(kept: Sequence[_Kept]) -> pa.Table:
    sizes = [part.readings.size for part in kept]
    columns: dict[str, pa.Array] = {
        **_spool_columns(kept, sizes),
        "sequence": pa.array(np.concatenate([part.readings.sequence for part in kept])),
        "time_ms": pa.array(np.concatenate([part.readings.time_ms for part in kept])),
        "received_ms": pa.array(np.repeat(np.array([part.received_ms for part in kept]), sizes)),
        "quality": pa.array(np.concatenate([part.quality for part in kept])),
    }
    for name in dict.fromkeys(name for part in kept for name in part.readings.registers):
        columns[name] = _array([part.readings.registers.get(name) or _absent(part.readings.size) for part in kept])
    return pa.table(columns)


def _sub_readings_table(kept: Sequence[_Kept]) -> pa.Table:
    subs = [(part, part.readings.sub_readings) for part in kept if part.readings.sub_readings is not None]
    return pa.table(
        {
            **_spool_columns([part for part, _ in subs], [sub.row.size for _, sub in subs]),
            "sequence": pa.array(np.concatenate([part.readings.sequence[sub.row] for part, sub in subs])),
            "channel": pa.array(np.concatenate([sub.channel for _, sub in subs])),
            "kind": pa.array(np.concatenate([sub.kind for _, sub in subs])),
            "time_ms": pa.array(np.concatenate([sub.time_ms for _, sub in subs])),
            "volume_l": _array([sub.volume_l for _, sub in subs]),
            "energy_wh": _array([sub.energy_wh for _, sub in subs]),
        }
    )


def _raw_table(kept: Sequence[_Kept]) -> pa.Table:
    raws = [(part, part.readings.raw) for part in kept if part.readings.raw is not None]
    texts = [text for _, raw in raws for text in raw.texts]
    return pa.table(
        {
            **_spool_columns([part for part, _ in raws], [raw.row.size for _, raw in raws]),
            "sequence": pa.array(np.concatenate([part.readings.sequence[raw.row] for part, raw in raws])),
            "code": pa.array([code for code, _, _ in texts], pa.string()),
            "value": pa.array([value for _, value, _ in texts], pa.string()),
            "unit": pa.array([unit for _, _, unit in texts], pa.string()),
        }
    )


def _spool_columns(kept: Sequence[_Kept], sizes: Sequence[int]) -> dict[str, pa.Array]:
    which = pa.array(np.repeat(np.arange(len(kept), dtype=np.int32), sizes))
    return {
        "meter_id": pa.array([part.spool.meter_id for part in kept], pa.string()).take(which),
        "spool_id": pa.array([part.spool.spool_id for part in kept], pa.string()).take(which),
    }


def _absent(size: int) -> Column:
    return Column(np.zeros(size, np.int64), np.zeros(size, np.bool_))


def _array(columns: Sequence[Column]) -> pa.Array:
    values = np.concatenate([column.values for column in columns])
    if all(column.present is None for column in columns):
        return pa.array(values)
    return pa.array(values, mask=~np.concatenate([column.has() for column in columns]))
