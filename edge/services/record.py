"""Keeps what each evaluation saw and came to, for a while, so that it can be replayed.

A run is recorded after its transaction: a crash in between loses the recording and never the run, and whatever goes
wrong here goes wrong for the recording alone.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import structlog

from edge.domain.recording import Recording
from edge.domain.slot import day_of
from edge.errors import EdgeError
from edge.sandbox.engine import conditions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edge.clock import Clock
    from edge.domain.recording import Result
    from edge.domain.trigger import Trigger
    from edge.settings import ReplaySection, SandboxLimits
    from edge.store.recordings import RecordingFiles

_log = structlog.get_logger(__name__)


class Recorder:
    """Writes recordings and forgets old ones, in a thread of its own."""

    def __init__(self, files: RecordingFiles, settings: ReplaySection, clock: Clock) -> None:
        self._files = files
        self._settings = settings
        self._clock = clock
        self._retained_day: int | None = None
        self._full_day: int | None = None
        self._writing: asyncio.Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="edge-recorder")

    async def record(
        self,
        trigger: Trigger,
        slot_ms: int,
        households: Sequence[str],
        windows: Sequence[NDArray[np.float64]],
        evaluation: Result,
        input_digest: str,
        limits: SandboxLimits,
    ) -> None:
        """Keeps one run, unless the settings say otherwise, the day's file is full or cannot be written: it says so.

        Args:
            trigger: what was evaluated.
            slot_ms: when.
            households: in order; in scope neighbourhood all whom the one evaluation spoke for.
            windows: in manifest order, of shape (households, samples), or (1, samples) where all see the same.
            evaluation: what it came to.
            input_digest: as it is in `state.evaluations`, with its salt.
            limits: those of the guest.
        """
        if not self._settings.keep_days:
            return
        recording = Recording(
            trigger_key=trigger.run_key,
            organization=trigger.organization,
            slot_ms=slot_ms,
            module_digest=trigger.module_digest,
            households=tuple(households),
            windows=tuple(windows),
            outcomes=evaluation.outcomes,
            faults=evaluation.faults,
            fuel_total=evaluation.fuel_total,
            conditions=conditions_of(limits),
            input_digest=input_digest,
        )
        await self.settled()
        self._writing = asyncio.get_running_loop().run_in_executor(self._thread, self._write, recording)

    async def settled(self) -> None:
        """Waits for the recording that is being written: one at a time, while the next trigger is evaluated."""
        if self._writing is not None:
            await self._writing

    async def forget_old(self) -> None:
        """Unlinks recordings that are older than the settings say; also `record` does, once a day."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._forget_old)

    def close(self) -> None:
        """Waits for what is being written."""
        self._thread.shutdown(wait=True)

    def _write(self, recording: Recording) -> None:
        self._forget_old()
        try:
            kept = self._files.write(recording, self._settings.bytes_per_day_max)
        except EdgeError as error:
            _log.error(
                "recording_failed",
                trigger=recording.trigger_key,
                slot_ms=recording.slot_ms,
                reason=error.reason,
                error=str(error),
            )
            return
        day = day_of(recording.slot_ms)
        if not kept and day != self._full_day:
            self._full_day = day
            _log.warning(
                "recordings_full", slot_ms=recording.slot_ms, bytes_per_day_max=self._settings.bytes_per_day_max
            )

    def _forget_old(self) -> None:
        today = day_of(self._clock.now_ms())
        if today == self._retained_day:
            return
        # With nothing to keep, nothing of an earlier setting stays either.
        first_kept = today - self._settings.keep_days if self._settings.keep_days else today + 1
        try:
            removed = self._files.remove_before(first_kept)
        except EdgeError as error:
            _log.error("recordings_not_forgotten", reason=error.reason, error=str(error))
            return
        self._retained_day = today
        if removed:
            _log.info("recordings_forgotten", days=len(removed))
