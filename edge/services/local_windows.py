"""Makes windows of readings that somebody handed in, by the store's own definitions.

The readings go through a store that is made for the purpose and thrown away: a window here is a window at an edge.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np

from edge.domain.meter import Meter, MeterKind
from edge.domain.recording import input_block
from edge.domain.slot import DAY_MS, slots_between
from edge.domain.spool import Spool
from edge.domain.window import LocalTime, WindowSpec, clock_window, window_specs
from edge.errors import InvalidRequestError, LimitError
from edge.services.input_table import CELLS_MAX
from edge.services.reading_table import batch_of
from edge.services.subjects import Inputs, Subject
from edge.settings import StoreSection
from edge.store.arrow import StoredBatch
from edge.store.store import Store
from edge_sdk.catalogue import Extent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.domain.recording import Matrix
    from edge.services.reading_table import HouseholdReading
    from edge_sdk.manifest import Manifest

_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Street:
    """What of a neighbourhood the windows depend on, beside its readings."""

    local: LocalTime
    group_min: int


def every_slot(
    manifest: Manifest, readings: Sequence[HouseholdReading], from_ms: int | None, until_ms: int | None
) -> list[int]:
    """Returns the trigger's slots from one time through another.

    Where none is given: from the first at which the longest window lies within the readings, through the last of them.

    Raises:
        InvalidRequestError: there is none.
    """
    times = [item.time_ms for item in readings]
    longest_ms = max(item.window_s for item in manifest.input) * 1000
    first_ms = min(times) + longest_ms if from_ms is None else from_ms
    slots = list(slots_between(first_ms - 1, max(times) if until_ms is None else until_ms, manifest.trigger.every_s))
    if not slots:
        raise InvalidRequestError(
            f"No slot of a trigger that runs every {manifest.trigger.every} lies in that time.",
            advice="Say which with --at, or widen it with --from and --until; a window may begin before the readings.",
            reason="INPUTS_INVALID",
        )
    return slots


def check_slots(manifest: Manifest, slots: Sequence[int]) -> None:
    """Refuses times that are no slots of the trigger.

    Raises:
        InvalidRequestError: one is not.
    """
    for slot_ms in slots:
        if slot_ms < 0 or slot_ms % (manifest.trigger.every_s * 1000):
            raise InvalidRequestError(
                f"{slot_ms} is no slot: the trigger runs every {manifest.trigger.every}, counted from midnight UTC.",
                advice="Give a time that is.",
                reason="INPUTS_INVALID",
            )


async def inputs_of_readings(
    readings: Sequence[HouseholdReading], manifest: Manifest, slots: Sequence[int], street: Street
) -> Inputs:
    """Returns the input block of every household at each of `slots`: slot by slot, households by name.

    Raises:
        LimitError: that is too much at once.
        StoreError: there is no room for the temporary files.
    """
    households = sorted({item.household for item in readings})
    one_row = manifest.trigger.scope == "neighbourhood"
    rows = 1 if one_row else len(households)
    if rows * len(slots) * manifest.samples > CELLS_MAX:
        raise LimitError(
            f"{len(slots)} slots of {rows} households have more than {CELLS_MAX} samples.",
            advice="Take fewer slots or households at once.",
        )
    specs = window_specs(manifest)
    with TemporaryDirectory(prefix="edge-windows-") as folder:
        store = await asyncio.to_thread(_open, Path(folder))
        try:
            await _fill(store, _needed(readings, specs, slots))
            blocks = [
                input_block(await asyncio.to_thread(_windows, store, specs, slot_ms, households, street), rows)
                for slot_ms in slots
            ]
        finally:
            await asyncio.to_thread(store.close)
    names = [""] if one_row else households
    return Inputs(tuple(Subject(name, slot_ms) for slot_ms in slots for name in names), np.concatenate(blocks))


def _open(folder: Path) -> Store:
    bounds = StoreSection()
    return Store.open(
        folder,
        secrets.token_hex(32),
        memory_bytes_max=bounds.memory_bytes_max,
        threads_max=bounds.threads_max,
        write_queue_max=bounds.write_queue_max,
    )


def _needed(
    readings: Sequence[HouseholdReading], specs: Sequence[WindowSpec], slots: Sequence[int]
) -> list[HouseholdReading]:
    """Returns the readings that a window can see: a year of them would be a year of files."""
    # A counter is looked for one sample further back, and a day is a file.
    first_ms = min(spec.start_ms(slots[0]) - spec.resolution_ms for spec in specs) - DAY_MS
    last_ms = slots[-1]
    return [item for item in readings if first_ms <= item.time_ms <= last_ms]


async def _fill(store: Store, readings: Sequence[HouseholdReading]) -> None:
    in_order = sorted(readings, key=lambda item: item.household)
    for household, own in groupby(in_order, key=lambda item: item.household):
        rows = list(own)
        for first in range(0, len(rows), _AT_ONCE):
            batch = batch_of(rows[first : first + _AT_ONCE])
            stored = StoredBatch(Spool(household, ""), 0, batch, np.zeros(batch.size, np.uint8))
            await store.append_readings([stored])


def _windows(
    store: Store, specs: Sequence[WindowSpec], slot_ms: int, households: Sequence[str], street: Street
) -> list[Matrix]:
    meters = [Meter(household, household, MeterKind.ELECTRICITY, 0) for household in households]
    windows = store.windows.matrix(specs, slot_ms, households, meters, street.group_min)
    return [
        np.array([clock_window(spec, slot_ms, street.local)]) if spec.series.extent is Extent.CLOCK else windows[place]
        for place, spec in enumerate(specs)
    ]
