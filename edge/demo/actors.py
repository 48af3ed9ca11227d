"""Those who take part: meters that stream and households that read along, each over a connection of its own."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from edge_sdk.household import HouseholdClient
from edge_sdk.meter import MeterClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from edge_sdk.identity import Identity
    from edge_sdk.wire.v1.household_pb2 import Action
    from edge_sdk.wire.v1.meter_pb2 import Reading


class StreamingMeter:
    """A meter's gateway with one open stream."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._outgoing: asyncio.Queue[Sequence[Reading] | None] = asyncio.Queue()
        self._sequence = 0
        self._durable = 0
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.sent_s = 0.0
        """When the newest batch was handed to the connection, on the monotonic clock."""

    def start(self) -> None:
        """Opens the stream."""
        self._task = asyncio.create_task(self._run())

    async def send(self, readings: Sequence[Reading]) -> None:
        """Numbers and sends a batch and returns once the edge has it on disk."""
        for reading in readings:
            self._sequence += 1
            reading.sequence = self._sequence
        self.sent_s = time.monotonic()
        self._outgoing.put_nowait(readings)
        while self._durable < self._sequence:
            if self._task is not None and self._task.done():
                await self._task  # raises what ended the stream
                raise RuntimeError("the stream ended early")
            self._moved.clear()
            await self._moved.wait()

    async def stop(self) -> None:
        """Ends the stream."""
        self._outgoing.put_nowait(None)
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        try:
            async with MeterClient(self._identity) as client:
                async for response in client.report(self._batches()):
                    if response.rejections:
                        raise RuntimeError(f"the edge refused a reading: {response.rejections[0].message}")
                    self._durable = response.durable_sequence
                    self._moved.set()
        finally:
            self._moved.set()

    async def _batches(self) -> AsyncIterator[Sequence[Reading]]:
        while (batch := await self._outgoing.get()) is not None:
            yield batch


class ReadingHousehold:
    """A household that follows its inbox and confirms what arrives."""

    def __init__(self, identity: Identity, on_action: Callable[[str, Action], None]) -> None:
        self._identity = identity
        self._on_action = on_action
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Opens the inbox."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Closes it."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        async with HouseholdClient(self._identity) as client:
            async for action in client.inbox(unacknowledged_only=True):
                self._on_action(self._identity.name, action)
                await client.acknowledge([action.action_id])


async def inbox_of(identity: Identity) -> list[Action]:
    """Returns everything in a household's inbox."""
    async with HouseholdClient(identity) as client:
        return [action async for action in client.inbox(follow=False)]
