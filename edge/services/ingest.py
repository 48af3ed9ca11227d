"""Takes readings in: checks them, groups them, and answers once they are on disk.

Readings of many meters share a commit. One commit is under way at a time; what comes meanwhile makes up the next. If
a commit fails, everything that waits fails with it and the gateways send it again: a later reading is never stored
while an earlier one of its meter is missing. So where one batch of a stream fails, so do those that follow in it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from edge.domain.reading import Counters, Quality, Reading, ReadingLimits, check_reading, judge_quality
from edge.errors import EdgeError, InvalidRequestError, NotFoundError, ReadingError, StoreError
from edge.store.readings import StoredReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.clock import Clock
    from edge.metrics import Metrics
    from edge.settings import IngestSection
    from edge.store.store import Store

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A reading that was refused, and why."""

    sequence: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where a stream of a meter begins.

    Attributes:
        sequence: the last durable one.
        breaks: how often readings of the meter had been lost on the way by then.
    """

    sequence: int
    breaks: int


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """All of a meter's readings up to `durable_sequence` are on disk or refused for good."""

    durable_sequence: int
    rejections: tuple[Rejection, ...] = ()


@dataclass(slots=True)
class _Group:
    rows: list[StoredReading] = field(default_factory=list)
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Ingest:
    """Takes readings in for all meters. Used from one event loop."""

    def __init__(self, store: Store, settings: IngestSection, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._settings = settings
        self._limits = _limits(settings)
        self._clock = clock
        self._metrics = metrics
        self._durable: dict[str, int] = {}
        self._accepted: dict[str, int] = {}
        self._newest: dict[str, Counters] = {}
        self._breaks: Counter[str] = Counter()
        self._group: _Group | None = None
        self._full = asyncio.Event()
        self._filling = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None
        self._stopping = False
        # After a failed commit, memory may know less than the disk: it is read again before anything is accepted.
        self._stale = True
        self._recalling = asyncio.Lock()

    async def start(self) -> None:
        """Learns from the store how far each meter has come, and begins to commit."""
        await self._recall()
        self._flusher = asyncio.create_task(self._flush_forever(), name="ingest-flusher")

    async def stop(self) -> None:
        """Commits what waits, then stops."""
        if self._flusher is None:
            return
        self._stopping = True
        self._filling.set()
        self._full.set()
        await self._flusher

    async def resume_point(self, meter_id: str) -> ResumePoint:
        """Returns where a new stream of a meter begins.

        Raises:
            NotFoundError: the meter is not enrolled.
        """
        if await self._store.read(lambda tables: tables.meters.get(meter_id)) is None:
            raise NotFoundError(
                f"Meter {meter_id} is not enrolled at this edge.",
                advice="Ask the operator to enrol it (`edge meter enrol`); the gateway keeps its readings until then.",
                reason="METER_UNKNOWN",
            )
        await self._recall()
        return ResumePoint(self._durable.get(meter_id, 0), self._breaks[meter_id])

    async def accept(self, meter_id: str, readings: Sequence[Reading], resume: ResumePoint) -> Acknowledgement:
        """Takes the next batch of a meter's stream and returns when all of it is durable.

        Readings that are stored already are passed over. Readings that cannot be true are refused one by one.

        Args:
            meter_id: whose.
            readings: in ascending sequence.
            resume: where the stream began.

        Raises:
            InvalidRequestError: too many readings, or not in ascending sequence.
            StoreError: they, or those before them, could not be written; send them again in a new stream.
        """
        try:
            self._check_batch(readings)
            await self._recall()
        except EdgeError:
            self._breaks[meter_id] += 1
            raise
        if resume.breaks != self._breaks[meter_id]:
            raise StoreError("Readings before these were lost on the way.", advice="Resume from the last durable one.")
        rejections = []
        group = self._group = self._group or _Group()
        for reading in readings:
            if reading.sequence <= self._accepted.get(meter_id, 0):
                self._metrics.duplicates.inc()
                continue
            self._accepted[meter_id] = reading.sequence
            row, rejection = self._examine(meter_id, reading)
            group.rows.append(row)
            if rejection is not None:
                rejections.append(rejection)
        self._filling.set()
        if len(group.rows) >= self._settings.flush_readings:
            self._full.set()
        await asyncio.shield(group.done)
        return Acknowledgement(self._durable.get(meter_id, 0), tuple(rejections))

    def check_size(self, readings: int) -> None:
        """Refuses a batch by its size, before anything is made of it.

        Raises:
            InvalidRequestError: it holds too many readings.
        """
        if readings > self._settings.batch_readings_max:
            raise InvalidRequestError(
                f"The batch holds {readings} readings, more than {self._settings.batch_readings_max}.",
                advice="Send smaller batches.",
                reason="BATCH_TOO_LARGE",
            )

    def _check_batch(self, readings: Sequence[Reading]) -> None:
        self.check_size(len(readings))
        last = 0
        for reading in readings:
            if not last < reading.sequence < 2**63:
                raise InvalidRequestError(
                    f"Sequence {reading.sequence} after {last}: sequences of a batch begin at 1 and ascend.",
                    advice="Send each meter's readings in order.",
                    reason="SEQUENCE_NOT_ASCENDING",
                )
            last = reading.sequence

    def _examine(self, meter_id: str, reading: Reading) -> tuple[StoredReading, Rejection | None]:
        now_ms = self._clock.now_ms()
        try:
            check_reading(reading, self._limits, now_ms)
        except ReadingError as error:
            self._metrics.refused.labels(error.reason).inc()
            rejection = Rejection(reading.sequence, error.reason, str(error))
            return StoredReading(meter_id, now_ms, reading, Quality.GOOD, error.reason), rejection
        quality = judge_quality(reading, self._newest.get(meter_id))
        if quality is not Quality.OUT_OF_ORDER:
            self._newest[meter_id] = Counters(reading.time_ms, reading.total_import_wh, reading.total_export_wh)
        return StoredReading(meter_id, now_ms, reading, quality), None

    async def _flush_forever(self) -> None:
        while not self._stopping or self._group is not None:
            await self._filling.wait()
            if not self._stopping:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._full.wait(), self._settings.flush_ms / 1000)
            await self._flush()

    async def _flush(self) -> None:
        group, self._group = self._group, None
        self._filling.clear()
        self._full.clear()
        if group is None:
            return
        try:
            with self._metrics.commit_s.time():
                if group.rows:
                    await self._store.append_readings(group.rows)
        except Exception as error:  # noqa: BLE001 - whoever waits is told; the flusher lives on
            _log.error("readings_not_committed", readings=len(group.rows), error=type(error).__name__)
            self._fail(group, error)
            return
        for row in group.rows:
            self._durable[row.meter_id] = max(row.reading.sequence, self._durable.get(row.meter_id, 0))
        self._metrics.readings.inc(sum(row.refusal is None for row in group.rows))
        group.done.set_result(None)

    def _fail(self, group: _Group, error: Exception) -> None:
        self._stale = True
        failed = [group] if self._group is None else [group, self._group]
        self._group = None
        self._filling.clear()
        self._full.clear()
        self._breaks.update({row.meter_id for item in failed for row in item.rows})
        for item in failed:
            item.done.set_exception(error)
            item.done.exception()  # a group may have nobody left who waits

    async def _recall(self) -> None:
        async with self._recalling:
            if not self._stale:
                return
            self._durable = await asyncio.to_thread(self._store.readings.durable_sequences)
            self._newest = await asyncio.to_thread(self._store.readings.newest_counters)
            self._accepted = dict(self._durable)
            self._stale = False


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
