"""A household's newest readings, as they become durable.

Each stream keeps a bounded number of them. Whoever reads more slowly than they come gets the newest, and how many were
left out; the rest is on disk, where `edge.services.view` finds it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.domain.meter_reading import MeterReading, reading_of_row
from edge.domain.tenure import FOREVER_MS
from edge.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from edge.domain.batch import Integers
    from edge.domain.meter import Meter
    from edge.settings import HouseholdViewSection
    from edge.store.arrow import StoredBatch
    from edge.store.store import Store


@dataclass(frozen=True, slots=True)
class LivePart:
    """Readings in the order they became durable, and how many before them were left out."""

    readings: tuple[MeterReading, ...]
    left_out: int


@dataclass(slots=True, eq=False)
class _Listener:
    kept: deque[MeterReading]
    meters: dict[str, Meter] = field(default_factory=dict)
    left_out: int = 0
    something: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self) -> LivePart:
        part = LivePart(tuple(self.kept), self.left_out)
        self.kept.clear()
        self.left_out = 0
        self.something.clear()
        return part


class LiveReadings:
    """Who follows which meters. Used from one event loop."""

    def __init__(self, store: Store, settings: HouseholdViewSection) -> None:
        self._store = store
        self._settings = settings
        self._listeners: dict[str, set[_Listener]] = {}
        self._closed = False

    def close(self) -> None:
        """Ends every stream, once it has handed out what it keeps."""
        self._closed = True
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.something.set()

    def note_meter(self, meter: Meter) -> None:
        """Takes notice of a meter that was enrolled or retired."""
        for listener in self._listeners.get(meter.household_id, ()):
            listener.meters[meter.meter_id] = meter

    def note_durable(self, batches: Sequence[StoredBatch]) -> None:
        """Hands readings that are on disk now to whoever follows their meters."""
        if not self._listeners:
            return
        by_meter: dict[str, list[tuple[int, StoredBatch]]] = {}
        for place, batch in enumerate(batches):
            by_meter.setdefault(batch.spool.meter_id, []).append((place, batch))
        for listeners in self._listeners.values():
            for listener in listeners:
                own = [found for meter_id in listener.meters for found in by_meter.get(meter_id, ())]
                self._hand_over(listener, [batch for _, batch in sorted(own, key=lambda found: found[0])])

    async def follow(self, household_id: str) -> AsyncGenerator[LivePart, None]:
        """Yields what becomes durable from now on, until the caller stops or the edge does.

        Raises:
            LimitError: the household has too many streams open.
            StoreError: the database refused.
        """
        with self._listen(household_id) as listener:
            known = await self._store.read(lambda tables: tables.meters.of_household(household_id))
            # What was noted meanwhile is newer.
            listener.meters = {meter.meter_id: meter for meter in known} | listener.meters
            while listener.kept or not self._closed:
                await listener.something.wait()
                part = listener.take()
                if part.readings:
                    yield part

    @contextmanager
    def _listen(self, household_id: str) -> Iterator[_Listener]:
        listeners = self._listeners.setdefault(household_id, set())
        if len(listeners) >= self._settings.live_streams_max:
            raise LimitError(
                f"The household has {len(listeners)} live streams open.",
                advice="Close one, or try again later.",
                reason="STREAMS_TOO_MANY",
            )
        listener = _Listener(deque(maxlen=self._settings.live_readings_max))
        listeners.add(listener)
        try:
            yield listener
        finally:
            listeners.discard(listener)
            if not listeners:
                self._listeners.pop(household_id, None)

    def _hand_over(self, listener: _Listener, batches: Sequence[StoredBatch]) -> None:
        """Adds a commit's readings to what a listener keeps. Only those that it can keep are looked at one by one."""
        own = [(batch, _own_rows(batch, listener.meters[batch.spool.meter_id])) for batch in batches]
        count = sum(rows.size for _, rows in own)
        if not count:
            return
        room = self._settings.live_readings_max
        listener.left_out += max(0, len(listener.kept) + count - room)
        skip = max(0, count - room)
        for batch, rows in own:
            meter = listener.meters[batch.spool.meter_id]
            listener.kept.extend(_reading(batch, row, meter) for row in rows[skip:].tolist())
            skip = max(0, skip - rows.size)
        listener.something.set()


def _own_rows(batch: StoredBatch, meter: Meter) -> Integers:
    """Returns the rows that were kept, of the time that the meter was the household's own."""
    rows = batch.kept
    times_ms = batch.readings.time_ms[rows]
    until_ms = FOREVER_MS if meter.retired_ms is None else meter.retired_ms
    return rows[np.flatnonzero((times_ms >= meter.enrolled_ms) & (times_ms < until_ms))]


def _reading(batch: StoredBatch, row: int, meter: Meter) -> MeterReading:
    spool = batch.spool
    reading = reading_of_row(
        batch.readings, row, spool.meter_id, spool.spool_id, batch.received_ms, int(batch.quality[row])
    )
    return reading.of_own_time(meter)
