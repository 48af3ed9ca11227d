"""The household inbox: wakes whoever reads along."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class InboxChannel:
    """Keeps no actions, only who is listening."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = {}

    def notify(self, household_ids: Iterable[str]) -> None:
        """Wakes the listeners of these households."""
        for household_id in household_ids:
            for event in self._listeners.get(household_id, ()):
                event.set()

    @contextmanager
    def listen(self, household_id: str) -> Iterator[asyncio.Event]:
        """Yields an event that is set whenever something may wait; the listener clears it."""
        event = asyncio.Event()
        listeners = self._listeners.setdefault(household_id, set())
        listeners.add(event)
        try:
            yield event
        finally:
            listeners.discard(event)
            if not listeners:
                self._listeners.pop(household_id, None)
