"""The gateway of one meter: what it reads goes into the spool, and from there to the edge."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from edge.gateway.sender import SPOOL, first_of
from edge.gateway.spool_error import DISK_FULL, SpoolError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge.clock import Clock
    from edge.gateway.notices import Notices
    from edge.gateway.sender import Sender
    from edge.gateway.spool import Spool
    from edge_sdk.wire.v1.meter_pb2 import Reading

_FILE_GROUP = 100
# While the disk is full, so many readings are kept in memory.
_UNSPOOLED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to.

    Attributes:
        readings: read from the source.
        refused_by_edge: refused for good, in this run.
        waiting: in the spool, to be sent by the next run.
        dropped: lost in this run, because the spool or the disk was full.
    """

    readings: int
    refused_by_edge: int
    waiting: int
    dropped: int

    def to_json_dict(self) -> dict[str, int]:
        """Returns what `edge meter` prints."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class GatewayPatience:
    """How long a gateway goes on sending when there is nothing more to read.

    Attributes:
        ended_s: after the source's end.
        interrupted_s: after the first interruption.
    """

    ended_s: float = 60.0
    interrupted_s: float = 3.0


class Gateway:
    """Reads one meter for as long as its source gives readings.

    Args:
        live: the source is a meter that goes on. Then neither a refusal nor a full disk ends the run.
    """

    def __init__(
        self,
        spool: Spool,
        sender: Sender,
        clock: Clock,
        notices: Notices,
        *,
        live: bool,
        patience: GatewayPatience | None = None,
    ) -> None:
        self._spool = spool
        self._sender = sender
        self._clock = clock
        self._notices = notices
        self._live = live
        self._patience = patience or GatewayPatience()
        self._interrupted = asyncio.Event()
        self._aborted = asyncio.Event()
        self._unspooled: list[Reading] = []
        self._readings = self._lost = 0

    def interrupt(self) -> None:
        """Ends the reading, and after a little while the sending; when called again, ends both at once."""
        if self._interrupted.is_set():
            self._aborted.set()
        self._interrupted.set()

    async def run(self, source: AsyncIterator[Reading]) -> Summary:
        """Spools what `source` gives and sends it, until the source ends or an interruption; loses nothing.

        Raises:
            SourceError: the source cannot be opened or read.
            SpoolError: the spool cannot be used.
            RpcError: if not `live`: the edge refuses for good. All that the source gave is in the spool then.
            IdentityError: if not `live`: the identity cannot be used; the same.
        """
        dropped, refused = self._spool.dropped, self._spool.refused
        stop = asyncio.Event()
        sending = asyncio.create_task(self._sender.run(stop))
        reading = asyncio.create_task(self._fill(source))
        try:
            await self._until_read(reading, sending)
            await self._until_sent(sending, stop)
        finally:
            await _cancel(reading, sending)
        return Summary(
            readings=self._readings,
            refused_by_edge=self._spool.refused - refused,
            waiting=self._spool.pending(),
            dropped=self._spool.dropped - dropped + self._lost,
        )

    async def _until_read(self, reading: asyncio.Task[None], sending: asyncio.Task[None]) -> None:
        # Without a sender a live source would be read for nothing; a file is still brought to safety.
        await first_of(
            asyncio.wait([reading]), self._interrupted.wait(), *([asyncio.wait([sending])] if self._live else [])
        )
        reading.cancel()
        await asyncio.wait([reading])
        if not reading.cancelled():
            reading.result()

    async def _until_sent(self, sending: asyncio.Task[None], stop: asyncio.Event) -> None:
        patience = self._patience
        await first_of(
            self._sender.drain(patience.ended_s), asyncio.wait([sending]), self._patience_after_interruption()
        )
        if not self._spool.pending():
            stop.set()
            await first_of(asyncio.wait([sending]), self._sleep(patience.interrupted_s), self._aborted.wait())
        if sending.done():
            sending.result()

    async def _patience_after_interruption(self) -> None:
        await self._interrupted.wait()
        await first_of(self._aborted.wait(), self._sleep(self._patience.interrupted_s))

    async def _sleep(self, pause_s: float) -> None:
        await self._clock.sleep_until(self._clock.now_ms() + int(pause_s * 1000))

    async def _fill(self, source: AsyncIterator[Reading]) -> None:
        try:
            async for reading in source:
                self._readings += 1
                self._unspooled.append(reading)
                if self._live or len(self._unspooled) >= _FILE_GROUP:
                    self._keep()
        finally:
            # Whatever ended the source, what it gave is kept.
            self._keep()
            self._lost += len(self._unspooled)

    def _keep(self) -> None:
        try:
            self._spool.append(self._unspooled)
        except SpoolError as error:
            if not self._live or error.reason != DISK_FULL:
                raise
            self._notices.trouble(SPOOL, error, f"The newest {_UNSPOOLED_MAX:,} readings stay in memory; trying again.")
            excess = max(0, len(self._unspooled) - _UNSPOOLED_MAX)
            del self._unspooled[:excess]
            self._lost += excess
        else:
            if self._unspooled:
                self._notices.well(SPOOL)
            self._unspooled.clear()


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
