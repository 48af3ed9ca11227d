"""Time as a seam: everything that asks what time it is, or waits, is handed a `Clock`."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits for it."""

    def now_ms(self) -> int:
        """Unix time in milliseconds, UTC."""
        ...

    async def sleep_until(self, time_ms: int) -> None:
        """Returns once `now_ms()` is at least `time_ms`."""
        ...


class SystemClock:
    """The machine's clock. Waits in short steps, so that a clock set forward or back is noticed."""

    _STEP_S_MAX = 1.0

    def now_ms(self) -> int:
        """Unix time in milliseconds, UTC."""
        return time.time_ns() // 1_000_000

    async def sleep_until(self, time_ms: int) -> None:
        """Returns once the machine's clock shows at least `time_ms`."""
        while (left_ms := time_ms - self.now_ms()) > 0:  # noqa: ASYNC110 - a clock set anew signals nobody
            await asyncio.sleep(min(left_ms / 1000, self._STEP_S_MAX))


class SimulatedClock:
    """A clock that moves only when told to, for the demo, tests and simulation. Used from one event loop."""

    def __init__(self, start_ms: int) -> None:
        self._now_ms = start_ms
        self._order = itertools.count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._somebody_sleeps = asyncio.Event()

    def now_ms(self) -> int:
        """The simulated time, unix ms UTC."""
        return self._now_ms

    async def sleep_until(self, time_ms: int) -> None:
        """Returns once the clock has been advanced to `time_ms`."""
        if time_ms <= self._now_ms:
            return
        future = asyncio.get_running_loop().create_future()
        sleeper = (time_ms, next(self._order), future)
        heapq.heappush(self._sleepers, sleeper)
        self._somebody_sleeps.set()
        try:
            await future
        except asyncio.CancelledError:
            self._forget(sleeper)
            raise

    async def until_somebody_sleeps(self) -> None:
        """Returns once anybody waits for a later time. Where one party sleeps, it has then done what it woke for."""
        await self._somebody_sleeps.wait()

    def advance_to(self, time_ms: int) -> None:
        """Moves to `time_ms` and wakes whoever waited for it or earlier.

        Raises:
            ValueError: if that would go back.
        """
        if time_ms < self._now_ms:
            raise ValueError(f"the clock shows {self._now_ms}, it cannot go back to {time_ms}")
        self._now_ms = time_ms
        while self._sleepers and self._sleepers[0][0] <= time_ms:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():
                future.set_result(None)
        if not self._sleepers:
            self._somebody_sleeps.clear()

    def _forget(self, sleeper: tuple[int, int, asyncio.Future[None]]) -> None:
        if sleeper in self._sleepers:  # else it was woken and cancelled at once
            self._sleepers.remove(sleeper)
            heapq.heapify(self._sleepers)
        if not self._sleepers:
            self._somebody_sleeps.clear()
