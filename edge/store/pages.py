"""Readings of some meters as the meters said them, in order of time, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from edge.domain.meter_reading import MeterReading, Place, SubMeterReading
from edge.domain.reading import REGISTERS, Quality, SubMeterKind
from edge.domain.slot import day_of
from edge.domain.tenure import FOREVER_MS
from edge.store.engine import day_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from edge.domain.meter import Meter
    from edge.store.engine import Engine

_KEY = "time_ms, meter_id, spool_id, sequence"
_PAGE = f"""
SELECT {_KEY}, received_ms, quality, {", ".join(REGISTERS)} FROM {{day}}.readings JOIN own USING (meter_id)
WHERE time_ms >= $from_ms AND time_ms < $until_ms AND time_ms >= own.enrolled_ms AND time_ms < own.retired_ms
    AND ({_KEY}) > ($after_ms, $after_meter, $after_spool, $after_sequence)
ORDER BY {_KEY} LIMIT $limit
"""
_SUBS = """
SELECT meter_id, spool_id, sequence, channel, kind, time_ms, volume_l, energy_wh
FROM {day}.sub_readings JOIN page USING (meter_id, spool_id, sequence) ORDER BY ALL
"""
_RAW = """
SELECT meter_id, spool_id, sequence, code, value, unit
FROM {day}.raw_registers JOIN page USING (meter_id, spool_id, sequence) ORDER BY ALL
"""
_Key = tuple[str, str, int]


class PageReader:
    """Asks the files of readings, which are there for as long as retention keeps them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(
        self, meters: Sequence[Meter], from_ms: int, until_ms: int, after: Place | None, limit: int
    ) -> list[MeterReading]:
        """Returns the first readings of a range of time, of the time that each meter was its household's own.

        Args:
            meters: whose.
            from_ms: the first time, unix ms UTC.
            until_ms: the first time that is not in the range.
            after: the place of the last reading before the page; None for the first page.
            limit: how many at most.

        Raises:
            StoreError: the database refused.
        """
        own = {meter.meter_id: meter for meter in meters}
        first = day_of(max(from_ms, after.time_ms if after else from_ms))

        def read(cursor: duckdb.DuckDBPyConnection) -> list[MeterReading]:
            cursor.register("own", _own_table(meters))
            page: list[MeterReading] = []
            # A reading is in the file of its UTC day, so days in their order are readings in theirs.
            for day in self._engine.days():
                if first <= day <= day_of(until_ms - 1) and len(page) < limit:
                    page += _of_day(cursor, day, _values(from_ms, until_ms, after, limit - len(page)))
            cursor.unregister("own")
            return [reading.of_own_time(own[reading.place.meter_id]) for reading in page]

        return self._engine.read_days(read)


def _own_table(meters: Sequence[Meter]) -> pa.Table:
    ends = [FOREVER_MS if meter.retired_ms is None else meter.retired_ms for meter in meters]
    return pa.table(
        {
            "meter_id": pa.array([meter.meter_id for meter in meters], pa.string()),
            "enrolled_ms": pa.array([meter.enrolled_ms for meter in meters], pa.int64()),
            "retired_ms": pa.array(ends, pa.int64()),
        }
    )


def _values(from_ms: int, until_ms: int, after: Place | None, limit: int) -> dict[str, object]:
    after = after or Place(-1, "", "", 0)
    return {
        "from_ms": from_ms,
        "until_ms": until_ms,
        "after_ms": after.time_ms,
        "after_meter": after.meter_id,
        "after_spool": after.spool_id,
        "after_sequence": after.sequence,
        "limit": limit,
    }


def _of_day(cursor: duckdb.DuckDBPyConnection, day: int, values: dict[str, object]) -> list[MeterReading]:
    name = day_name(day)
    rows = cursor.execute(_PAGE.format(day=name), values).fetchall()
    if not rows:
        return []
    cursor.register("page", _page_table(rows))
    subs = _grouped(cursor.execute(_SUBS.format(day=name)).fetchall())
    raws = _grouped(cursor.execute(_RAW.format(day=name)).fetchall())
    cursor.unregister("page")
    readings = []
    for time_ms, meter_id, spool_id, sequence, received_ms, quality, *registers in rows:
        key = (meter_id, spool_id, sequence)
        said = {name: value for name, value in zip(REGISTERS, registers, strict=True) if value is not None}
        readings.append(
            MeterReading(
                Place(time_ms, *key),
                received_ms,
                Quality(quality),
                said,
                tuple(SubMeterReading(row[0], SubMeterKind(row[1]), *row[2:]) for row in subs.get(key, ())),
                tuple(raws.get(key, ())),
            )
        )
    return readings


def _page_table(rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    return pa.table(
        {
            "meter_id": pa.array([row[1] for row in rows], pa.string()),
            "spool_id": pa.array([row[2] for row in rows], pa.string()),
            "sequence": pa.array([row[3] for row in rows], pa.int64()),
        }
    )


def _grouped(rows: Sequence[tuple[Any, ...]]) -> dict[_Key, list[tuple[Any, ...]]]:
    found: dict[_Key, list[tuple[Any, ...]]] = {}
    for meter_id, spool_id, sequence, *rest in rows:
        found.setdefault((meter_id, spool_id, sequence), []).append(tuple(rest))
    return found
