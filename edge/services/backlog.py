"""The backlog: how many readings may be in memory at a time, of all streams together."""

from __future__ import annotations

import asyncio
from collections import deque


class Backlog:
    """Lets readings in, first come, first served, until they are as many as there may be. Used from one event loop."""

    def __init__(self, readings_max: int) -> None:
        self._left = readings_max
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def enter(self, readings: int) -> None:
        """Returns once there is room for so many, which are no more than there may be at all."""
        if not self._waiting and readings <= self._left:
            self._left -= readings
            return
        let_in: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((readings, let_in))
        try:
            await let_in
        except asyncio.CancelledError:
            # Given up while it waited, or let in at the very moment.
            self.leave(0 if let_in.cancelled() else readings)
            raise

    def leave(self, readings: int) -> None:
        """Makes room again for so many."""
        self._left += readings
        # A large batch at the front keeps smaller ones behind it waiting: else they would keep it waiting for ever.
        while self._waiting and (self._waiting[0][0] <= self._left or self._waiting[0][1].cancelled()):
            taken, let_in = self._waiting.popleft()
            if not let_in.cancelled():
                self._left -= taken
                let_in.set_result(None)
