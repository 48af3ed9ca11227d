"""Roll-ups: what windows need of the readings of each minute and quarter-hour, exactly.

Each day's file of readings has a file of roll-ups beside it, made of that file alone. `edge.store.series.parts` says
what is kept.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from edge.domain.slot import DAY_MS
from edge.store.engine import day_name
from edge.store.series import COUNTER, LAST, MEAN, SUB_COUNTER, Family, of_family, parts
from edge.store.spans import BUCKETS_MS, SPAN_MS, bounds, touched

if TYPE_CHECKING:
    from collections.abc import Collection

    import duckdb
    import numpy as np
    from numpy.typing import NDArray

    from edge.store.engine import Engine

READINGS, SUB_READINGS = "readings", "sub_readings"
_SPANS_A_DAY = DAY_MS // SPAN_MS
# What a table of roll-ups is made of: `means` holds the newest tariff, too.
_TABLES: tuple[tuple[str, tuple[Family, ...]], ...] = (
    (READINGS, (MEAN, LAST)),
    (READINGS, (COUNTER,)),
    (SUB_READINGS, (SUB_COUNTER,)),
)
# Meters on the M-Bus repeat their last value for an hour: a span that is over goes on being written to.
_SETTLE_MS = {READINGS: 0, SUB_READINGS: 2 * 3_600_000}
# Readings wait for it meanwhile.
_SPANS_AT_ONCE = {READINGS: 24, SUB_READINGS: 96}


class RollupTable:
    """Makes roll-ups. All of it is for the writer's thread, or for when there is none."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made: dict[tuple[int, str], set[int]] = {}
        self._changes: Counter[int] = Counter()
        self._appends: Counter[int] = Counter()

    def take_away(
        self, cursor: duckdb.DuckDBPyConnection, day: int, times_ms: NDArray[np.int64], sub_times_ms: NDArray[np.int64]
    ) -> None:
        """Takes away the marks of the spans that are about to be added to; durable on return.

        Args:
            cursor: the writer's, without a transaction.
            day: into whose file the readings go.
            times_ms: of the readings.
            sub_times_ms: of what meters on the M-Bus said, by their own clocks.
        """
        self._changes[day] += 1
        self._appends[day] += 1
        for source, times in ((READINGS, times_ms), (SUB_READINGS, sub_times_ms)):
            made = self._spans(cursor, day, source)
            if not made:
                continue
            spans = touched(times) & made
            if spans:
                cursor.execute(
                    f"DELETE FROM {self._engine.rollups.name(day)}.spans WHERE source = ? AND span IN"
                    " (SELECT unnest(?))",
                    [source, sorted(spans)],
                )
                made -= spans

    def make(self, cursor: duckdb.DuckDBPyConnection, until_ms: int, busy: Collection[int] = ()) -> bool:
        """Rolls up some of the spans that were over at `until_ms`, newest first; returns whether more are left.

        Days that are `busy` are left alone.

        Raises:
            StoreError: a file cannot be opened or made.
        """
        days = (day for day in reversed(self._engine.days()) if day not in busy)
        return any(self._make_of_day(cursor, day, until_ms) for day in days)

    def complete(self, cursor: duckdb.DuckDBPyConnection, day: int) -> None:
        """Rolls up all that is left of a day, so that its readings can go.

        Raises:
            StoreError: the file cannot be opened or made.
        """
        while self._make_of_day(cursor, day, (day + 3) * DAY_MS):
            pass

    def appends(self) -> dict[int, int]:
        """Returns how often readings were added to each day in this process."""
        return dict(self._appends)

    def changes(self, day: int) -> int:
        """Returns how often a day's files were changed in this process, or were about to be."""
        return self._changes[day]

    def forget(self, day: int) -> None:
        """Drops what is remembered of a day's file, which was changed by somebody else."""
        for source in (READINGS, SUB_READINGS):
            self._made.pop((day, source), None)

    def _make_of_day(self, cursor: duckdb.DuckDBPyConnection, day: int, until_ms: int) -> bool:
        for source in (READINGS, SUB_READINGS):
            until_span = (until_ms - _SETTLE_MS[source]) // SPAN_MS
            if not self._spans_of(day, source, until_span) - self._spans(cursor, day, source):
                continue
            if day in self._engine.rollups.unusable:
                continue
            self._engine.rollups.attach(day)
            left = sorted(self._spans_of(day, source, until_span) - self._spans(cursor, day, source), reverse=True)
            self._make_spans(cursor, day, source, set(left[: _SPANS_AT_ONCE[source]]))
            return True
        return False

    @staticmethod
    def _spans_of(day: int, source: str, until_span: int) -> set[int]:
        """Returns the spans that a day's file may hold something of, as far as they are over."""
        first, end = day * _SPANS_A_DAY, (day + 1) * _SPANS_A_DAY
        # The day's first instant ends the span before. A meter on the M-Bus may be a day behind, or a little ahead.
        first, end = (first - 1, end) if source == READINGS else (first - _SPANS_A_DAY, end + _SPANS_A_DAY)
        return set(range(first, min(end, until_span)))

    def _spans(self, cursor: duckdb.DuckDBPyConnection, day: int, source: str) -> set[int]:
        """Returns the spans of a day that are rolled up."""
        if (day, source) not in self._made:
            name = self._engine.rollups.open_if_usable(day)
            rows = (
                cursor.execute(f"SELECT span FROM {name}.spans WHERE source = ?", [source]).fetchall() if name else []
            )
            self._made[day, source] = {row[0] for row in rows}
        return self._made[day, source]

    def _make_spans(self, cursor: duckdb.DuckDBPyConnection, day: int, source: str, spans: set[int]) -> None:
        name = self._engine.rollups.name(day)
        self._changes[day] += 1
        cursor.execute("BEGIN")
        for of_source, families in _TABLES:
            if of_source == source:
                for bucket_ms in BUCKETS_MS:
                    _make_table(cursor, (day_name(day), name), families, bucket_ms, spans)
        cursor.execute(f"INSERT INTO {name}.spans SELECT ?, unnest(?)", [source, sorted(spans)])
        cursor.execute("COMMIT")
        self._made[day, source] |= spans


def _make_table(
    cursor: duckdb.DuckDBPyConnection,
    names: tuple[str, str],
    families: tuple[Family, ...],
    bucket_ms: int,
    spans: set[int],
) -> None:
    (from_db, to_db), first = names, families[0]
    table = f"{to_db}.{first.rollup}_{bucket_ms // 1000}"
    kept = {
        part: made
        for family in families
        for series in of_family(family)
        for part, made in parts(family, series).items()
    }
    channel = "channel, " if first.is_of_sub_meters else ""
    # What was made before of spans that lost their mark.
    cursor.execute(f"DELETE FROM {table} WHERE {bounds(spans, bucket_ms, 'bucket')}")
    cursor.execute(
        f"INSERT INTO {table} BY NAME"
        f" SELECT meter_id, {channel}(time_ms - {first.shift_ms}) // {bucket_ms} AS bucket,"
        f" {', '.join(f'{made} AS {part}' for part, made in kept.items())}"
        f" FROM {from_db}.{first.table} WHERE {bounds(spans, 1, 'time_ms', first.shift_ms)}"
        f" GROUP BY meter_id, {channel}bucket ORDER BY meter_id, bucket"
    )
