"""Readers: which certificates a household's readings were asked for with, in the household's own log.

The operator issues the identities of households, so it could issue itself one. Nobody can prevent that here; but who
has the household's own key sees that another one was used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.event import Event, EventKind, household_subject
from edge.domain.slot import day_of

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.domain.peer import Peer
    from edge.services.audit import AuditLog
    from edge.store.store import Store


class Readers:
    """Notes each certificate once a UTC day, however often it asks; once more after a restart."""

    def __init__(self, store: Store, audit: AuditLog, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._noted: set[str] = set()
        self._day = -1

    async def note(self, peer: Peer) -> str:
        """Returns the household that asks, once it is on disk that this certificate does.

        Raises:
            LimitError: too much waits to be written.
            StoreError: the database refused; then nothing is to be shown.
        """
        now_ms = self._clock.now_ms()
        if day_of(now_ms) != self._day:
            self._noted.clear()
            self._day = day_of(now_ms)
        if peer.serial_hex not in self._noted:
            detail: dict[str, object] = {"certificate": peer.serial_hex}
            event = Event(EventKind.READINGS_READ, now_ms, (household_subject(peer.name),), detail)
            await self._store.write(lambda transaction: self._audit.record(transaction, [event]))
            self._noted.add(peer.serial_hex)
        return peer.name
