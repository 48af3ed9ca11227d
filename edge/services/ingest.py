"""Takes readings in: checks them, groups them, and answers once they are on disk.

Sequences number the readings of one spool, so each spool has a stream of its own, at most one at a time. Where one
batch of a stream fails, so does all that follows in it, and the gateway begins another where the disk is.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from edge.domain.reading import Counters, Quality, Reading, ReadingLimits, check_reading, judge_quality
from edge.domain.slot import day_of
from edge.domain.spool import Spool, check_spool_id
from edge.errors import (
    ClockError,
    ConflictError,
    EdgeError,
    InvalidRequestError,
    NotFoundError,
    ReadingError,
    StoreError,
    StoreFullError,
)
from edge.services.backlog import Backlog
from edge.services.commit import GroupCommit
from edge.services.positions import Positions
from edge.services.stream import Acknowledgement, Rejection, Stream, Taken
from edge.services.witness import TimeWitness
from edge.store.readings import StoredReading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from edge.clock import Clock
    from edge.metrics import Metrics
    from edge.settings import IngestSection
    from edge.store.store import Store

_log = structlog.get_logger(__name__)


class Ingest:
    """Takes readings in for all meters. Used from one event loop."""

    def __init__(self, store: Store, settings: IngestSection, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._settings = settings
        self._limits = _limits(settings)
        self._clock = clock
        self._metrics = metrics
        self._witness = TimeWitness(clock)
        self._positions = Positions(store)
        share = settings.batch_readings_max * settings.unacknowledged_batches_max
        self._backlog = Backlog(settings.pending_readings_max, share)
        self._commit = GroupCommit(store, settings, metrics, self._note_end)

    async def start(self) -> None:
        """Learns from the store how far each spool has come, and begins to commit."""
        await self._store.sum_up_days()
        self._witness.note(await self._positions.start())
        await self._store.read(self._witness.note_stored)
        try:
            self._witness.check()
        except ClockError as error:
            _log.error("clock_behind", error=str(error))
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
            ConflictError: it was retired; or, while this waited, a newer stream of the spool was opened.
            StoreError: the disk could not be asked how far the spool has come.
        """
        spool = Spool(meter_id, check_spool_id(spool_id))
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

    async def accept(self, stream: Stream, readings: Iterable[Reading], size: int) -> Taken:
        """Takes the next batch of a stream on, once there is room for it; call it for one batch after the other.

        Readings that are stored already are passed over. Readings that cannot be true are refused one by one.

        Args:
            stream: which.
            readings: in ascending sequence. They are made one by one as they are asked for, so that a batch that
                waits for room is not in memory twice.
            size: how many.

        Raises:
            InvalidRequestError: too many readings, or not in ascending sequence.
            ClockError: they are from the future, but by a clock that cannot be believed.
            EdgeError: what the stream was ended with.
        """
        if size > self._settings.batch_readings_max:
            stream.end(_too_large(size, self._settings.batch_readings_max))
        if self._store.files.is_full:
            stream.end(StoreFullError("The edge's store is full; nothing is taken."))
        stream.check()
        meter_id = stream.spool.meter_id
        await self._backlog.enter(meter_id, size)
        rows: list[StoredReading] = []
        try:
            stream.check()
            taken = self._take(stream, readings, rows)
        except BaseException as error:
            self._backlog.leave(meter_id, size)
            if isinstance(error, EdgeError):
                stream.end(error)
            raise
        self._backlog.leave(meter_id, size - len(rows))
        return taken

    def _take(self, stream: Stream, readings: Iterable[Reading], rows: list[StoredReading]) -> Taken:
        """Examines a batch into `rows` and adds them to a group: all of it, or nothing if it raises."""
        spool, now_ms = stream.spool, self._clock.now_ms()
        position, newest = self._positions.of(spool), self._positions.newest.get(spool.meter_id)
        rejections: list[Rejection] = []
        known = last = 0
        for reading in readings:
            _check_ascending(reading.sequence, last)
            before, last = max(last, position.accepted), reading.sequence
            if last <= position.accepted:
                known += 1
                continue
            if last > before + 1:
                self._note_gap(spool, before, last)
            row = self._examine(spool, reading, newest, now_ms, rejections)
            rows.append(row)
            if row.refusal is None and row.quality is not Quality.OUT_OF_ORDER:
                newest = Counters(reading.time_ms, reading.total_import_wh, reading.total_export_wh)
        self._metrics.duplicates.inc(known)
        for rejection in rejections:
            self._metrics.refused.labels(rejection.reason).inc()
        if newest is not None:
            self._positions.newest[spool.meter_id] = newest
        self._witness.note(now_ms)
        if rows:
            position.accepted = last
            position.pending = self._commit.add(rows)
        return Taken(position.pending or _done(), Acknowledgement(position.accepted, tuple(rejections)))

    def _examine(
        self, spool: Spool, reading: Reading, newest: Counters | None, now_ms: int, rejections: list[Rejection]
    ) -> StoredReading:
        try:
            check_reading(reading, self._limits, now_ms)
            self._check_kept(reading)
        except ReadingError as error:
            if error.reason == "READING_FROM_FUTURE":
                self._witness.check()
            rejections.append(Rejection(reading.sequence, error.reason, str(error)))
            return StoredReading(spool, now_ms, reading, Quality.GOOD, error.reason)
        return StoredReading(spool, now_ms, reading, judge_quality(reading, newest))

    def _check_kept(self, reading: Reading) -> None:
        if day_of(reading.time_ms) <= self._store.files.removed_until:
            raise ReadingError(
                "The readings of its day were removed, as the operator's retention has it.",
                advice="Send readings in time; the operator can keep them for longer.",
                reason="READING_DAY_REMOVED",
            )

    def _note_gap(self, spool: Spool, last: int, sequence: int) -> None:
        """Tells of numbers that a gateway does not have any more: they were stored here once, or lost on its side."""
        self._metrics.missing.inc(sequence - last - 1)
        _log.warning("sequence_gap", meter=spool.meter_id, after=last, next=sequence)

    def _note_end(self, rows: Sequence[StoredReading], durable: bool) -> None:  # noqa: FBT001 - which end it was
        for meter_id, count in Counter(row.spool.meter_id for row in rows).items():
            self._backlog.leave(meter_id, count)
        if durable:
            for row in rows:
                self._positions.of(row.spool).durable = row.reading.sequence
        else:
            lost = StoreError("Readings before these were lost on the way.", advice="Resume from the last durable one.")
            self._positions.lose({row.spool.meter_id for row in rows}, lost)

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


def _check_ascending(sequence: int, last: int) -> None:
    if not last < sequence < 2**63:
        raise InvalidRequestError(
            f"Sequence {sequence} after {last}: sequences of a batch begin at 1 and ascend.",
            advice="Send each spool's readings in order.",
            reason="SEQUENCE_NOT_ASCENDING",
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


def _limits(settings: IngestSection) -> ReadingLimits:
    return ReadingLimits(
        future_ms_max=settings.future_s_max * 1000,
        past_ms_max=settings.past_days_max * 86_400_000,
        power_w_max=settings.power_w_max,
        energy_wh_max=settings.energy_wh_max,
        voltage_dv_max=settings.voltage_dv_max,
        current_ma_max=settings.current_ma_max,
        volume_l_max=settings.volume_l_max,
    )
