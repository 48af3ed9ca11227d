"""A household's samples: what `windows.matrix` says, over the time that each meter was its own, and NaN elsewhere."""

from __future__ import annotations

import asyncio
import math
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.domain.meter import Meter, MeterKind
from edge.domain.reading import SubMeterKind
from edge.domain.slot import DAY_MS
from edge.domain.spool import Spool
from edge_sdk.catalogue import CATALOGUE
from tests.rows import Reading, StoredReading, SubReading, as_batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.store.store import Store

MINUTE_MS = 60_000
BEGIN_MS = 20_000 * DAY_MS
SERIES = [CATALOGUE[name] for name in ("power_import", "energy_import", "gas", "tariff")]
EXAMPLES = count()


def minutes(number: float) -> int:
    """The time, unix ms, so many minutes after the beginning."""
    return BEGIN_MS + round(number * MINUTE_MS)


def store_minutes(store: Store, meter_id: str, first: int, end: int, *, begin_ms: int = BEGIN_MS) -> None:
    """A reading at the start and in the middle of each minute: power 100 W a minute more, 10 Wh and 5 L a minute."""
    rows = []
    for place in range(2 * first, 2 * end):
        time_ms = begin_ms + place * MINUTE_MS // 2
        gas = SubReading(1, SubMeterKind.GAS, time_ms, volume_l=5 * (place // 2) + 5)
        reading = Reading(
            place + 1,
            time_ms,
            power_import_w=100 * (place // 2),
            energy_import_wh=5 * place,
            tariff=1,
            sub_readings=(gas,),
        )
        rows.append(StoredReading(Spool(meter_id, ""), time_ms, reading))
    asyncio.run(store.append_readings(as_batches(rows)))


def samples(store: Store, meters: Sequence[Meter], first: int, number: int) -> dict[str, list[float | None]]:
    """One-minute samples by series, None for NaN."""
    found = store.history.samples(SERIES, minutes(first), number, MINUTE_MS, meters)
    return {name: [None if math.isnan(value) else float(value) for value in values] for name, values in found.items()}


def test_a_meter_counts_while_it_was_own(store: Store) -> None:
    """Readings of before enrolment and since retirement make no sample, nor do they reach into one as its counter."""
    store_minutes(store, "m1", 0, 10)
    found = samples(store, [Meter("m1", "h1", MeterKind.ELECTRICITY, minutes(2), minutes(7))], 0, 10)
    assert found["power_import"] == [None, None, 200, 300, 400, 500, 600, None, None, None]
    # The counter at the start of minute 2 would be a reading of the time before.
    assert found["energy_import"] == [None, None, None, 10, 10, 10, None, None, None, None]
    assert [value is not None for value in found["gas"]] == [value is not None for value in found["energy_import"]]
    assert found["tariff"] == [None, None, 1, 1, 1, 1, 1, None, None, None]


def test_an_exchanged_meter_is_not_bridged(store: Store) -> None:
    """Where one meter follows another within a sample that sample is absent; before and after it each speaks alone."""
    store_minutes(store, "old", 0, 6)
    store_minutes(store, "new", 0, 6)
    old = Meter("old", "h1", MeterKind.ELECTRICITY, minutes(0), minutes(2.5))
    new = Meter("new", "h1", MeterKind.ELECTRICITY, minutes(2.5))
    assert samples(store, [old, new], 0, 6)["power_import"] == [0, 100, None, 300, 400, 500]
    # With a time when both count: the sum, as a module is given it.
    both = [old, Meter("new", "h1", MeterKind.ELECTRICITY, minutes(1))]
    assert samples(store, both, 0, 6)["power_import"] == [0, 200, None, 300, 400, 500]


def test_what_does_not_count_breaks_nothing(store: Store) -> None:
    """A sub-meter that comes or goes leaves every series whole, and a gas meter those of electricity."""
    store_minutes(store, "m1", 0, 6)
    meters = [
        Meter("m1", "h1", MeterKind.ELECTRICITY, 0),
        Meter("pump", "h1", MeterKind.SUB, minutes(1.5), minutes(3.5)),
        Meter("gas", "h1", MeterKind.GAS, minutes(2.5)),
    ]
    found = samples(store, meters, 0, 6)
    assert found["power_import"] == [0, 100, 200, 300, 400, 500]
    assert found["gas"][2] is None


@given(enrolled=st.integers(0, 12), lasted=st.integers(0, 12), resolution=st.integers(1, 6), rolled_up=st.booleans())
@settings(max_examples=40, deadline=None)
def test_no_reading_of_another_time_reaches_a_sample(
    shared_store: Store, *, enrolled: int, lasted: int, resolution: int, rolled_up: bool
) -> None:
    """Samples are the same whether or not the meter reported before it was enrolled and after it was retired."""
    begin_ms = BEGIN_MS
    number = next(EXAMPLES)
    whole, part = f"{number}-whole", f"{number}-part"
    begin, end = enrolled / 2, (enrolled + lasted) / 2
    store_minutes(shared_store, whole, 0, 14, begin_ms=begin_ms)
    rows = [place for place in range(28) if begin * 2 <= place < end * 2]
    for place in rows:
        time_ms = begin_ms + place * MINUTE_MS // 2
        gas = SubReading(1, SubMeterKind.GAS, time_ms, volume_l=5 * (place // 2) + 5)
        reading = Reading(
            place + 1,
            time_ms,
            power_import_w=100 * (place // 2),
            energy_import_wh=5 * place,
            tariff=1,
            sub_readings=(gas,),
        )
        stored = [StoredReading(Spool(part, ""), time_ms, reading)]
        asyncio.run(shared_store.append_readings(as_batches(stored)))
    if rolled_up:
        while asyncio.run(shared_store.roll_up(minutes(24 * 60))):
            pass
    found = [
        shared_store.history.samples(
            SERIES,
            minutes(0),
            14 // resolution,
            resolution * MINUTE_MS,
            [Meter(meter_id, "h1", MeterKind.ELECTRICITY, minutes(begin), minutes(end))],
        )
        for meter_id in (whole, part)
    ]
    for name in found[0]:
        np.testing.assert_array_equal(found[0][name], found[1][name])


def test_how_far_back_there_is_data(store: Store) -> None:
    """Nothing removed: from the beginning. Readings removed: whole minutes from their roll-ups on, finer ones not."""
    store_minutes(store, "m1", 0, 3)
    assert store.history.kept_from_ms(MINUTE_MS) == store.history.kept_from_ms(1000) == 0
    asyncio.run(store.remove_readings(20_000, minutes(0), lambda *_: None))
    assert store.history.kept_from_ms(MINUTE_MS) == 20_000 * DAY_MS
    assert store.history.kept_from_ms(1000) == 20_001 * DAY_MS
    found = samples(store, [Meter("m1", "h1", MeterKind.ELECTRICITY, 0)], 0, 3)
    assert found["power_import"] == pytest.approx([0, 100, 200])
    asyncio.run(store.change_files(lambda files: files.remove_rollups(20_000)))
    assert store.history.kept_from_ms(MINUTE_MS) == 20_001 * DAY_MS
