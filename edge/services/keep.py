"""Housekeeping: rolls up what is over, removes what is too old, rewrites closed days, and tells of what was set aside.

It looks around by the machine's own time, whatever the time the edge lives in: it is about the machine's disk.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind
from edge.domain.slot import day_of
from edge.errors import EdgeError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from edge.clock import Clock
    from edge.services.audit import AuditLog
    from edge.services.retain import Retention
    from edge.store.store import Store, Transaction

_log = structlog.get_logger(__name__)
_PAUSE_S = 10.0
# Readings of a quarter-hour still come in for a while, and each takes the roll-up away again.
_SETTLE_MS = 60_000


class Keeper:
    """Keeps the store in order. Each of its jobs is tried again in the next round if it fails."""

    def __init__(self, store: Store, audit: AuditLog, retention: Retention, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._retention = retention
        self._clock = clock
        self._appends: dict[int, int] = {}

    async def run(self) -> None:
        """Does a round now and every ten seconds, until cancelled."""
        while True:
            await self.round()
            await asyncio.sleep(_PAUSE_S)

    async def round(self) -> None:
        """Does all that is due."""
        await self._tried("set_aside", self._tell_of_set_aside())
        busy = self._busy()
        await self._tried("roll_up", self._roll_up(busy))
        await self._tried("retention", self._retention.apply())
        await self._tried("rewrite", self._rewrite(busy))

    async def _tried(self, job: str, work: Awaitable[None]) -> None:
        try:
            await work
        except EdgeError as error:
            _log.warning("housekeeping_failed", job=job, reason=error.reason, error=str(error))

    async def _roll_up(self, busy: frozenset[int]) -> None:
        # A piece at a time: readings go between.
        while await self._store.roll_up(self._clock.now_ms() - _SETTLE_MS, busy):
            pass

    def _busy(self) -> frozenset[int]:
        """Returns the days before today that readings come in for, as when a gateway catches up.

        Rolled up now, they would have to be again with the next batch: they are when they rest.
        """
        before, self._appends = self._appends, self._store.rollups.appends()
        today = day_of(self._clock.now_ms())
        return frozenset(day for day, number in self._appends.items() if day < today and number != before.get(day, 0))

    async def _rewrite(self, busy: frozenset[int]) -> None:
        today = day_of(self._clock.now_ms())
        done = await self._store.read(lambda tables: tables.housekeeping.rewritten_days())
        for files in self._store.files.days():
            # Late readings of yesterday still come; the day is closed when another has passed.
            if files.day < today - 1 and files.day not in done and files.day not in busy:
                # One that cannot be rewritten now keeps no other from it.
                await self._tried("rewrite", self._store.rewrite_day(files.day, self._clock.now_ms()))

    async def _tell_of_set_aside(self) -> None:
        known = await self._store.read(lambda tables: tables.housekeeping.set_aside())
        files = sorted(set(self._store.files.set_aside()) - known)
        if not files:
            return
        _log.error("files_set_aside", files=files)

        def note(transaction: Transaction) -> None:
            now_ms = self._clock.now_ms()
            transaction.housekeeping.note_set_aside(files, now_ms)
            event = Event(EventKind.FILES_SET_ASIDE, now_ms, (OPERATOR_SUBJECT,), {"files": list(files)})
            self._audit.record(transaction, [event])

        await self._store.write(note)
