"""Replays what this edge evaluated: from the recorded inputs, to the same outcomes and the same fuel, or not.

It answers with counts only. No reading, no outcome of a household and no input leaves.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from edge.domain.module import digest_of
from edge.domain.recording import Recording, input_block
from edge.domain.slot import day_of
from edge.errors import ConflictError, Fault, LimitError, NotFoundError, StoreCorruptError
from edge.sandbox.engine import Target, conditions_of, limits_under
from edge.sandbox.sandbox import Sandbox
from edge.services.compare import Comparison, compare
from edge.services.evaluate import salted_digest
from edge.services.pieces import evaluate_in_pieces
from edge.services.run_module import WALL_S
from edge.store.recordings import Absence
from edge_sdk.errors import ManifestError, WasmFormatError
from edge_sdk.manifest import SECTION, Manifest, parse_canonical_json
from edge_sdk.wasm import custom_section

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from edge.clock import Clock
    from edge.services.audit import AuditLog
    from edge.settings import ReplaySection, SandboxLimits
    from edge.store.store import Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Replay:
    """What replaying one run gave.

    Attributes:
        inputs_proven: whether the recorded inputs are those that the log has the digest of.
    """

    module_digest: str
    comparison: Comparison
    inputs_proven: bool
    runtime_recorded: str
    runtime_replayed: str

    @property
    def same(self) -> bool:
        """Whether everything holds."""
        return self.comparison.same and self.inputs_proven


class Replays:
    """Replays one run at a time, in a thread of its own and with a sandbox of its own, beside the evaluator."""

    def __init__(
        self, store: Store, audit: AuditLog, limits: SandboxLimits, settings: ReplaySection, clock: Clock
    ) -> None:
        self._store = store
        self._audit = audit
        self._limits = limits
        self._settings = settings
        self._clock = clock
        self._busy = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="edge-replay")

    async def replay(self, trigger_key: str, slot_ms: int, *, interpreter: bool = False) -> Replay:
        """Evaluates a past run again, by native code or the interpreter.

        Raises:
            NotFoundError: there was no such run, it was not recorded, or its module is gone.
            ConflictError: the module's manifest cannot be read by this release.
            LimitError: another replay is under way, or the run is too large.
            StoreCorruptError: the recording is damaged.
            ModuleCompileError: the module no longer compiles.
        """
        if self._busy:
            raise LimitError(
                "Another replay is under way.", advice="Try again when it is done.", reason="REPLAY_UNDER_WAY"
            )
        self._busy = True
        try:
            return await self._replay(trigger_key, slot_ms, Target.INTERPRETER if interpreter else Target.NATIVE)
        finally:
            self._busy = False

    def close(self) -> None:
        """Waits for the piece that is under way. Whoever asked must have been cancelled."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _replay(self, trigger_key: str, slot_ms: int, target: Target) -> Replay:
        recording = await self._recording(trigger_key, slot_ms)
        wasm = await self._store.read(lambda tables: tables.modules.wasm(recording.module_digest))
        if wasm is None or digest_of(wasm) != recording.module_digest:
            raise NotFoundError(
                f"The module {recording.module_digest} is no longer here.", reason="MODULE_NOT_FOUND", fault=Fault.EDGE
            )
        manifest = _manifest(wasm)
        inputs = _inputs(recording, manifest)
        limits = replace(limits_under(recording.conditions, self._limits), evaluation_wall_s_max=WALL_S)
        with Sandbox(limits, target) as sandbox:
            # Leaving it, also when the caller goes away, ends a compilation that is under way.
            compiled = await self._in_thread(partial(sandbox.compile, wasm))
            guest = sandbox.load(compiled, input_samples=manifest.samples, actions=len(manifest.action))
            replayed = await evaluate_in_pieces(guest, inputs, self._thread)
        return Replay(
            module_digest=recording.module_digest,
            comparison=compare(recording, replayed),
            inputs_proven=await self._are_proven(recording, inputs),
            runtime_recorded=recording.conditions.runtime,
            runtime_replayed=conditions_of(limits).runtime,
        )

    async def _recording(self, trigger_key: str, slot_ms: int) -> Recording:
        run = await self._store.read(lambda tables: tables.evaluations.get(trigger_key, slot_ms))
        if run is None or run.first_slot_ms != run.slot_ms or not run.input_digest:
            raise NotFoundError(
                f"{trigger_key} was not evaluated at {slot_ms}.",
                advice="`edge audit show` lists the runs, with trigger and slot_ms.",
                reason="EVALUATION_NOT_FOUND",
            )
        recording = await self._in_thread(partial(self._store.recordings.read, trigger_key, slot_ms))
        if isinstance(recording, Absence):
            raise NotFoundError(
                f"{trigger_key} at {slot_ms} was not recorded: {self._why(recording, slot_ms)}.",
                reason="REPLAY_NOT_RECORDED",
                fault=Fault.OPERATOR,
            )
        if len(recording.outcomes) > self._settings.evaluations_max:
            raise LimitError(
                f"The run has {len(recording.outcomes)} evaluations, "
                f"a replay at most {self._settings.evaluations_max}.",
                advice="Raise replay.evaluations_max.",
                reason="REPLAY_TOO_LARGE",
                fault=Fault.OPERATOR,
            )
        return recording

    def _why(self, absence: Absence, slot_ms: int) -> str:
        if absence is Absence.SKIPPED:
            return "the day's recordings were over replay.bytes_per_day_max"
        if day_of(slot_ms) < day_of(self._clock.now_ms()) - self._settings.keep_days:
            return f"recordings are kept for {self._settings.keep_days} days (replay.keep_days)"
        return "it ran under a release or a setting that records nothing, or the edge was stopped at that moment"

    async def _are_proven(self, recording: Recording, inputs: NDArray[np.float64]) -> bool:
        entry = await self._audit.run_entry(recording.trigger_key, recording.slot_ms)
        try:
            _, salt_hex, digest = recording.input_digest.split(":")
            computed = salted_digest(inputs, bytes.fromhex(salt_hex))
        except ValueError:
            return False  # altered: it is not of the form that this edge writes
        return (
            entry is not None
            and computed == recording.input_digest
            and (entry["inputs"], entry["module"]) == (digest, recording.module_digest)
        )

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _manifest(wasm: bytes) -> Manifest:
    try:
        return parse_canonical_json(custom_section(wasm, SECTION) or b"")
    except (ManifestError, WasmFormatError) as error:
        raise ConflictError(
            f"The module's manifest cannot be read by this release: {error.message}",
            advice="Replay with the release that ran it.",
            reason="MANIFEST_UNREADABLE",
            fault=Fault.EDGE,
        ) from error


def _inputs(recording: Recording, manifest: Manifest) -> NDArray[np.float64]:
    rows = len(recording.outcomes)
    fitting = all(len(window) in (1, rows) for window in recording.windows)
    samples = sum(window.shape[1] for window in recording.windows)
    if not fitting or samples != manifest.samples or len(recording.faults) != rows:
        raise StoreCorruptError(
            f"The recording of {recording.trigger_key} at {recording.slot_ms} is not one of its module.",
            advice="See the edge's log; replays of other runs are not affected.",
            reason="RECORDING_DAMAGED",
        )
    return input_block(recording.windows, rows)
