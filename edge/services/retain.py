"""Retention: what is older than the operator keeps goes, file by file, and so does what there is no room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind
from edge.domain.slot import day_of
from edge.store.shelf import date_text

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.services.audit import AuditLog
    from edge.settings import RetentionSection
    from edge.store.housekeeping import RemovedDay
    from edge.store.store import Store, Transaction

_log = structlog.get_logger(__name__)


class Retention:
    """Removes days. Readings leave their roll-ups behind; how far each spool had come is kept for ever."""

    def __init__(self, store: Store, audit: AuditLog, settings: RetentionSection, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._settings = settings
        self._clock = clock

    async def apply(self) -> None:
        """Removes what is too old, then, oldest first, what there is no room for.

        The state is never removed, nor are today's files. When nothing else is left the store counts as full.

        Raises:
            StoreError: the database refused, or a file is being read; the rest goes next time.
            LimitError: too much waits to be written.
        """
        today = day_of(self._clock.now_ms())
        for files in self._store.files.days():
            if files.readings_bytes and not files.problem and files.day <= today - self._settings.raw_days:
                await self._remove_readings(files.day)
            if files.rollups_bytes and files.day <= today - self._settings.rollup_days:
                await self._remove_rollups(files.day)
        self._store.files.is_full = not await self._make_room(today)

    async def _make_room(self, today: int) -> bool:
        """Returns whether what there is is within its bound, or could be brought there."""
        while self._is_over():
            days = [files for files in self._store.files.days() if files.day < today]
            readings = next((files.day for files in days if files.readings_bytes and not files.problem), None)
            rollups = next((files.day for files in days if files.rollups_bytes), None)
            if readings is not None:
                await self._remove_readings(readings)
            elif rollups is not None:
                await self._remove_rollups(rollups)
            else:
                if not self._store.files.is_full:
                    _log.error("store_full", bytes_max=self._settings.store_bytes_max)
                return False
        return True

    def _is_over(self) -> bool:
        bytes_max = self._settings.store_bytes_max
        return bool(bytes_max) and self._store.files.total_bytes() > bytes_max

    async def _remove_readings(self, day: int) -> None:
        await self._store.remove_readings(day, self._clock.now_ms(), self._note_readings)
        _log.info("readings_removed", day=date_text(day))

    def _note_readings(self, transaction: Transaction, removed: RemovedDay) -> None:
        detail: dict[str, object] = {"day": date_text(removed.day), "readings": removed.readings}
        self._record(transaction, EventKind.READINGS_REMOVED, detail)

    async def _remove_rollups(self, day: int) -> None:
        await self._store.change_files(lambda files: files.remove_rollups(day))
        detail: dict[str, object] = {"day": date_text(day)}
        await self._store.write(lambda transaction: self._record(transaction, EventKind.ROLLUPS_REMOVED, detail))
        _log.info("rollups_removed", day=date_text(day))

    def _record(self, transaction: Transaction, kind: EventKind, detail: dict[str, object]) -> None:
        self._audit.record(transaction, [Event(kind, self._clock.now_ms(), (OPERATOR_SUBJECT,), detail)])
