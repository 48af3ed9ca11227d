from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.health import FaultCounts, ModuleHealth, SlotCounts

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.store.store import Store

ILL = ModuleHealth(
    evaluations=30,
    faults=FaultCounts(1, 2, 3, 4, 5),
    last=SlotCounts(900_000, 10, FaultCounts(trap=1)),
    last_fault_slot_ms=900_000,
    bad_slots=2,
    runs_again_ms=3_600_000,
)
STOPPED = ModuleHealth(last=SlotCounts(1, 1, FaultCounts()), bad_slots=5, quarantined_ms=4_500_000)


async def test_blank(store: Store) -> None:
    """A module that never ran has no faults and is not stopped."""
    assert store.read_now(lambda tables: tables.health.get("sunny", "sha256:00")) == ModuleHealth()
    assert store.read_now(lambda tables: (tables.health.all(), tables.health.quarantined())) == ({}, frozenset())


async def test_kept(open_store: Callable[[], Store]) -> None:
    """Health is each organization's own, read back whole after a restart, the newest in place of the one before."""
    store = open_store()
    noted = [("sunny", ModuleHealth()), ("sunny", ILL), ("shady", STOPPED), ("sunny", ILL)]
    for organization, health in noted:
        await store.write(lambda tables, o=organization, h=health: tables.health.put(o, "sha256:00", h))  # type: ignore[misc]
    store.close()
    store = open_store()
    assert store.read_now(lambda tables: tables.health.all()) == {
        ("sunny", "sha256:00"): ILL,
        ("shady", "sha256:00"): STOPPED,
    }
    assert store.read_now(lambda tables: tables.health.get("sunny", "sha256:00")) == ILL
    assert store.read_now(lambda tables: tables.health.quarantined()) == {("shady", "sha256:00")}
    store.close()
