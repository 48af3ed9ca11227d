"""Samples of meters, of roll-ups where there are right ones and of readings where there are not: the same, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.domain.slot import DAY_MS, day_of
from edge.store.engine import day_name
from edge.store.readings import READING_ORDER
from edge.store.series import COLUMNS, COUNTER, LAST, MEAN, NEWEST, SUB_COUNTER, Family
from edge.store.spans import BUCKETS_MS, SPAN_MS, bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from edge.store.engine import Engine

Matrix: TypeAlias = NDArray[np.float64]
Found: TypeAlias = dict[str, NDArray[np.float64]]

_COUNTED = ("last", "lowest", "highest")


@dataclass(frozen=True, slots=True)
class Extract:
    """What one query is about: `samples` of `resolution_ms` from `from_ms` on, of series of one family.

    A bucket, and so a sample, of a family whose shift is 1 is from after its start up to and including its end.
    """

    family: Family
    series: tuple[str, ...]
    from_ms: int
    samples: int
    resolution_ms: int

    @property
    def until_ms(self) -> int:
        """The end of the last sample."""
        return self.from_ms + self.samples * self.resolution_ms

    @property
    def bucket_ms(self) -> int | None:
        """The longest buckets that the samples are whole numbers of, or None."""
        fitting = (each for each in BUCKETS_MS if self.resolution_ms % each == 0 and self.from_ms % each == 0)
        return next(fitting, None)

    @property
    def spans(self) -> set[int]:
        """The spans that it touches."""
        return set(range(self.from_ms // SPAN_MS, -(-self.until_ms // SPAN_MS)))

    def days(self) -> range:
        """Returns the days whose files may hold something of it."""
        # A gas meter's own time may be up to a day before, or a little after, that of the reading that carries it.
        margin = 1 if self.family.is_of_sub_meters else 0
        return range(day_of(self.from_ms) - margin, day_of(self.until_ms) + margin + 1)


class SampleReader:
    """Asks the files."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, cursor: duckdb.DuckDBPyConnection, extract: Extract, rows: int) -> dict[str, Matrix]:
        """Returns for each series a matrix of the samples of the meters in the table `wanted`, in one query.

        A mean is a matrix of (rows, samples); a counter has `last`, `lowest` and `highest`, each under its own name.

        Args:
            cursor: with a table `wanted` of `meter_id` and `row`, registered.
            extract: of what.
            rows: of the matrices: each row of `wanted` has one for each channel of the family.
        """
        # Of one moment: a mark, and what was made with it.
        cursor.execute("BEGIN")
        sources = self._sources(cursor, extract)
        found = cursor.execute(_together(extract, sources)).fetchnumpy() if sources else {}
        cursor.execute("COMMIT")
        if extract.family is MEAN:
            return {name: _mean(found, name, rows, extract.samples) for name in extract.series}
        return {name: _dense(found, name, rows, extract.samples) for name in _outer(extract)}

    def _sources(self, cursor: duckdb.DuckDBPyConnection, extract: Extract) -> list[str]:
        """Returns a selection for each file that holds something, and each span in one of them only."""
        days, bucket_ms = extract.days(), extract.bucket_ms
        readings = set(self._engine.days()) & set(days)
        made = self._made(cursor, extract) if bucket_ms else {}
        sources = []
        for day in days:
            rolled = made.get(day, set()) & extract.spans
            if rolled and bucket_ms:
                sources.append(_of_rollups(extract, self._engine.rollups.name(day), day, bucket_ms, rolled))
            # With what is not whole spans at either end of the window.
            if day in readings and (raw := extract.spans - rolled):
                sources.append(_of_readings(extract, day, raw))
        return sources

    def _made(self, cursor: duckdb.DuckDBPyConnection, extract: Extract) -> dict[int, set[int]]:
        names = [(day, self._engine.rollups.open_if_usable(day)) for day in extract.days()]
        marks = [
            f"SELECT {day} AS day, span FROM {name}.spans WHERE source = '{extract.family.table}'"
            for day, name in names
            if name
        ]
        made: dict[int, set[int]] = {}
        for day, span in cursor.execute(" UNION ALL ".join(marks)).fetchall() if marks else []:
            made.setdefault(day, set()).add(span)
        return made


def _of_readings(extract: Extract, day: int, spans: set[int]) -> str:
    """Returns the selection of a day's readings, in groups but for meters on the M-Bus, which are few."""
    family = extract.family
    condition = (
        f"time_ms >= {extract.from_ms + family.shift_ms} AND time_ms < {extract.until_ms + family.shift_ms}"
        f" AND {bounds(spans, 1, 'time_ms', family.shift_ms)}"
    )
    sample = f"(time_ms - {family.shift_ms} - {extract.from_ms}) // {extract.resolution_ms} AS sample"
    # Rows are joined with the meters wanted later on; groups should not be made of others first.
    columns, only, group = [], "", ""
    for name in extract.series:
        value = COLUMNS[name].expression
        if family is MEAN:
            columns += [f"coalesce(sum({value}), 0)::BIGINT AS {name}_sum", f"count({value}) AS {name}_count"]
        elif family is SUB_COUNTER:
            columns += [f"{value} AS {name}_{part}" for part in _COUNTED]
            columns.append(f"{NEWEST} AS {name}_at")
        else:
            columns += [f"arg_max({value}, {READING_ORDER}) AS {name}_last"]
            columns += [f"max(time_ms) FILTER (WHERE ({value}) IS NOT NULL) AS {name}_at"]
        if family is not SUB_COUNTER:
            only, group = " SEMI JOIN wanted USING (meter_id)", " GROUP BY meter_id, sample"
        if family is COUNTER:
            columns += [f"min({value}) AS {name}_lowest", f"max({value}) AS {name}_highest"]
    return (
        f"SELECT meter_id, {family.channel} AS channel, {sample}, {', '.join(columns)}"
        f" FROM {day_name(day)}.{family.table}{only} WHERE {condition}{group}"
    )


def _of_rollups(extract: Extract, db: str, day: int, bucket_ms: int, spans: set[int]) -> str:
    """Returns the selection of a day's roll-ups."""
    family = extract.family
    condition = (
        f"bucket >= {extract.from_ms // bucket_ms} AND bucket < {extract.until_ms // bucket_ms}"
        f" AND {bounds(spans, bucket_ms, 'bucket')}"
    )
    columns = []
    for name in extract.series:
        if family is MEAN:
            columns += [f"{name}_sum", f"{name}_count"]
            continue
        columns += [f"{name}_{part}" for part in (_COUNTED if family is not LAST else _COUNTED[:1])]
        # Buckets of one file follow each other. The day's first instant is in a bucket of the day before, and after
        # everything that the file of the day before has in it.
        newest = f"{name}_newest" if family is SUB_COUNTER else f"greatest(bucket * {bucket_ms} + 1, {day * DAY_MS})"
        columns.append(f"{newest} AS {name}_at")
    return (
        f"SELECT meter_id, {family.channel} AS channel,"
        f" (bucket * {bucket_ms} - {extract.from_ms}) // {extract.resolution_ms} AS sample, {', '.join(columns)}"
        f" FROM {db}.{family.rollup}_{bucket_ms // 1000} WHERE {condition}"
    )


def _outer(extract: Extract) -> dict[str, str]:
    """Returns the numbers of a sample: by name, an aggregate over the rows of the sources."""
    numbers: dict[str, str] = {}
    for name in extract.series:
        numbers[f"{name}_last"] = f"arg_max({name}_last, {name}_at)"
        if extract.family is not LAST:
            numbers[f"{name}_lowest"] = f"min({name}_lowest)"
            numbers[f"{name}_highest"] = f"max({name}_highest)"
    return numbers


def _together(extract: Extract, sources: Sequence[str]) -> str:
    channels = extract.family.channels
    select = f"SELECT wanted.row * {channels} + channel - 1 AS row, sample"
    source = f" FROM ({' UNION ALL BY NAME '.join(sources)}) JOIN wanted USING (meter_id)"
    if extract.family is MEAN:
        # Added up by whoever asks: for so many groups that is several times quicker.
        return select + "".join(f", {name}_sum, {name}_count" for name in extract.series) + source
    numbers = [f"coalesce(({value})::DOUBLE, 'NaN'::DOUBLE) AS {name}" for name, value in _outer(extract).items()]
    return f"{select}, {', '.join(numbers)}{source} GROUP BY 1, 2"


def _mean(found: Found, name: str, rows: int, samples: int) -> Matrix:
    """Returns sums over counts, NaN where nothing was counted.

    The sums are of integers and below 2^53, so that floats hold them exactly, and the one division is the same whatever
    they were added up of.
    """
    mean = np.full(rows * samples, np.nan)
    if found:
        place = found["row"].astype(np.int64) * samples + found["sample"].astype(np.int64)
        total, count = (np.bincount(place, found[f"{name}_{part}"], mean.size) for part in ("sum", "count"))
        np.divide(total, count, out=mean, where=count > 0)
    return mean.reshape(rows, samples)


def _dense(found: Found, name: str, rows: int, samples: int) -> Matrix:
    matrix = np.full((rows, samples), np.nan)
    if found:
        matrix[found["row"].astype(np.int64), found["sample"].astype(np.int64)] = found[name]
    return matrix
