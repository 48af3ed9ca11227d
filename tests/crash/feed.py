"""Gateways that report without a pause, remember what they were told is durable, and check that it is there."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.domain.slot import DAY_MS
from edge.store.engine import day_name
from edge_sdk.errors import EdgeError
from edge_sdk.identity import Identity
from edge_sdk.meter import MeterClient
from edge_sdk.wire.v1.meter_pb2 import Reading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.store.store import Store
    from edge_sdk.wire.v1.meter_pb2 import ReportReadingsResponse

BATCH = 100
TODAY = int(time.time() * 1000) // DAY_MS


@dataclass
class Feed:
    """A gateway with one spool. A reading follows from its sequence, so none has to be remembered.

    Every batch lies across the end of a day.

    Attributes:
        first_day: the day before the first border.
        days: how many borders there are; after the last one it begins again at the first.
        before: how many of a batch lie before the border; with 0 there is none in it.
        pause_s: between two batches.
        until: the last sequence that is to be sent; 0 for no end.
        sent: the last sequence that was handed to the line.
        acknowledged: the last one that the edge said is durable.
        faults: the reasons that streams ended with.
    """

    folder: Path
    meter_id: str
    spool_id: str = ""
    first_day: int = TODAY - 14
    days: int = 10
    before: int = BATCH // 2
    pause_s: float = 0.03
    until: int = 0
    sent: int = 0
    acknowledged: int = 0
    faults: list[str] = field(default_factory=list)

    def time_ms(self, sequence: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the times of readings."""
        batch, place = np.divmod(sequence - 1, BATCH)
        return (self.first_day + 1 + batch // 20 % self.days) * DAY_MS + (place - self.before) * 1000

    async def run(self) -> None:
        """Reports until cancelled, over one connection after the other."""
        identity = Identity.load(self.folder)
        while True:
            try:
                async with MeterClient(identity) as client:
                    await self._report(client)
            except EdgeError as error:
                self.faults.append(error.reason)
            await asyncio.sleep(0.02)

    async def _report(self, client: MeterClient) -> None:
        resumed = False
        async for response in client.report(self._batches(), spool_id=self.spool_id):
            self._note(response)
            if not resumed:
                # Nothing that was not sent, and all that was acknowledged.
                resumed, self.sent = True, response.durable_sequence

    def _note(self, response: ReportReadingsResponse) -> None:
        assert not response.rejections
        assert self.acknowledged <= response.durable_sequence <= self.sent
        self.acknowledged = response.durable_sequence

    async def _batches(self) -> AsyncIterator[Sequence[Reading]]:
        while True:
            while self.until and self.sent >= self.until:  # noqa: ASYNC110 - whoever sets it signals nobody
                await asyncio.sleep(0.02)
            sequences = np.arange(self.sent + 1, (self.sent // BATCH + 1) * BATCH + 1)
            times = self.time_ms(sequences)
            self.sent = int(sequences[-1])
            yield [
                Reading(sequence=sequence, time_ms=time_ms, energy_import_wh=sequence, power_import_w=1)
                for sequence, time_ms in zip(sequences.tolist(), times.tolist(), strict=True)
            ]
            await asyncio.sleep(self.pause_s)

    async def acknowledgement(self, limit_s: float) -> None:
        """Returns once something is acknowledged that was not when this was called."""
        before, deadline_s = self.acknowledged, time.monotonic() + limit_s
        while self.acknowledged == before:
            assert time.monotonic() < deadline_s, f"nothing acknowledged; {self.faults[-3:]}"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(feeds: Sequence[Feed]) -> AsyncIterator[None]:
    """Within it, gateways report."""
    tasks = [asyncio.create_task(feed.run()) for feed in feeds]
    try:
        yield
    finally:
        for task in tasks:
            if not task.done():  # else it met an answer that cannot be true
                task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@dataclass(frozen=True, slots=True)
class Found:
    """What an edge's files hold of a feed."""

    stored: int
    lost: int
    doubled: int


def found_of(store: Store, feed: Feed, without: Sequence[int] = ()) -> Found:
    """Returns what is stored of a feed, and checks that it is what was sent.

    Args:
        store: the edge's, which has stopped.
        feed: what reported to it.
        without: days whose readings are known to be gone.
    """
    rows = list(_rows_of(store, feed))
    sequence = np.concatenate([row["sequence"] for row in rows]).astype(np.int64)
    assert np.array_equal(np.concatenate([row["time_ms"] for row in rows]), feed.time_ms(sequence))
    assert np.array_equal(np.concatenate([row["energy_import_wh"] for row in rows]), sequence)
    stored = np.unique(sequence)
    last = max(feed.acknowledged, int(stored.max(initial=0)))
    expected = np.arange(1, last + 1)
    if without:
        expected = expected[~np.isin(feed.time_ms(expected) // DAY_MS, without)]
        stored = stored[~np.isin(feed.time_ms(stored) // DAY_MS, without)]
    return Found(
        int(stored.size), int(np.setdiff1d(expected, stored).size), int(sequence.size - np.unique(sequence).size)
    )


def _rows_of(store: Store, feed: Feed) -> Iterator[dict[str, NDArray[np.int64]]]:
    with store.readings._engine.reading() as cursor:
        for day in store.readings._engine.days():
            sql = f"SELECT sequence, time_ms, energy_import_wh FROM {day_name(day)}.readings"
            yield cursor.execute(
                f"{sql} WHERE meter_id = ? AND spool_id = ?", [feed.meter_id, feed.spool_id]
            ).fetchnumpy()
