from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.clock import SimulatedClock
from edge.domain.meter import Meter, MeterKind
from edge.services.witness import TimeWitness
from edge.store.evaluations import EvaluationRun
from edge.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW_MS = 1_781_856_000_000
RUN = EvaluationRun("sunny/ev", NOW_MS, "sha256:00", 1, 0, 0, "sha256:11", NOW_MS + 60_000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, "5e" * 32, memory_bytes_max=256 * 1024 * 1024, threads_max=1, write_queue_max=100)
    yield opened
    opened.close()


async def test_what_the_state_says(store: Store) -> None:
    """A clock that shows less than when a meter was enrolled, or a trigger ran, is behind; one that shows more is not.

    A clock says so from more than five seconds on, so that setting it right does not.
    """
    await store.write(lambda tables: tables.meters.insert(Meter("m1", "h1", MeterKind.ELECTRICITY, NOW_MS)))
    for known_ms in (NOW_MS, NOW_MS + 60_000):
        for behind_ms, is_behind in ((5_001, True), (5_000, False), (-1, False)):
            witness = TimeWitness(SimulatedClock(known_ms - behind_ms))
            await store.read(witness.note_stored)
            assert (witness.doubt() is not None) is is_behind
            assert not is_behind or "5 s behind" in str(witness.doubt())
        if known_ms == NOW_MS:
            await store.write(lambda tables: tables.evaluations.insert(RUN))


async def test_new_edge(store: Store) -> None:
    """An edge that has seen nothing yet believes its clock, whatever it shows."""
    witness = TimeWitness(SimulatedClock(0))
    await store.read(witness.note_stored)
    assert witness.doubt() is None
