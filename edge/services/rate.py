"""How fast readings may come in: of each meter, and of all of them together.

Who brings more is made to wait before the next message is read, so a flood stays on the wire and costs no memory.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict


class Bucket:
    """Room for a burst that fills up again steadily. May be overdrawn by one batch, which is then waited for.

    Args:
        per_s: how much room comes back in a second.
        burst: how much there is at most.
    """

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._room = float(burst)
        self._seen_s: float | None = None

    def take(self, amount: int, now_s: float) -> float:
        """Takes room; returns for how many seconds whoever took it has to wait."""
        if self._seen_s is not None:
            self._room = min(self._burst, self._room + (now_s - self._seen_s) * self._per_s)
        self._seen_s = now_s
        self._room -= amount
        return max(0.0, -self._room / self._per_s)

    def is_full(self, now_s: float) -> bool:
        """Returns whether nothing would be lost by forgetting it."""
        return self._seen_s is None or self._room + (now_s - self._seen_s) * self._per_s >= self._burst


class RateLimit:
    """Makes meters wait that bring too much. Used from one event loop.

    Args:
        meter_per_s: readings a second of one meter,
        meter_burst: and how many of it may come at once after a pause.
        total_per_s: the same of all meters together.
        total_burst: the same.
    """

    def __init__(self, meter_per_s: int, meter_burst: int, total_per_s: int, total_burst: int) -> None:
        self._meter_per_s, self._meter_burst = meter_per_s, meter_burst
        self._total = Bucket(total_per_s, total_burst)
        # By meter, the one that was seen longest ago first.
        self._meters: OrderedDict[str, Bucket] = OrderedDict()

    async def pass_by(self, meter_id: str, readings: int) -> None:
        """Returns once so many readings of a meter may come in. A meter's own limit is waited for first."""
        loop = asyncio.get_running_loop()
        self._forget(loop.time())
        bucket = self._meters.setdefault(meter_id, Bucket(self._meter_per_s, self._meter_burst))
        self._meters.move_to_end(meter_id)
        await _wait(bucket.take(readings, loop.time()))
        await _wait(self._total.take(readings, loop.time()))

    def _forget(self, now_s: float) -> None:
        """Forgets, a few at a time, meters that have all their room again."""
        for meter_id in [meter_id for meter_id, _ in zip(self._meters, range(2), strict=False)]:
            if self._meters[meter_id].is_full(now_s):
                del self._meters[meter_id]


async def _wait(pause_s: float) -> None:
    if pause_s > 0:
        await asyncio.sleep(pause_s)
