from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from edge.errors import StoreError
from edge.store.evaluations import EvaluationRun, EvaluationTotals

if TYPE_CHECKING:
    from edge.store.store import Store, Tables

RUN = EvaluationRun("sunny/ev", 900_000, "sha256:00", 100, 3, 5, "sha256:11", 900_005)


def insert(run: EvaluationRun, tables: Tables) -> None:
    """Notes a run."""
    tables.evaluations.insert(run)


async def test_nothing_ran(store: Store) -> None:
    """Before the first slot there is no newest one, and the totals are zero."""
    assert store.read_now(lambda tables: tables.evaluations.newest_slots()) == {}
    assert store.read_now(lambda tables: tables.evaluations.totals()) == EvaluationTotals(0, 0)


async def test_newest_slot_of_each_trigger(store: Store) -> None:
    """Each trigger has its own newest slot, whatever the order of the runs and the version that ran."""
    for key, slot_ms in [("sunny/ev", 1_800_000), ("sunny/ev", 900_000), ("shady/ev", 900_000)]:
        await store.write(partial(insert, replace(RUN, trigger_key=key, slot_ms=slot_ms, module_digest=str(slot_ms))))
    assert store.read_now(lambda tables: tables.evaluations.newest_slots()) == {
        "sunny/ev": 1_800_000,
        "shady/ev": 900_000,
    }


async def test_what_a_clock_ahead_settled(store: Store) -> None:
    """Runs and stretches of missed slots that end after a time are told, each with its first and last slot."""
    for slot_ms, first_slot_ms in [(900_000, None), (4_500_000, 1_800_000), (5_400_000, None)]:
        await store.write(partial(insert, replace(RUN, slot_ms=slot_ms, first_slot_ms=first_slot_ms)))
    assert store.read_now(lambda tables: tables.evaluations.settled_after(2_000_000)) == {
        "sunny/ev": [(1_800_000, 4_500_000), (5_400_000, 5_400_000)]
    }
    assert store.read_now(lambda tables: tables.evaluations.settled_after(5_400_000)) == {}


async def test_totals(store: Store) -> None:
    """Totals are over all triggers and slots."""
    for slot_ms in (900_000, 1_800_000):
        await store.write(partial(insert, replace(RUN, slot_ms=slot_ms, evaluations=2**40)))
    totals = store.read_now(lambda tables: tables.evaluations.totals())
    assert totals == EvaluationTotals(evaluations=2**41, faults=6)


async def test_one_run_a_slot(store: Store) -> None:
    """A second run of a trigger at a slot is refused with all of its transaction, under whichever version."""
    await store.write(partial(insert, RUN))

    def again(tables: Tables) -> None:
        tables.documents.insert("policy", 1, b"", 0)
        tables.evaluations.insert(replace(RUN, module_digest="sha256:22"))

    with pytest.raises(StoreError):
        await store.write(again)
    assert store.read_now(lambda tables: tables.documents.newest("policy")) is None
    assert store.read_now(lambda tables: tables.evaluations.totals()) == EvaluationTotals(100, 3)
