from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.reading import Quality
from edge.domain.record import Gap, GapQuery, MeterRecord, SpoolRecord
from edge.domain.slot import DAY_MS
from edge.domain.spool import Spool
from tests.rows import Reading, StoredReading, as_batches

if TYPE_CHECKING:
    from edge.store.store import Store

NOON_MS = 20_000 * DAY_MS + DAY_MS // 2
SPOOL, OTHER = Spool("m1", "a" * 32), Spool("m1", "b" * 32)
EVER = GapQuery(0, NOON_MS + DAY_MS, 0)


def row(
    spool: Spool, sequence: int, minute: int, quality: Quality = Quality.GOOD, refusal: str | None = None
) -> StoredReading:
    """A reading of a minute after noon, that came two seconds later."""
    time_ms = NOON_MS + minute * 60_000
    return StoredReading(spool, time_ms + 2_000, Reading(sequence, time_ms), quality, refusal)


async def test_record(store: Store) -> None:
    """A meter's record counts what is kept, by mark and by reason, of all spools and days, and no other meter's."""
    yesterday = -24 * 60
    rows = [
        row(SPOOL, 1, yesterday, Quality.CLOCK_AHEAD),
        row(SPOOL, 2, 0, Quality.OUT_OF_ORDER | Quality.CLOCK_AHEAD),
        row(SPOOL, 3, 1, refusal="READING_TOO_OLD"),
        row(OTHER, 9, 2),
        row(Spool("m2", ""), 5, 3, Quality.ENERGY_JUMP),
    ]
    await store.append_readings(as_batches(rows))
    minute_ms = 60_000
    assert store.records.record("m1", NOON_MS) == MeterRecord(
        readings=3,
        readings_today=2,
        newest_ms=NOON_MS + 2 * minute_ms,
        received_ms=NOON_MS + 2 * minute_ms + 2_000,
        delay_ms_min=2_000,
        marks={"OUT_OF_ORDER": 1, "CLOCK_AHEAD": 2},
        refused={"READING_TOO_OLD": 1},
        spools=(
            SpoolRecord(SPOOL.spool_id, 3, NOON_MS + minute_ms + 2_000),
            SpoolRecord(OTHER.spool_id, 9, NOON_MS + 2 * minute_ms + 2_000),
        ),
    )
    assert store.records.record("m1", NOON_MS + 7 * DAY_MS).readings_today == 0


async def test_meter_without_readings(store: Store) -> None:
    """Of a meter that delivered nothing there is nothing to tell, whether there are files or not."""
    for _ in range(2):
        record = store.records.record("m3", NOON_MS)
        assert (record.readings, record.newest_ms, record.delay_ms_min, record.spools) == (0, 0, None, ())
        assert store.records.gaps("m3", EVER, 10, 0) == []
        await store.append_readings(as_batches([row(SPOOL, 1, 0)]))


async def test_gaps(store: Store) -> None:
    """Missing sequences are told by spool, refused ones not being missing, and times without any spool's reading."""
    rows = [
        *(row(SPOOL, sequence, sequence) for sequence in (1, 2, 5)),
        row(SPOOL, 6, 6, refusal="READING_NEGATIVE"),
        row(SPOOL, 9, 9),
        row(OTHER, 7, 4),
        row(Spool("m2", ""), 1, 7),
    ]
    await store.append_readings(as_batches(rows))
    minute_ms = 60_000
    in_sequence = [
        Gap(SPOOL.spool_id, 3, 4, NOON_MS + 2 * minute_ms, NOON_MS + 5 * minute_ms),
        Gap(SPOOL.spool_id, 7, 8, NOON_MS + 6 * minute_ms + 2_000, NOON_MS + 9 * minute_ms),
    ]
    in_time = [
        Gap("", 0, 0, NOON_MS + 2 * minute_ms, NOON_MS + 4 * minute_ms),
        Gap("", 0, 0, NOON_MS + 5 * minute_ms, NOON_MS + 9 * minute_ms),
    ]
    assert store.records.gaps("m1", EVER, 10, 0) == in_sequence
    both = GapQuery(0, NOON_MS + DAY_MS, minute_ms)
    expected = sorted([*in_sequence, *in_time], key=lambda gap: (gap.from_ms, gap.spool_id))
    assert store.records.gaps("m1", both, 10, 0) == expected
    assert [store.records.gaps("m1", both, 1, skip)[0] for skip in range(4)] == expected, "pages follow on each other"
    assert store.records.gaps("m1", GapQuery(NOON_MS, NOON_MS + 3 * minute_ms, minute_ms), 10, 0) == []
