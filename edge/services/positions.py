"""How far each spool of each meter has come, in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.domain.spool import Spool
from edge.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.domain.reading import Counters
    from edge.errors import EdgeError
    from edge.services.stream import Stream
    from edge.store.store import Store


@dataclass(slots=True)
class Position:
    """How far one spool has come.

    Attributes:
        durable: the last sequence that is on disk.
        accepted: the last one that was taken on.
        pending: done when what was accepted is durable or has failed.
        stream: the one that is open.
    """

    durable: int = 0
    accepted: int = 0
    pending: asyncio.Future[None] | None = None
    stream: Stream | None = None


class Positions:
    """Knows what the disk knows, and what is on its way there. Used from one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._of_meters: dict[str, dict[str, Position]] = {}
        # Meters that lost readings on the way: the disk may hold more of them than memory knows, or less.
        self._uncertain: set[str] = set()
        self._recalling = asyncio.Lock()
        self.newest: dict[str, Counters] = {}
        """Time and counters of each meter's newest reading."""

    async def start(self) -> int:
        """Learns from the store how far each spool has come; returns when the newest reading came, unix ms or 0."""
        progress = await asyncio.to_thread(self._store.progress.read)
        self.newest = progress.newest
        for spool, sequence in progress.durable.items():
            position = self.of(spool)
            position.durable = position.accepted = sequence
        return progress.received_ms

    def of(self, spool: Spool) -> Position:
        """Returns where a spool stands; at the beginning if nothing ever came of it."""
        return self._of_meters.setdefault(spool.meter_id, {}).setdefault(spool.spool_id, Position())

    def check_room(self, spool: Spool, streams_max: int, spools_max: int) -> None:
        """Returns if the meter may have a stream of this spool. One that replaces another takes no room.

        Raises:
            LimitError: it has too many open, or too many spools.
        """
        others = {
            spool_id: position
            for spool_id, position in self._of_meters.get(spool.meter_id, {}).items()
            if spool_id != spool.spool_id
        }
        if sum(position.stream is not None for position in others.values()) >= streams_max:
            raise LimitError(
                f"Meter {spool.meter_id} has {streams_max} streams open.",
                advice="Close one, or try again later.",
                reason="STREAMS_TOO_MANY",
            )
        if len(others) >= spools_max and spool.spool_id not in self._of_meters[spool.meter_id]:
            raise LimitError(
                f"Meter {spool.meter_id} has delivered from {spools_max} spools, and this is another.",
                advice="Keep a gateway's spool instead of making one at each start; the operator can raise the limit.",
                reason="SPOOLS_TOO_MANY",
            )

    def close(self, stream: Stream) -> None:
        """Notes that a stream has ended."""
        of_meter = self._of_meters[stream.spool.meter_id]
        position = of_meter.get(stream.spool.spool_id)
        if position is None or position.stream is not stream:
            return
        position.stream = None
        if not position.accepted:
            # Nothing came: an id that is made up anew each time leaves nothing behind.
            del of_meter[stream.spool.spool_id]

    def lose(self, meters: Iterable[str], error: EdgeError) -> None:
        """Notes that readings of these meters were lost on the way, and ends the meters' streams with `error`."""
        for meter_id in meters:
            self._uncertain.add(meter_id)
            self.end_streams(meter_id, error)

    def end_streams(self, meter_id: str, error: EdgeError) -> None:
        """Ends the open streams of a meter with `error`."""
        for position in self._of_meters.get(meter_id, {}).values():
            if position.stream is not None:
                position.stream.end(error)

    async def recall(self, meter_id: str) -> None:
        """Learns from the store again how far a meter has come, if it lost readings on the way.

        Raises:
            StoreError: the database refused.
        """
        async with self._recalling:
            if meter_id not in self._uncertain:
                return
            # These have nothing on its way to the disk and no open stream, so what is read stays true.
            lost = frozenset(self._uncertain)
            progress = await asyncio.to_thread(self._store.progress.read)
            for lost_id in lost:
                self.newest.pop(lost_id, None)
                if lost_id in progress.newest:
                    self.newest[lost_id] = progress.newest[lost_id]
                for spool_id, position in self._of_meters[lost_id].items():
                    position.durable = position.accepted = progress.durable.get(Spool(lost_id, spool_id), 0)
                    position.pending = None
            self._uncertain -= lost
