from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.domain.reading import Counters, Quality
from edge.domain.slot import DAY_MS
from edge.domain.spool import Spool
from edge.errors import StoreError
from edge.store.engine import day_name
from tests.rows import Reading, StoredReading, as_batches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.store.store import Store

DAY = 20_000


def stored(spool: Spool, sequence: int, day: int, refusal: str | None = None, **registers: int) -> StoredReading:
    """Returns a reading of the first moment of a day."""
    time_ms = day * DAY_MS + sequence
    return StoredReading(spool, time_ms, Reading(sequence, time_ms, **registers), Quality.GOOD, refusal)


def sums(store: Store) -> dict[int, int]:
    """Returns how many rows the sum of each day has."""
    found = {}
    with store.readings._engine.reading() as cursor:
        for day in store.readings._engine.days():
            rows = cursor.execute(f"SELECT count(*) FROM {day_name(day)}.progress").fetchall()
            found[day - DAY] = rows[0][0]
    return found


async def test_days_that_are_over_are_summed_up(store: Store) -> None:
    """When a new day begins those before it are summed up, one row a spool; what is late takes the sum away again."""
    first, second = Spool("m1", "a" * 32), Spool("m1", "b" * 32)
    await store.append_readings(as_batches([stored(first, 1, DAY), stored(first, 2, DAY), stored(second, 1, DAY)]))
    assert sums(store) == {0: 0}
    await store.append_readings(as_batches([stored(first, 3, DAY + 1)]))
    assert sums(store) == {0: 2, 1: 0}
    await store.append_readings(as_batches([stored(second, 2, DAY, refusal="READING_NEGATIVE")]))
    assert sums(store) == {0: 0, 1: 0}
    assert store.progress.read().durable == {first: 3, second: 2}
    await store.sum_up_days()
    assert sums(store) == {0: 2, 1: 0}
    assert store.progress.read().durable == {first: 3, second: 2}


async def test_the_newest_of_a_meter_is_of_any_of_its_spools(store: Store) -> None:
    """A meter's newest reading is the newest of all its spools, over all days; when the last one came is known."""
    old, new = Spool("m1", "a" * 32), Spool("m1", "b" * 32)
    await store.append_readings(
        as_batches([stored(old, 7, DAY, energy_import_wh=70), stored(new, 2, DAY, energy_import_wh=20)])
    )
    progress = store.progress.read()
    assert progress.newest == {"m1": Counters(DAY * DAY_MS + 7, 70, None)}
    assert progress.received_ms == DAY * DAY_MS + 7
    await store.append_readings(as_batches([stored(new, 3, DAY + 1, energy_export_wh=5)]))
    await store.sum_up_days()
    assert store.progress.read().newest == {"m1": Counters((DAY + 1) * DAY_MS + 3, None, 5)}


async def test_failed_commit_leaves_the_sum(store: Store, tmp_path: Path) -> None:
    """A commit that fails leaves the day's sum as it was, and the next one still takes it away."""
    spool = Spool("m1", "a" * 32)
    await store.append_readings(as_batches([stored(spool, 1, DAY)]))
    await store.append_readings(as_batches([stored(spool, 2, DAY + 1)]))
    broken = stored(spool, 3, DAY, power_import_w=2**64)
    with pytest.raises(OverflowError):
        await store.append_readings(as_batches([broken]))
    assert sums(store) == {0: 1, 1: 0}
    await store.append_readings(as_batches([stored(spool, 3, DAY)]))
    assert store.progress.read().durable == {spool: 3}
    assert sums(store) == {0: 0, 1: 0}


FRESH = itertools.count()
STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans(), st.none() | st.integers(0, 9)), max_size=12
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS, sum_after=st.sets(st.integers(0, 11)))
def test_a_sum_says_what_the_readings_say(
    shared_store: Store, steps: list[tuple[int, int, bool, int | None]], sum_after: set[int]
) -> None:
    """Whenever days are summed up between commits, what is read is the same as from the readings alone."""
    meter = f"m{next(FRESH)}"
    sequences = dict.fromkeys(range(3), 0)
    for place, (number, day, is_refused, import_wh) in enumerate(steps):
        sequences[number] += 1
        spool = Spool(f"{meter}-{number // 2}", f"{number:032x}")
        registers = {} if import_wh is None else {"energy_import_wh": import_wh}
        refusal = "READING_NEGATIVE" if is_refused else None
        asyncio.run(
            shared_store.append_readings(
                as_batches([stored(spool, sequences[number], DAY + day, refusal, **registers)])
            )
        )
        if place in sum_after:
            asyncio.run(shared_store.sum_up_days())
    with_sums = shared_store.progress.read()
    asyncio.run(shared_store._writer.run(_forget_sums(shared_store)))
    assert shared_store.progress.read() == with_sums
    durable = {spool: last for spool, last in with_sums.durable.items() if spool.meter_id.startswith(f"{meter}-")}
    assert sorted(durable.values()) == sorted(last for last in sequences.values() if last)


def _forget_sums(store: Store) -> Callable[..., None]:
    def forget(cursor: object) -> None:
        for day in store.readings._engine.days():
            cursor.execute(f"DELETE FROM {day_name(day)}.progress")  # type: ignore[attr-defined]

    return forget


async def test_damage_while_reading(store: Store) -> None:
    """What the database refuses comes out as an error of the store."""
    await store.append_readings(as_batches([stored(Spool("m1", ""), 1, DAY)]))
    await store._writer.run(lambda cursor: cursor.execute(f"DROP TABLE {day_name(DAY)}.progress") and None)
    with pytest.raises(StoreError):
        store.progress.read()
