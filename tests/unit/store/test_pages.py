"""Readings a page at a time."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.domain.meter import Meter, MeterKind
from edge.domain.meter_reading import MeterReading, Place, SubMeterReading
from edge.domain.reading import Quality, SubMeterKind
from edge.domain.slot import DAY_MS
from edge.domain.spool import Spool
from tests.rows import Phase, Reading, StoredReading, SubReading, as_batches

if TYPE_CHECKING:
    from edge.store.store import Store

BEGIN_MS = 20_001 * DAY_MS
EXAMPLES = count()


def paged(store: Store, meters: list[Meter], from_ms: int, until_ms: int, limit: int) -> list[MeterReading]:
    """Every reading of a range, by as many pages as it takes."""
    found: list[MeterReading] = []
    while page := store.pages.page(meters, from_ms, until_ms, found[-1].place if found else None, limit):
        assert len(page) <= limit
        found += page
    return found


def test_a_reading_is_shown_as_the_meter_said_it(store: Store) -> None:
    """Registers, phases, marks, sub-meters at their own times and raw registers come back; what was absent stays so."""
    subs = (
        SubReading(1, SubMeterKind.GAS, BEGIN_MS - 5, volume_l=7),
        SubReading(2, SubMeterKind.HEAT, BEGIN_MS - 9, energy_wh=8),
    )
    reading = Reading(
        4,
        BEGIN_MS,
        power_import_w=0,
        phases=(Phase(voltage_dv=2300),),
        sub_readings=subs,
        raw=(("0-0:96.1.1", "x", ""),),
    )
    quality = Quality.OUT_OF_ORDER | Quality.ENERGY_JUMP
    stored = [StoredReading(Spool("m1", "s"), BEGIN_MS + 1, reading, quality)]
    asyncio.run(store.append_readings(as_batches(stored)))
    meter = Meter("m1", "h1", MeterKind.ELECTRICITY, BEGIN_MS - 7)
    assert store.pages.page([meter], BEGIN_MS, BEGIN_MS + 1, None, 9) == [
        MeterReading(
            Place(BEGIN_MS, "m1", "s", 4),
            BEGIN_MS + 1,
            quality,
            {"power_import_w": 0, "l1_voltage_dv": 2300},
            # The other was read before the meter was the household's own.
            (SubMeterReading(1, SubMeterKind.GAS, BEGIN_MS - 5, 7, None),),
            (("0-0:96.1.1", "x", ""),),
        )
    ]


def test_a_refused_reading_is_none(store: Store) -> None:
    """What was refused is not a reading, and another's is not the household's."""
    rows = [
        StoredReading(Spool("m1", ""), BEGIN_MS, Reading(1, BEGIN_MS, power_import_w=1), refusal="READING_IMPLAUSIBLE"),
        StoredReading(Spool("m2", ""), BEGIN_MS, Reading(1, BEGIN_MS, power_import_w=2)),
    ]
    asyncio.run(store.append_readings(as_batches(rows)))
    assert store.pages.page([Meter("m1", "h1", MeterKind.ELECTRICITY, 0)], 0, 2**53, None, 9) == []


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["", "s"]), st.integers(-3, 3)), max_size=12),
    st.integers(-3, 3),
    st.integers(-3, 3),
    st.integers(1, 4),
)
@settings(max_examples=40, deadline=None)
def test_pages_are_the_readings_of_own_time_once_and_in_order(
    shared_store: Store, said: list[tuple[str, str, int]], enrolled: int, retired: int, limit: int
) -> None:
    """Over midnight, at equal times, in pages of any length: each reading of the range and own time once, in order."""
    example = next(EXAMPLES)
    rows = []
    for place, (meter, spool, step) in enumerate(said):
        reading = Reading(place + 1, BEGIN_MS + step, power_import_w=place)
        rows.append(StoredReading(Spool(f"{example}-{meter}", spool), BEGIN_MS, reading))
    asyncio.run(shared_store.append_readings(as_batches(rows)))
    meters = [
        Meter(f"{example}-a", "h1", MeterKind.ELECTRICITY, 0),
        Meter(f"{example}-b", "h1", MeterKind.SUB, BEGIN_MS + enrolled, BEGIN_MS + max(enrolled, retired)),
    ]
    own = {meter.meter_id: meter for meter in meters}
    expected = sorted(
        Place(row.reading.time_ms, row.spool.meter_id, row.spool.spool_id, row.reading.sequence)
        for row in rows
        if row.spool.meter_id in own and own[row.spool.meter_id].is_own_at(row.reading.time_ms)
        if BEGIN_MS - 2 <= row.reading.time_ms < BEGIN_MS + 3
    )
    found = paged(shared_store, meters, BEGIN_MS - 2, BEGIN_MS + 3, limit)
    assert [reading.place for reading in found] == expected
