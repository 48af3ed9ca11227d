"""Moves readings from the spool to the edge, and goes on trying while the edge is away."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge_sdk.errors import Fault, RpcError, UnreachableError

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager

    from edge.clock import Clock
    from edge.gateway.spool import Spool
    from edge_sdk.wire.v1.meter_pb2 import Reading, ReportReadingsResponse

# Trying again does not mend these: who the gateway is, or what it says, has to change first.
_FINAL_STATUSES = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "INVALID_ARGUMENT", "UNIMPLEMENTED"})


class Reporter(Protocol):
    """What a sender needs of `edge_sdk.meter.MeterClient`."""

    def report(self, batches: AsyncIterator[Sequence[Reading]]) -> AsyncGenerator[ReportReadingsResponse, None]:
        """Streams batches up and yields answers; the first one says where to resume."""
        ...


@dataclass(frozen=True, slots=True)
class SenderLimits:
    """How much is under way at once, and how patient a sender is.

    Attributes:
        batch_readings_max: readings in one message; no more than the edge's `ingest.batch_readings_max`.
        in_flight_batches_max: batches that wait for their acknowledgement.
        retry_s_first: upper bound of the pause after the first failure; it doubles with each further one,
        retry_s_max: up to this.
    """

    batch_readings_max: int = 500
    in_flight_batches_max: int = 8
    retry_s_first: float = 1.0
    retry_s_max: float = 60.0


class Sender:
    """Sends what the spool holds, in order, and lets go of it once the edge says that it is durable.

    Args:
        connect: makes a connection for one attempt, such as `lambda: MeterClient(identity)`.
        random_source: spreads the attempts of many gateways over time ("full jitter").
        on_retry: is told of each failure that is tried again, and after how many seconds.
    """

    def __init__(
        self,
        spool: Spool,
        connect: Callable[[], AbstractAsyncContextManager[Reporter]],
        clock: Clock,
        random_source: random.Random,
        *,
        limits: SenderLimits | None = None,
        on_retry: Callable[[RpcError, float], None] = lambda _error, _pause_s: None,
    ) -> None:
        self._spool = spool
        self._connect = connect
        self._clock = clock
        self._random = random_source
        self._limits = limits or SenderLimits()
        self._on_retry = on_retry
        self._failures = 0
        # Set whenever there may be something to do: readings came, an answer came, or it is time to stop.
        self._wake = asyncio.Event()
        self._acknowledged = asyncio.Event()
        spool.watch(self._wake.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Sends until `stop` is set, then waits for the answers to what is under way. May also be cancelled.

        Raises:
            RpcError: a refusal that trying again does not mend.
            IdentityError: the certificate has expired.
            SpoolError: the disk failed.
        """
        stopping = asyncio.create_task(self._wake_on(stop))
        try:
            while not stop.is_set():
                try:
                    await self._session(stop)
                except RpcError as error:
                    if error.status in _FINAL_STATUSES:
                        raise
                    await self._pause(error, stop)
        finally:
            stopping.cancel()

    async def drain(self, timeout_s: float) -> int:
        """Waits until nothing is pending; returns how many readings still are when the time is up."""
        deadline_ms = self._clock.now_ms() + int(timeout_s * 1000)
        await _first_of(self._until_empty(), self._clock.sleep_until(deadline_ms))
        return self._spool.pending()

    async def _session(self, stop: asyncio.Event) -> None:
        session = _Session(self._spool, self._limits, self._wake, stop)
        async with self._connect() as client, aclosing(client.report(session.batches())) as responses:
            async for response in responses:
                self._failures = 0
                session.take(response)
                self._acknowledged.set()
        if not stop.is_set():
            raise UnreachableError(
                "The edge ended the stream.", advice="", reason="UNREACHABLE", fault=Fault.EDGE, status="OK"
            )

    async def _pause(self, error: RpcError, stop: asyncio.Event) -> None:
        ceiling_s = min(self._limits.retry_s_max, self._limits.retry_s_first * 2**self._failures)
        self._failures = min(self._failures + 1, 32)
        pause_s = self._random.uniform(0, ceiling_s)
        self._on_retry(error, pause_s)
        await _first_of(stop.wait(), self._clock.sleep_until(self._clock.now_ms() + int(pause_s * 1000)))

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _until_empty(self) -> None:
        while self._spool.pending():
            self._acknowledged.clear()
            await self._acknowledged.wait()


class _Session:
    """One connection: what was sent over it and waits for its answer."""

    def __init__(self, spool: Spool, limits: SenderLimits, wake: asyncio.Event, stop: asyncio.Event) -> None:
        self._spool = spool
        self._limits = limits
        self._wake = wake
        self._stop = stop
        # Last sequence of each batch under way; None until the edge has said where to resume.
        self._in_flight: deque[int] | None = None
        self._sent_sequence = 0

    async def batches(self) -> AsyncIterator[Sequence[Reading]]:
        """Yields what the spool holds, as it comes and as far as the limits allow, until it is time to stop."""
        while not self._stop.is_set():
            self._wake.clear()
            batch = self._next_batch()
            if not batch:
                await self._wake.wait()
                continue
            yield batch

    def take(self, response: ReportReadingsResponse) -> None:
        """Takes an answer of the edge: the first says where to resume, each further one what is durable now."""
        if self._in_flight is None:
            self._in_flight = deque()
            self._spool.agree(response.durable_sequence)
            self._sent_sequence = response.durable_sequence
        else:
            # First, for what is acknowledged is forgotten.
            for rejection in response.rejections:
                self._spool.reject(rejection.sequence, rejection.reason, rejection.message)
            self._spool.acknowledge(response.durable_sequence)
            while self._in_flight and self._in_flight[0] <= response.durable_sequence:
                self._in_flight.popleft()
        self._wake.set()

    def _next_batch(self) -> list[Reading]:
        if self._in_flight is None or len(self._in_flight) >= self._limits.in_flight_batches_max:
            return []
        batch = self._spool.batch(self._sent_sequence, self._limits.batch_readings_max)
        if batch:
            self._sent_sequence = batch[-1].sequence
            self._in_flight.append(self._sent_sequence)
        return batch


async def _first_of(*waits: Coroutine[None, None, object]) -> None:
    """Returns when the first of `waits` does; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
