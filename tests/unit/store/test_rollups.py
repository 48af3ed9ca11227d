"""Windows of roll-ups against windows of readings: the same, bit for bit."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.domain.meter import Meter, MeterKind
from edge.domain.reading import Quality, SubMeterKind
from edge.domain.slot import DAY_MS
from edge.domain.spool import Spool
from edge.domain.window import WindowSpec
from edge.store.samples import Extract
from edge.store.series import MEAN
from edge_sdk.catalogue import CATALOGUE, Extent
from tests.rows import Phase, Reading, StoredReading, SubReading, as_batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.store.samples import Matrix
    from edge.store.store import Store

MINUTE_MS, QUARTER_MS = 60_000, 900_000
MIDNIGHT_MS = 20_001 * DAY_MS
FAR_MS = MIDNIGHT_MS + 5 * DAY_MS
EXAMPLES = iter(range(2**31))
SERIES = [series for series in CATALOGUE.values() if series.extent is not Extent.CLOCK]
HOUSEHOLDS = ("h1", "h2", "h3")

# At, and one millisecond beside, the seams of seconds, minutes, quarter-hours and the day, where mistakes are.
SEAMS_MS = [
    seam_ms + beside_ms
    for seam_ms in (-3_600_000, -QUARTER_MS, -MINUTE_MS, -30_000, 0, 30_000, MINUTE_MS, QUARTER_MS, 3_600_000)
    for beside_ms in (-1, 0, 1)
]
TIMES = st.one_of(st.sampled_from(SEAMS_MS), st.integers(-2 * QUARTER_MS, 2 * QUARTER_MS))
COUNTS = st.one_of(st.none(), st.integers(0, 3), st.integers(0, 2**40))
GAS = st.builds(
    lambda channel, kind, offset_ms, count: SubReading(channel, kind, MIDNIGHT_MS + offset_ms, volume_l=count),
    st.integers(1, 4),
    st.sampled_from([SubMeterKind.GAS, SubMeterKind.GAS, SubMeterKind.WATER]),
    TIMES,
    COUNTS,
)
PHASE = st.builds(
    Phase,
    voltage_dv=st.one_of(st.none(), st.integers(2_200, 2_400)),
    current_ma=st.one_of(st.none(), st.integers(0, 200_000)),
)
READING = st.builds(
    lambda offset_ms, subs, phases, **registers: Reading(
        1, MIDNIGHT_MS + offset_ms, sub_readings=tuple(subs), phases=tuple(phases), **registers
    ),
    TIMES,
    st.lists(GAS, max_size=2),
    st.lists(PHASE, max_size=3),
    power_import_w=st.one_of(st.none(), st.integers(0, 100_000)),
    power_export_w=st.one_of(st.none(), st.integers(0, 100_000)),
    energy_import_wh=COUNTS,
    energy_export_t1_wh=COUNTS,
    energy_export_t2_wh=COUNTS,
    tariff=st.sampled_from([None, 1, 2]),
)
SAID = st.lists(st.tuples(st.integers(0, 3), st.booleans(), READING), max_size=24)


def street(said: Sequence[tuple[int, bool, Reading]]) -> tuple[list[Meter], list[StoredReading], list[StoredReading]]:
    """Returns meters that no other example has, what they said in time and what they said late."""
    number = next(EXAMPLES)
    meters = [Meter(f"{number}-{place}", HOUSEHOLDS[min(place, 2)], MeterKind.ELECTRICITY, 0) for place in range(4)]
    rows: tuple[list[StoredReading], list[StoredReading]] = ([], [])
    for sequence, (place, late, reading) in enumerate(said, start=1):
        numbered = Reading(**{name: getattr(reading, name) for name in Reading.__slots__} | {"sequence": sequence})
        rows[late].append(StoredReading(Spool(meters[place].meter_id, ""), 0, numbered, Quality.GOOD))
    return meters, *rows


def windows(store: Store, meters: list[Meter], resolution_ms: int, samples: int, slot_ms: int) -> dict[int, Matrix]:
    """Returns every series over one window."""
    specs = [WindowSpec(series, samples, resolution_ms) for series in SERIES]
    return store.windows.matrix(specs, slot_ms, HOUSEHOLDS, meters, 2)


def roll_up(store: Store, until_ms: int = FAR_MS) -> None:
    """Rolls up all that was over at a time."""
    while asyncio.run(store.roll_up(until_ms)):
        pass


def assert_same(found: dict[int, Matrix], expected: dict[int, Matrix]) -> None:
    """Bit for bit: also NaN is one and the same."""
    for place, series in enumerate(SERIES):
        assert np.array_equal(found[place].view(np.int64), expected[place].view(np.int64)), series.name


@settings(max_examples=25, deadline=None)
@given(
    said=SAID,
    resolution_ms=st.sampled_from([7_000, 30_000, MINUTE_MS, 3 * MINUTE_MS, QUARTER_MS, 4 * QUARTER_MS]),
    samples=st.integers(1, 6),
    slot_ms=st.sampled_from([MIDNIGHT_MS + minutes * MINUTE_MS for minutes in (-15, -1, 0, 1, 7, 15, 30, 60)]),
    until_ms=st.sampled_from([MIDNIGHT_MS - QUARTER_MS, MIDNIGHT_MS, MIDNIGHT_MS + QUARTER_MS, FAR_MS]),
)
def test_roll_ups_change_nothing(
    shared_store: Store,
    said: list[tuple[int, bool, Reading]],
    resolution_ms: int,
    samples: int,
    slot_ms: int,
    until_ms: int,
) -> None:
    """Every window is the same before its readings are rolled up, after, in part, and with late ones among them."""
    meters, in_time, late = street(said)
    asyncio.run(shared_store.append_readings(as_batches(in_time + late)))
    expected = windows(shared_store, meters, resolution_ms, samples, slot_ms)
    roll_up(shared_store)
    assert_same(windows(shared_store, meters, resolution_ms, samples, slot_ms), expected)
    meters, in_time, late = street(said)
    asyncio.run(shared_store.append_readings(as_batches(in_time)))
    roll_up(shared_store, until_ms)
    asyncio.run(shared_store.append_readings(as_batches(late)))
    assert_same(windows(shared_store, meters, resolution_ms, samples, slot_ms), expected)
    roll_up(shared_store)
    assert_same(windows(shared_store, meters, resolution_ms, samples, slot_ms), expected)


def counts(store: Store, table: str) -> list[int]:
    """Returns how many rows a table of roll-ups has, by day."""
    found = []
    with store._engine.reading() as cursor:
        for day in store._engine.rollups.days():
            row = cursor.execute(f"SELECT count(*) FROM {store._engine.rollups.name(day)}.{table}").fetchone()
            assert row is not None
            found.append(int(row[0]))
    return found


def say(offset_ms: int, sequence: int, **registers: int) -> StoredReading:
    """Returns a reading beside midnight."""
    time_ms = MIDNIGHT_MS + offset_ms
    return StoredReading(Spool("m1", ""), time_ms, Reading(sequence, time_ms, **registers), Quality.GOOD)


METERS = [Meter("m1", "h1", MeterKind.ELECTRICITY, 0)]


async def test_only_what_is_over_is_rolled_up(store: Store) -> None:
    """The quarter-hour that is under way has no roll-up, and is in windows all the same."""
    await store.append_readings(
        as_batches([say(1_000 + minute * MINUTE_MS, 1 + minute, power_import_w=7) for minute in range(20)])
    )
    while await store.roll_up(MIDNIGHT_MS + 20 * MINUTE_MS):
        pass
    assert counts(store, "means_60") == [15]
    assert counts(store, "means_900") == [1]
    spec = WindowSpec(CATALOGUE["power_import"], 20, MINUTE_MS)
    found = store.windows.matrix([spec], MIDNIGHT_MS + 20 * MINUTE_MS, ["h1"], METERS, 1)[0]
    assert found.tolist() == [[7.0] * 20]


async def test_late_reading(store: Store) -> None:
    """A reading that comes late into what is rolled up counts at once, and its quarter-hour is rolled up anew."""
    spec = WindowSpec(CATALOGUE["energy_import"], 1, QUARTER_MS)
    await store.append_readings(as_batches([say(0, 1, energy_import_wh=5), say(QUARTER_MS, 2, energy_import_wh=9)]))
    while await store.roll_up(FAR_MS):
        pass
    assert counts(store, "spans") == [97 + 288]
    await store.append_readings(as_batches([say(QUARTER_MS, 3, energy_import_wh=11)]))
    assert counts(store, "spans") == [97 + 288 - 2]
    for _ in range(2):
        assert store.windows.matrix([spec], MIDNIGHT_MS + QUARTER_MS, ["h1"], METERS, 1)[0].tolist() == [[6.0]]
        while await store.roll_up(FAR_MS):
            pass
    assert counts(store, "spans") == [97 + 288]


async def test_reset_within_what_is_rolled_up(store: Store) -> None:
    """A counter that fell and rose again within one bucket makes no difference, neither does an exchange or a gap."""
    said = [(0, 100), (10, 20), (20, 150), (900, 160), (1_800, 170), (3_600, 200)]
    await store.append_readings(
        as_batches(
            [say(second * 1000, number, energy_import_wh=wh) for number, (second, wh) in enumerate(said, start=1)]
        )
    )
    spec = WindowSpec(CATALOGUE["energy_import"], 4, QUARTER_MS)
    expected = np.array([[np.nan, 10.0, np.nan, np.nan]])
    for _ in range(2):
        found = store.windows.matrix([spec], MIDNIGHT_MS + 4 * QUARTER_MS, ["h1"], METERS, 1)[0]
        assert np.array_equal(found, expected, equal_nan=True)
        while await store.roll_up(FAR_MS):
            pass


@pytest.mark.parametrize(("local_day", "quarters"), [("2025-03-30", 92), ("2025-06-19", 96), ("2025-10-26", 100)])
async def test_local_day(store: Store, local_day: str, quarters: int) -> None:
    """A local day has 92, 96 or 100 quarter-hours, and a window over it has as many, none of them lost or repeated."""
    begin = datetime.fromisoformat(local_day).replace(tzinfo=ZoneInfo("Europe/Amsterdam"))
    from_ms = int(begin.timestamp()) * 1000
    until_ms = int((begin + timedelta(days=1)).timestamp()) * 1000
    assert (until_ms - from_ms) // QUARTER_MS == quarters
    rows = [
        StoredReading(
            Spool("m1", ""),
            0,
            Reading(number + 1, from_ms + number * QUARTER_MS, power_import_w=number, energy_import_wh=number**2),
            Quality.GOOD,
        )
        for number in range(quarters + 1)
    ]
    await store.append_readings(as_batches(rows))
    specs = [WindowSpec(CATALOGUE[name], quarters, QUARTER_MS) for name in ("power_import", "energy_import")]
    for _ in range(2):
        found = store.windows.matrix(specs, until_ms, ["h1"], METERS, 1)
        assert found[0].tolist() == [list(range(quarters))]
        assert found[1].tolist() == [[2 * number + 1 for number in range(quarters)]]
        while await store.roll_up(until_ms + DAY_MS):
            pass


@pytest.mark.parametrize(
    ("resolution_ms", "from_minute", "bucket_ms"),
    [
        (QUARTER_MS, 0, QUARTER_MS),
        (QUARTER_MS, 7, MINUTE_MS),
        (5 * MINUTE_MS, 15, MINUTE_MS),
        (30_000, 0, None),
        (90_000, 0, None),
    ],
)
def test_longest_buckets_that_fit(resolution_ms: int, from_minute: int, bucket_ms: int | None) -> None:
    """A window is made of quarter-hours where it can be, else of minutes, else of readings."""
    extract = Extract(MEAN, ("power_import",), MIDNIGHT_MS + from_minute * MINUTE_MS, 4, resolution_ms)
    assert extract.bucket_ms == bucket_ms
