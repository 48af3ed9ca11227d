"""Moves readings from the spool to the edge, and goes on trying while the edge is away."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge.gateway.notices import Notices
from edge.gateway.spool import Refusal
from edge.gateway.spool_error import DISK_FULL, SpoolCopyError, SpoolError
from edge_sdk.errors import Fault, IdentityError, RpcError, UnreachableError

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager

    from edge.clock import Clock
    from edge.errors import EdgeError
    from edge.gateway.spool import Spool
    from edge_sdk.wire.v1.meter_pb2 import Reading, ReportReadingsResponse

# Trying again does not mend these by itself: somebody has to enrol the meter, renew its certificate, set a clock.
_FINAL_STATUSES = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "INVALID_ARGUMENT", "UNIMPLEMENTED"})
_SLOW_STATUSES = _FINAL_STATUSES | {"FAILED_PRECONDITION"}

EDGE = "edge"
SPOOL = "spool"
"""What a gateway can have trouble with, as its notices name it."""


class Reporter(Protocol):
    """What a sender needs of `edge_sdk.meter.MeterClient`."""

    def report(
        self, batches: AsyncIterator[Sequence[Reading]], *, spool_id: str, verdict_sequence: int
    ) -> AsyncGenerator[ReportReadingsResponse, None]:
        """Streams batches of a spool up and yields answers; the first one says where to resume."""
        ...


@dataclass(frozen=True, slots=True)
class SenderLimits:
    """How much is under way at once, and how patient a sender is.

    Attributes:
        batch_readings_max: readings in one message; fewer if the edge says that it takes fewer.
        in_flight_batches_max: batches that wait for their acknowledgement.
        retry_s_first: upper bound of the pause after the first failure; it doubles with each further one,
        retry_s_max: up to this. After a refusal that only a person can mend, the pause is about this at once.
    """

    batch_readings_max: int = 500
    in_flight_batches_max: int = 8
    retry_s_first: float = 1.0
    retry_s_max: float = 60.0


class Sender:
    """Sends what the spool holds, in order, and lets go of it once the edge says that it is durable.

    Args:
        connect: makes a connection for one attempt, such as `lambda: MeterClient(Identity.load(folder))`.
        random_source: spreads the attempts of many gateways over time ("full jitter"), and makes ids of spools.
        notices: is told of what is tried again, and of what the edge refuses.
        patient: goes on also after a refusal that only a person can mend, for there will be more to send.
    """

    def __init__(
        self,
        spool: Spool,
        connect: Callable[[], AbstractAsyncContextManager[Reporter]],
        clock: Clock,
        random_source: random.Random,
        *,
        limits: SenderLimits | None = None,
        notices: Notices | None = None,
        patient: bool = False,
    ) -> None:
        self._spool = spool
        self._connect = connect
        self._clock = clock
        self._random = random_source
        self._limits = limits or SenderLimits()
        self._notices = notices or Notices(lambda _line: None, clock)
        self._patient = patient
        self._failures = 0
        # Set whenever there may be something to do: readings came, an answer came, or it is time to stop.
        self._wake = asyncio.Event()
        self._acknowledged = asyncio.Event()
        spool.watch(self._wake.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Sends until `stop` is set, then waits for the answers to what is under way. May also be cancelled.

        Raises:
            RpcError: a refusal that trying again does not mend. Not if `patient`.
            IdentityError: the identity cannot be read or has expired. Not if `patient`.
            SpoolError: the disk failed; if `patient`, otherwise than by being full.
        """
        stopping = asyncio.create_task(self._wake_on(stop))
        try:
            while not stop.is_set():
                try:
                    await self._session(stop)
                except (RpcError, IdentityError, SpoolError) as error:
                    if not self._can_retry(error):
                        raise
                    await self._pause(error, stop)
        finally:
            stopping.cancel()

    async def drain(self, timeout_s: float) -> int:
        """Waits until nothing is pending; returns how many readings still are when the time is up."""
        deadline_ms = self._clock.now_ms() + int(timeout_s * 1000)
        await first_of(self._until_empty(), self._clock.sleep_until(deadline_ms))
        return self._spool.pending()

    async def _session(self, stop: asyncio.Event) -> None:
        session = _Session(self._spool, self._limits, self._wake, stop)
        async with (
            self._connect() as client,
            aclosing(
                client.report(
                    session.batches(), spool_id=self._spool.id, verdict_sequence=self._spool.verdict_sequence()
                )
            ) as responses,
        ):
            async for response in responses:
                self._take(response, session)
        if not stop.is_set():
            raise UnreachableError(
                "The edge ended the stream.", advice="", reason="UNREACHABLE", fault=Fault.EDGE, status="OK"
            )

    def _take(self, response: ReportReadingsResponse, session: _Session) -> None:
        for refused in response.rejections:
            self._notices.lost(refused.reason, f"{EDGE}: refused reading {refused.sequence}: {refused.message}")
        if session.began:
            session.take(response)
            self._well()
        else:
            self._spool.agree(response.durable_sequence, self._random, _refusals(response))
            session.begin(response)
            # An edge that opens streams and cannot store anything is not well.
            if not self._spool.pending():
                self._well()
        self._notices.well(SPOOL)
        self._acknowledged.set()

    def _well(self) -> None:
        self._failures = 0
        self._notices.well(EDGE)

    def _can_retry(self, error: EdgeError) -> bool:
        if isinstance(error, SpoolError):
            return isinstance(error, SpoolCopyError) or (self._patient and error.reason == DISK_FULL)
        return self._patient or (isinstance(error, RpcError) and error.status not in _FINAL_STATUSES)

    async def _pause(self, error: EdgeError, stop: asyncio.Event) -> None:
        subject = SPOOL if isinstance(error, SpoolError) else EDGE
        self._notices.trouble(subject, error, "Readings are kept; trying again.")
        until_ms = self._clock.now_ms() + int(self._pause_s(error) * 1000)
        await first_of(stop.wait(), self._clock.sleep_until(until_ms))

    def _pause_s(self, error: EdgeError) -> float:
        if not isinstance(error, RpcError | SpoolCopyError) or getattr(error, "status", "") in _SLOW_STATUSES:
            return self._random.uniform(self._limits.retry_s_max / 2, self._limits.retry_s_max)
        ceiling_s = min(self._limits.retry_s_max, self._limits.retry_s_first * 2**self._failures)
        self._failures = min(self._failures + 1, 32)
        return self._random.uniform(0, ceiling_s)

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
        self._in_flight_batches_max = limits.in_flight_batches_max
        self._batch_readings_max = limits.batch_readings_max
        self._wake = wake
        self._stop = stop
        self.began = False
        # Last sequence of each batch under way.
        self._in_flight: deque[int] = deque()
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

    def begin(self, response: ReportReadingsResponse) -> None:
        """Takes the first answer of the edge: where to resume, and how much it takes at once."""
        self.began = True
        self._sent_sequence = response.durable_sequence
        if response.batch_readings_max:
            self._batch_readings_max = min(self._batch_readings_max, response.batch_readings_max)
        self._wake.set()

    def take(self, response: ReportReadingsResponse) -> None:
        """Takes a further answer: what is durable now, and what of it was refused."""
        self._spool.acknowledge(response.durable_sequence, _refusals(response))
        while self._in_flight and self._in_flight[0] <= response.durable_sequence:
            self._in_flight.popleft()
        self._wake.set()

    def _next_batch(self) -> list[Reading]:
        if not self.began or len(self._in_flight) >= self._in_flight_batches_max:
            return []
        batch = self._spool.batch(self._sent_sequence, self._batch_readings_max)
        if batch:
            self._sent_sequence = batch[-1].sequence
            self._in_flight.append(self._sent_sequence)
        return batch


def _refusals(response: ReportReadingsResponse) -> list[Refusal]:
    return [Refusal(item.sequence, item.reason, item.message) for item in response.rejections]


async def first_of(*waits: Coroutine[None, None, object]) -> None:
    """Returns when the first of `waits` does; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
