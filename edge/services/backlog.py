"""The backlog: how many readings may be in memory at a time, of all streams together.

Meters take turns, and each has a share that it cannot go beyond, however many streams it opens: one that brings much
does not hold up the others.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from typing import TypeAlias

_Waiting: TypeAlias = "deque[tuple[int, asyncio.Future[None]]]"


class Backlog:
    """Lets readings in, until they are as many as there may be. Used from one event loop.

    Args:
        readings_max: of all meters.
        meter_readings_max: of one; a larger batch is let in when the meter has nothing else inside.
    """

    def __init__(self, readings_max: int, meter_readings_max: int) -> None:
        self._left = readings_max
        self._meter_readings_max = meter_readings_max
        self._inside: Counter[str] = Counter()
        # By meter; whose turn it is stands first.
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()

    async def enter(self, meter_id: str, readings: int) -> None:
        """Returns once there is room for so many, which are no more than there may be at all."""
        let_in: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(meter_id, deque()).append((readings, let_in))
        self._let_in()
        try:
            await let_in
        except asyncio.CancelledError:
            # Given up while it waited, or let in at the very moment.
            self.leave(meter_id, 0 if let_in.cancelled() else readings)
            raise

    def leave(self, meter_id: str, readings: int) -> None:
        """Makes room again for so many."""
        self._left += readings
        self._inside[meter_id] -= readings
        if self._inside[meter_id] <= 0:
            del self._inside[meter_id]
        self._let_in()

    def _let_in(self) -> None:
        while (meter_id := self._next()) is not None:
            waiting = self._waiting[meter_id]
            readings, let_in = waiting.popleft()
            if waiting:
                self._waiting.move_to_end(meter_id)
            else:
                del self._waiting[meter_id]
            self._left -= readings
            self._inside[meter_id] += readings
            let_in.set_result(None)

    def _next(self) -> str | None:
        """Returns the first meter in turn whose next batch may come in, or None."""
        for meter_id, waiting in list(self._waiting.items()):
            while waiting and waiting[0][1].cancelled():
                waiting.popleft()
            if not waiting:
                del self._waiting[meter_id]
                continue
            readings, inside = waiting[0][0], self._inside[meter_id]
            if inside and inside + readings > self._meter_readings_max:
                continue
            # A large batch at the front keeps smaller ones behind it waiting: else they would keep it out for ever.
            return meter_id if readings <= self._left else None
        return None
