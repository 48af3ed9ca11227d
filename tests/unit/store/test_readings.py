from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.domain.quality import judge
from edge.domain.reading import Counters, Quality, SubMeterKind
from edge.domain.slot import DAY_MS, day_of
from edge.domain.spool import Spool
from edge.errors import StoreError
from edge.store.engine import day_name
from edge.store.progress import Progress
from tests.rows import Phase, Reading, StoredReading, SubReading, as_batches, batch_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from edge.store.store import Store

    OpenStore = Callable[[], Store]

DAY = 20_000
SPOOL_ID = "0f" * 16
M1, M2 = Spool("m1", SPOOL_ID), Spool("m2", SPOOL_ID)
MIDNIGHT_MS = (DAY + 1) * DAY_MS
FULL = Reading(
    sequence=2**62,
    time_ms=MIDNIGHT_MS - 1,
    energy_import_t1_wh=1,
    energy_import_t2_wh=2,
    energy_import_wh=3,
    energy_export_t1_wh=4,
    energy_export_t2_wh=5,
    energy_export_wh=10_000_000_000,
    tariff=2,
    power_import_w=6,
    power_export_w=0,
    phases=(Phase(10, 11, 2_301, 13, 14, 15), Phase(), Phase(voltage_dv=0)),
    power_failures=2**32 - 1,
    long_power_failures=7,
    demand_w=8,
    peak_demand_w=9,
    sub_readings=(
        SubReading(1, SubMeterKind.GAS, MIDNIGHT_MS - 3_600_000, volume_l=100),
        SubReading(4, SubMeterKind.HEAT, 0, energy_wh=200),
    ),
)


def row(meter_id: str, sequence: int, time_ms: int, *, spool_id: str = SPOOL_ID, **more: Any) -> StoredReading:
    """Returns a reading to be stored."""
    return StoredReading(Spool(meter_id, spool_id), time_ms + 5, Reading(sequence, time_ms, **more), Quality.GOOD)


def refused(meter_id: str, sequence: int, received_ms: int, *, spool_id: str = SPOOL_ID) -> StoredReading:
    """Returns a refused reading, whose own time is nonsense."""
    return StoredReading(Spool(meter_id, spool_id), received_ms, Reading(sequence, 0), Quality.GOOD, "READING_TOO_OLD")


def select(store: Store, table: str, day: int = DAY) -> list[dict[str, Any]]:
    """Returns the rows of a table of a day, by column, in the order of meter and sequence."""
    with store.readings._engine.reading() as cursor:
        cursor.execute(f"SELECT * FROM {day_name(day)}.{table} ORDER BY meter_id, sequence")
        assert cursor.description is not None
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def sequences(store: Store, days: Iterable[int]) -> dict[Spool, list[int]]:
    """Returns every sequence of each spool that is stored or was refused on these days, in order."""
    found: dict[Spool, list[int]] = {}
    for day in sorted({*days} & {*store.readings._engine.days()}):
        for item in [*select(store, "readings", day), *select(store, "refused", day)]:
            found.setdefault(Spool(item["meter_id"], item["spool_id"]), []).append(item["sequence"])
    return {spool: sorted(numbers) for spool, numbers in found.items()}


async def test_every_register_is_kept(store: Store) -> None:
    """A reading with everything in it is stored with everything, each register in its column."""
    await store.append_readings(as_batches([StoredReading(M1, 42, FULL, Quality.COUNTER_BACKWARDS)]))
    (stored,) = select(store, "readings")
    assert (stored.pop("meter_id"), stored.pop("spool_id")) == M1
    assert (stored.pop("received_ms"), stored.pop("quality")) == (42, 1)
    for number, phase in enumerate(FULL.phases, start=1):
        for field in fields(Phase):
            assert stored.pop(f"l{number}_{field.name}") == getattr(phase, field.name)
    whole = [field.name for field in fields(Reading) if field.name not in ("phases", "sub_readings", "raw")]
    assert stored == {name: getattr(FULL, name) for name in whole}
    assert select(store, "sub_readings") == [
        {**M1._asdict(), "sequence": 2**62, **{field.name: getattr(sub, field.name) for field in fields(SubReading)}}
        for sub in FULL.sub_readings
    ]


async def test_absent_is_not_zero(store: Store) -> None:
    """What was not measured is NULL, beside readings of other meters that measured it."""
    rows = [StoredReading(M1, 0, FULL, Quality.GOOD), row("m2", 1, MIDNIGHT_MS - 1), row("m3", 1, MIDNIGHT_MS - 1)]
    await store.append_readings(as_batches(rows))
    keys = {"meter_id", "spool_id", "sequence", "time_ms", "received_ms", "quality"}
    for stored in select(store, "readings")[1:]:
        assert {name: value for name, value in stored.items() if name not in keys and value is not None} == {}
    assert {item["meter_id"] for item in select(store, "sub_readings")} == {"m1"}


async def test_refused_leaves_its_reason(store: Store) -> None:
    """Of a refused reading its number, time and reason are kept, on the day it came; never its registers."""
    reading = replace(FULL, time_ms=0)
    await store.append_readings(
        as_batches([StoredReading(M1, MIDNIGHT_MS - 1, reading, Quality.GOOD, "READING_TOO_OLD")])
    )
    assert select(store, "refused") == [
        {
            **M1._asdict(),
            "sequence": FULL.sequence,
            "time_ms": 0,
            "received_ms": MIDNIGHT_MS - 1,
            "reason": "READING_TOO_OLD",
            "message": "why",
        }
    ]
    assert select(store, "readings") == select(store, "sub_readings") == []


async def test_one_file_a_day(tmp_path: Path, store: Store) -> None:
    """A reading is in the file of its own UTC day, whenever it came."""
    times_ms = [MIDNIGHT_MS - 1, MIDNIGHT_MS, MIDNIGHT_MS + 3 * DAY_MS, MIDNIGHT_MS - DAY_MS - 1]
    await store.append_readings(
        as_batches([row("m1", number, time_ms) for number, time_ms in enumerate(times_ms, start=1)])
    )
    days = sorted(datetime.fromtimestamp(time_ms / 1000, UTC).date().isoformat() for time_ms in times_ms)
    assert sorted(file.stem for file in (tmp_path / "readings").glob("*.duckdb")) == days
    for number, time_ms in enumerate(times_ms, start=1):
        assert [item["sequence"] for item in select(store, "readings", day_of(time_ms))] == [number]


async def test_empty_store(store: Store) -> None:
    """Where nothing is stored, nothing is durable."""
    await store.append_readings(as_batches([]))
    assert store.progress.read() == Progress({}, {}, 0)
    assert store.readings.count() == (0, 0)


async def test_durable_counts_the_refused(store: Store) -> None:
    """A meter has come as far as its newest reading that is stored or refused: neither is sent again."""
    await store.append_readings(
        as_batches([row("m1", 1, MIDNIGHT_MS), refused("m1", 2, MIDNIGHT_MS - 1), refused("m2", 7, 0)])
    )
    assert store.progress.read().durable == {M1: 2, M2: 7}
    await store.append_readings(as_batches([row("m1", 3, MIDNIGHT_MS - DAY_MS)]))
    assert store.progress.read().durable == {M1: 3, M2: 7}
    assert store.readings.count() == (2, 2)


async def test_reopened_store_knows_the_same(open_store: OpenStore) -> None:
    """After a restart the store knows of every meter what it knew before."""

    def known(store: Store) -> tuple[object, ...]:
        return store.progress.read(), store.readings.count()

    store = open_store()
    await store.append_readings(
        as_batches(
            [
                row("m1", 1, MIDNIGHT_MS - 1, energy_import_wh=100),
                row("m1", 2, MIDNIGHT_MS, energy_import_t2_wh=3, energy_export_wh=4),
                refused("m1", 3, MIDNIGHT_MS),
                row("m2", 1, MIDNIGHT_MS, energy_import_t1_wh=1),
            ]
        )
    )
    before = known(store)
    store.close()
    store = open_store()
    assert known(store) == before
    newest = {"m1": Counters(MIDNIGHT_MS, 3, 4), "m2": Counters(MIDNIGHT_MS, 1, None)}
    assert before == (Progress({M1: 3, M2: 1}, newest, MIDNIGHT_MS + 5), (3, 1))
    store.close()


# Examples in one store: each takes meters that no other has, and days where it needs them to be new.
FRESH = itertools.count()
WATT_HOURS = st.none() | st.integers(0, 9)
REGISTERS = st.builds(
    Reading,
    sequence=st.just(0),
    time_ms=st.just(0),
    **{f"energy_{way}{tariff}_wh": WATT_HOURS for way in ("import", "export") for tariff in ("", "_t1", "_t2")},
)
READINGS = st.lists(st.tuples(st.integers(0, 3), REGISTERS), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(drawn=READINGS)
def test_newest_counters_are_those_in_memory(shared_store: Store, drawn: list[tuple[int, Reading]]) -> None:
    """What a restart finds is what judging each reading in turn remembered: later readings are judged alike."""
    meter_id = f"m{next(FRESH)}"
    # Over two days: some at one time, some late.
    readings = [
        replace(registers, sequence=sequence, time_ms=DAY * DAY_MS + half_days * DAY_MS // 2)
        for sequence, (half_days, registers) in enumerate(drawn, start=1)
    ]
    newest: Counters | None = None
    for cut in (readings[:3], readings[3:]):
        _, newest = judge(batch_of(cut), np.arange(len(cut)), newest, 0, 1_000)
    rows = [StoredReading(Spool(meter_id, SPOOL_ID), reading.time_ms, reading, Quality.GOOD) for reading in readings]
    asyncio.run(shared_store.append_readings(as_batches(rows)))
    assert shared_store.progress.read().newest[meter_id] == newest


def rows_of(number: int, drawn: Sequence[tuple[int, int, bool]]) -> list[StoredReading]:
    """Returns readings of three spools, two of them of one meter, over four days; some are refused.

    Each spool's are in ascending sequence.
    """
    next_sequence = dict.fromkeys(range(3), 1)
    rows = []
    for spool, day, is_refused in drawn:
        sequence = next_sequence[spool]
        next_sequence[spool] += 1
        time_ms = (DAY + 10 + 4 * number + day) * DAY_MS
        make = refused if is_refused else row
        rows.append(make(f"m{number}-{spool // 2}", sequence, time_ms, spool_id=f"{spool:032x}"))
    return rows


@settings(max_examples=15, deadline=None)
@given(
    drawn=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), min_size=1, max_size=12),
    broken=st.integers(0, 3),
)
def test_failure_between_days_leaves_no_gap(
    shared_store: Store, drawn: list[tuple[int, int, bool]], broken: int
) -> None:
    """Where one day's file cannot be written, no spool has a gap in its readings, and the rest can be sent again."""
    number = next(FRESH)
    rows = rows_of(number, drawn)
    folder: Path = shared_store.readings._engine.readings.folder
    broken_day = datetime.fromtimestamp((DAY + 10 + 4 * number + broken) * 86_400, UTC).date().isoformat()
    obstacle = folder / f"{broken_day}.new"
    obstacle.mkdir()
    with contextlib.suppress(StoreError):
        asyncio.run(shared_store.append_readings(as_batches(rows)))
    obstacle.rmdir()
    durable = shared_store.progress.read().durable
    days = range(DAY + 10 + 4 * number, DAY + 14 + 4 * number)
    for spool, stored in sequences(shared_store, days).items():
        assert stored == list(range(1, durable[spool] + 1))
    again = [row for row in rows if row.reading.sequence > durable.get(row.spool, 0)]
    asyncio.run(shared_store.append_readings(as_batches(again)))
    sent = {row.spool: [item.reading.sequence for item in rows if item.spool == row.spool] for row in rows}
    assert sequences(shared_store, days) == sent


async def test_failure_after_midnight(tmp_path: Path, store: Store) -> None:
    """A crash between the commits of two days keeps what came before midnight, of every meter, and nothing after."""
    (tmp_path / "readings" / "2024-10-05.new").mkdir()
    rows = [
        row("m1", 1, MIDNIGHT_MS - 1),
        row("m2", 1, MIDNIGHT_MS),
        row("m2", 2, MIDNIGHT_MS - 1),
        row("m1", 2, MIDNIGHT_MS),
    ]
    with pytest.raises(StoreError):
        await store.append_readings(as_batches(rows))
    # The second meter's earlier reading belongs after midnight: its later one must not be stored without it.
    assert store.progress.read().durable == {M1: 1}
