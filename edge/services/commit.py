"""Group commit: readings of many streams become durable together.

One commit is under way at a time; what comes meanwhile makes up the next groups. If a commit fails, everything that
waits fails with it: a later reading is never stored while an earlier one of its spool is missing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from edge.errors import EdgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.metrics import Metrics
    from edge.settings import IngestSection
    from edge.store.arrow import StoredBatch
    from edge.store.store import Store

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Group:
    batches: list[StoredBatch] = field(default_factory=list)
    readings: int = 0
    durable: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class GroupCommit:
    """Collects readings and commits them. Used from one event loop.

    Args:
        on_end: is told of each group that has ended, and whether it is durable, before those who wait for it are.
    """

    def __init__(
        self,
        store: Store,
        settings: IngestSection,
        metrics: Metrics,
        on_end: Callable[[Sequence[StoredBatch], bool], None],
    ) -> None:
        self._store = store
        self._settings = settings
        self._metrics = metrics
        self._on_end = on_end
        self._groups: deque[_Group] = deque()
        self._filling = asyncio.Event()
        self._full = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begins to commit."""
        self._flusher = asyncio.create_task(self._flush_forever(), name="ingest-flusher")

    async def stop(self) -> None:
        """Commits what waits, then stops."""
        if self._flusher is None:
            return
        self._stopping = True
        self._filling.set()
        self._full.set()
        await self._flusher

    def add(self, batch: StoredBatch) -> asyncio.Future[None]:
        """Puts a batch into the newest group, or begins another if it would be too much for it.

        Returns:
            Done when it is durable; fails with what the store raised.
        """
        if not self._groups or self._groups[-1].readings + batch.size > self._settings.group_readings_max:
            self._groups.append(_Group())
        group = self._groups[-1]
        group.batches.append(batch)
        group.readings += batch.size
        self._signal()
        return group.durable

    def _signal(self) -> None:
        self._filling.clear()
        self._full.clear()
        if self._groups:
            self._filling.set()
        if len(self._groups) > 1 or (self._groups and self._groups[0].readings >= self._settings.flush_readings):
            self._full.set()

    async def _flush_forever(self) -> None:
        while not self._stopping or self._groups:
            await self._filling.wait()
            if not self._stopping:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._full.wait(), self._settings.flush_ms / 1000)
            if self._groups:
                await self._flush(self._groups.popleft())

    async def _flush(self, group: _Group) -> None:
        self._signal()
        try:
            with self._metrics.commit_s.time():
                await self._store.append_readings(group.batches)
        except Exception as error:  # noqa: BLE001 - whoever waits is told; the flusher lives on
            _log.error("readings_not_committed", readings=group.readings, **_told(error))
            self._fail([group, *self._groups], error)
            return
        self._metrics.readings.inc(sum(batch.size - len(batch.refused) for batch in group.batches))
        self._on_end(group.batches, True)
        group.durable.set_result(None)

    def _fail(self, groups: Sequence[_Group], error: Exception) -> None:
        self._groups.clear()
        self._signal()
        for group in groups:
            self._on_end(group.batches, False)
            group.durable.set_exception(error)
            group.durable.exception()  # a group may have nobody left who waits


def _told(error: Exception) -> dict[str, str]:
    """Returns what the log says of an error. One that was not foreseen may quote what it met."""
    if isinstance(error, EdgeError):
        return {"reason": error.reason, "error": str(error)}
    return {"error": type(error).__name__}
