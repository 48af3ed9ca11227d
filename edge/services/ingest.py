"""Takes readings in: checks them, groups them, and answers once they are on disk.

Sequences number the readings of one spool, so each spool has a stream of its own, at most one at a time. Where one
batch of a stream fails, so does all that follows in it, and the gateway begins another where the disk is.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import structlog

from edge.domain.plausible import first_ahead, refusals
from edge.domain.quality import judge
from edge.domain.slot import DAY_MS
from edge.domain.spool import Spool, check_spool_id
from edge.errors import (
    ClockError,
    ConflictError,
    EdgeError,
    InvalidRequestError,
    NotFoundError,
    StoreDiskError,
    StoreError,
    StoreFullError,
)
from edge.services.backlog import Backlog
from edge.services.commit import GroupCommit
from edge.services.positions import Positions
from edge.services.rate import RateLimit
from edge.services.reading_limits import reading_limits
from edge.services.stream import Acknowledgement, Rejection, Stream, Taken
from edge.services.witness import TimeWitness
from edge.store.arrow import Refused, StoredBatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from edge.clock import Clock
    from edge.domain.batch import Integers, ReadingBatch
    from edge.metrics import Metrics
    from edge.settings import IngestSection
    from edge.store.store import Store

_log = structlog.get_logger(__name__)


class Ingest:
    """Takes readings in for all meters. Used from one event loop."""

    def __init__(
        self,
        store: Store,
        settings: IngestSection,
        clock: Clock,
        metrics: Metrics,
        on_durable: Callable[[Sequence[StoredBatch]], None] = lambda _: None,
    ) -> None:
        """Makes an ingest. `on_durable` is told of what was committed, in the event loop, and returns at once."""
        self._store = store
        self._on_durable = on_durable
        self._settings = settings
        self._limits = reading_limits(settings)
        self._clock = clock
        self._metrics = metrics
        self._witness = TimeWitness(clock)
        self._positions = Positions(store)
        self._share = settings.batch_readings_max * settings.unacknowledged_batches_max
        self._backlog = Backlog(settings.pending_readings_max, self._share)
        self._rate = RateLimit(
            settings.meter_readings_per_s_max,
            settings.meter_readings_burst_max,
            settings.readings_per_s_max,
            settings.readings_burst_max,
        )
        self._commit = GroupCommit(store, settings, metrics, self._note_end)

    async def start(self) -> None:
        """Learns from the store how far each spool has come, and begins to commit."""
        try:
            await self._store.sum_up_days()
        except StoreDiskError as error:
            # What is stored can be read all the same, and whoever sends is told.
            _log.error("days_not_summed_up", reason=error.reason, error=str(error))
        self._witness.note(await self._positions.start())
        await self._store.read(self._witness.note_stored)
        if (doubt := self._witness.doubt()) is not None:
            _log.error("clock_behind", error=str(doubt))
        self._commit.start()

    async def stop(self) -> None:
        """Commits what waits, then stops."""
        await self._commit.stop()

    @asynccontextmanager
    async def stream(self, meter_id: str, spool_id: str) -> AsyncIterator[Stream]:
        """Opens a stream of a spool, for as long as the context lasts, and ends the one that was open before.

        What the one before has brought is committed first, so that nothing is sent twice.

        Raises:
            InvalidRequestError: `spool_id` is not one.
            NotFoundError: the meter is not enrolled.
            LimitError: the meter has too many streams, or too many spools.
            ConflictError: it was retired; or, while this waited, a newer stream of the spool was opened.
            StoreError: the disk could not be asked how far the spool has come.
        """
        spool = Spool(meter_id, check_spool_id(spool_id))
        self._positions.check_room(spool, self._settings.meter_streams_max, self._settings.meter_spools_max)
        position = self._positions.of(spool)
        stream = Stream(spool)
        before, position.stream = position.stream, stream
        try:
            # Once it is known as the meter's stream: it then ends if the meter is retired meanwhile.
            await self._check_enrolled(meter_id)
            if before is not None:
                before.end(_superseded())
            if position.pending is not None:
                await asyncio.wait([position.pending])
            await self._positions.recall(meter_id)
            stream.check()
            stream.resume_sequence = position.durable
            yield stream
        finally:
            self._positions.close(stream)

    async def accept(self, stream: Stream, decode: Callable[[], ReadingBatch], size: int) -> Taken:
        """Takes the next batch of a stream on, once there is room for it; call it for one batch after the other.

        Readings that are stored already are passed over. Readings that cannot be true are refused one by one. What
        has to wait for the edge's clock is left to the gateway, with all that follows: the stream then ends.

        Args:
            stream: which.
            decode: makes the batch, called once there is room for it: until then it is not in memory twice.
            size: how many readings it says to hold.

        Raises:
            InvalidRequestError: too many readings, not in ascending sequence, or whatever `decode` finds.
            ClockError: its first reading has to wait for the edge's clock.
            EdgeError: what the stream was ended with.
        """
        if size > self._settings.batch_readings_max:
            stream.end(_too_large(size, self._settings.batch_readings_max))
        if self._store.files.is_full:
            stream.end(StoreFullError("The edge's store is full; nothing is taken."))
        stream.check()
        meter_id = stream.spool.meter_id
        await self._rate.pass_by(meter_id, size)
        await self._backlog.enter(meter_id, size)
        kept = 0
        try:
            stream.check()
            taken, kept = self._take(stream, decode())
        except EdgeError as error:
            stream.end(error)
            raise
        finally:
            self._backlog.leave(meter_id, size - kept)
        return taken

    def _take(self, stream: Stream, batch: ReadingBatch) -> tuple[Taken, int]:
        """Examines a batch and adds what is new to a group: all of it, or nothing if it raises; says how many."""
        spool, now_ms = stream.spool, self._clock.now_ms()
        batch.check_ascending()
        position = self._positions.of(spool)
        known = int(np.searchsorted(batch.sequence, position.accepted, side="right"))
        end, waits = self._until_ahead(batch, known, now_ms)
        self._metrics.duplicates.inc(known)
        self._witness.note(now_ms)
        rejections: tuple[Rejection, ...] = ()
        if known < end:
            self._note_gaps(spool, position.accepted, batch.sequence[known:end])
            stored, rejections = self._examine(spool, batch.select(slice(known, end)), now_ms)
            position.accepted = int(stored.readings.sequence[-1])
            position.pending = self._commit.add(stored)
        answer = Acknowledgement(position.accepted, rejections)
        return Taken(position.pending or _done(), answer, waits), end - known

    def _until_ahead(self, batch: ReadingBatch, known: int, now_ms: int) -> tuple[int, ClockError | None]:
        """Returns where the readings end that need not wait for the edge's clock, and what the next one waits with."""
        doubt = self._witness.doubt()
        new = batch if not known else batch.select(slice(known, None))
        row = first_ahead(new, self._limits, now_ms, clock_doubted=doubt is not None)
        if row is None:
            return batch.size, None
        error = doubt or _ahead(int(new.time_ms[row]) - now_ms)
        if row == 0:
            raise error
        return known + row, error

    def _examine(self, spool: Spool, batch: ReadingBatch, now_ms: int) -> tuple[StoredBatch, tuple[Rejection, ...]]:
        newest = self._positions.newest
        errors = refusals(batch, self._limits, now_ms, (self._store.files.removed_until + 1) * DAY_MS)
        rows = np.arange(batch.size)
        kept = np.delete(rows, list(errors)) if errors else rows
        before = newest.get(spool.meter_id)
        quality, after = judge(batch, kept, before, now_ms, self._limits.power_w_max)
        if after is not None:
            newest[spool.meter_id] = after
        rejections = tuple(
            Rejection(int(batch.sequence[row]), error.reason, str(error)) for row, error in errors.items()
        )
        for rejection in rejections:
            self._metrics.refused.labels(rejection.reason).inc()
        refused = {row: Refused(error.reason, str(error)) for row, error in errors.items()}
        return StoredBatch(spool, now_ms, batch, quality, refused), rejections

    def _note_gaps(self, spool: Spool, accepted: int, sequences: Integers) -> None:
        """Tells of numbers that a gateway does not have any more: they were stored here once, or lost on its side."""
        missing = int(sequences[-1]) - accepted - sequences.size
        if missing:
            self._metrics.missing.inc(missing)
            _log.warning(
                "sequence_gap", meter=spool.meter_id, after=accepted, until=int(sequences[-1]), missing=missing
            )

    def _note_end(self, batches: Sequence[StoredBatch], durable: bool) -> None:  # noqa: FBT001 - which end it was
        for batch in batches:
            self._backlog.leave(batch.spool.meter_id, batch.size)
            if durable:
                self._positions.of(batch.spool).durable = int(batch.readings.sequence[-1])
        if durable:
            # After those who wait for the commit, none of whom is held up or harmed by what comes of it.
            asyncio.get_running_loop().call_soon(self._on_durable, batches)
        else:
            lost = StoreError("Readings before these were lost on the way.", advice="Resume from the last durable one.")
            self._positions.lose({batch.spool.meter_id for batch in batches}, lost)

    async def refused_since(self, stream: Stream, verdict_sequence: int) -> list[Rejection]:
        """Returns what was refused of a stream's spool after `verdict_sequence`, the last whose verdict arrived.

        A line that is lost loses no more verdicts than it may have batches on the way, so no more are looked up.

        Raises:
            StoreError: the database refused.
        """
        until = stream.resume_sequence
        if verdict_sequence >= until:
            return []
        of_spool = self._store.refused.of_spool
        found = await asyncio.to_thread(of_spool, stream.spool, verdict_sequence, until, self._share)
        return [Rejection(item.sequence, item.reason, item.message) for item in found]

    def note_retired(self, meter_id: str) -> None:
        """Ends the streams of a meter that was retired. To be called from the event loop."""
        self._positions.end_streams(meter_id, _retired(meter_id))

    async def _check_enrolled(self, meter_id: str) -> None:
        meter = await self._store.read(lambda tables: tables.meters.get(meter_id))
        if meter is not None and meter.retired_ms is not None:
            raise _retired(meter_id)
        if meter is None:
            raise NotFoundError(
                f"Meter {meter_id} is not enrolled at this edge.",
                advice="Ask the operator to enrol it (`edge meter enrol`); the gateway keeps its readings until then.",
                reason="METER_UNKNOWN",
            )


def _too_large(readings: int, readings_max: int) -> InvalidRequestError:
    return InvalidRequestError(
        f"The batch holds {readings} readings, more than {readings_max}.",
        advice="Send smaller batches.",
        reason="BATCH_TOO_LARGE",
    )


def _ahead(ahead_ms: int) -> ClockError:
    return ClockError(
        f"A reading is {ahead_ms / 1000:.0f} s ahead of the edge's clock: one of the two clocks is wrong.",
        advice="Set the edge's clock (NTP) or the meter's. The gateway keeps the reading until it is ahead no more.",
        reason="READING_AHEAD",
    )


def _retired(meter_id: str) -> ConflictError:
    return ConflictError(
        f"Meter {meter_id} was retired by the operator.",
        advice="Stop its gateway. A meter that is to go on needs an identity of a new id.",
        reason="METER_RETIRED",
    )


def _superseded() -> ConflictError:
    return ConflictError(
        "A newer stream of this spool was opened.",
        advice="Let one gateway send from a spool; give a copy of the gateway a spool of its own.",
        reason="STREAM_SUPERSEDED",
    )


def _done() -> asyncio.Future[None]:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done
