from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge.domain.shadow import Comparison, ShadowSlot
from edge.domain.slot import DAY_MS

if TYPE_CHECKING:
    from edge.store.store import Store, Transaction

SLOT = ShadowSlot(DAY_MS + 900_000, 10, 1, {"go": 2, "stop": 1}, Comparison(9, 3))


def insert(transaction: Transaction, slot: ShadowSlot, *households: str, digest: str = "sha256:00") -> None:
    transaction.shadows.insert("sunny", digest, slot, households)


async def test_slots(store: Store) -> None:
    """A shadow's slots come back whole, newest first, and only its own."""
    later = replace(SLOT, slot_ms=2 * DAY_MS, actions={})
    await store.write(lambda tables: insert(tables, SLOT, "h1", "h2", "h3"))
    await store.write(lambda tables: insert(tables, later))
    await store.write(lambda tables: insert(tables, SLOT, "h1", digest="sha256:11"))
    assert store.read_now(lambda tables: tables.shadows.slots("sunny", "sha256:00")) == [later, SLOT]
    assert store.read_now(lambda tables: tables.shadows.slots("shady", "sha256:00")) == []


async def test_a_days_actions(store: Store) -> None:
    """Actions that would have been are counted by household within a UTC day, for each version by itself; who would
    have got them is forgotten with the day.
    """
    for slot_ms in (DAY_MS, 2 * DAY_MS - 1):
        await store.write(lambda tables, at=slot_ms: insert(tables, replace(SLOT, slot_ms=at), "h1", "h2"))  # type: ignore[misc]
    await store.write(lambda tables: insert(tables, SLOT, "h1", digest="sha256:11"))

    def counts(day: int) -> dict[str, int]:
        return store.read_now(lambda tables: tables.shadows.count_by_household("sunny", "sha256:00", day))

    assert (counts(1), counts(2)) == ({"h1": 2, "h2": 2}, {})
    await store.write(lambda tables: insert(tables, replace(SLOT, slot_ms=2 * DAY_MS), "h1"))
    assert (counts(1), counts(2)) == ({}, {"h1": 1})
