"""Runs a compiled module over households, one fresh instance each: the plain path, against which others are checked.

Nothing is carried from one household to the next, because nothing lives that long. Each evaluation is prepared
(instantiated, `_initialize`, `edge_inputs`) without any of the household's data, given its inputs, and then evaluated
with exactly `fuel_max` of fuel. `edge.sandbox.batch` does the same much faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import wasmtime

from edge.errors import SandboxError
from edge.sandbox.admission import EDGE_INPUTS, EVALUATE
from edge.sandbox.evaluation import ACTIONS_MAX, FaultCode, MeasuredEvaluation
from edge.sandbox.instance import FaultError, Instance, function, instantiate, limit, memory_of, prepare, refill

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.sandbox.compile import CompiledModule
    from edge.sandbox.expose import ExposedState
    from edge.settings import SandboxLimits

SAMPLE_BYTES: Final = 8


class Single(NamedTuple):
    """What one household's evaluation gave."""

    outcome: int
    fault: FaultCode
    fuel: int


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """A module that is ready to be evaluated. Unchanging, so threads may share it. Made by `load`."""

    engine: wasmtime.Engine
    instantiable: wasmtime.InstancePre
    limits: SandboxLimits
    input_samples: int
    actions: int
    exposed: ExposedState

    @classmethod
    def load(
        cls,
        engine: wasmtime.Engine,
        compiled: CompiledModule,
        limits: SandboxLimits,
        *,
        input_samples: int,
        actions: int,
    ) -> Guest:
        """Returns the guest of an admitted module.

        Args:
            engine: one of the same stack limit as the module was compiled under.
            compiled: what a `Compiler` made.
            limits: what its evaluations may use; may be lower than those it was admitted under.
            input_samples: f64 samples of the input block.
            actions: number of declared actions, which is the highest outcome.

        Raises:
            SandboxError: if the module was compiled for another engine, or would not be admitted under these limits.
        """
        if not 1 <= input_samples <= limits.input_samples_max or not 0 <= actions <= ACTIONS_MAX:
            raise SandboxError(f"A guest cannot have {input_samples} input samples and {actions} actions.")
        try:
            module = wasmtime.Module.deserialize(engine, compiled.artefact)
            instantiable = wasmtime.Linker(engine).instantiate_pre(module)
        except wasmtime.WasmtimeError as error:
            advice = "Compile the module again."
            raise SandboxError(f"The compiled module cannot be loaded: {error}.", advice=advice) from error
        guest = cls(engine, instantiable, limits, input_samples, actions, compiled.exposed)
        guest._rehearse()
        return guest

    @property
    def input_bytes(self) -> int:
        """Size of the input block."""
        return self.input_samples * SAMPLE_BYTES

    def evaluate(self, inputs: NDArray[np.float64]) -> MeasuredEvaluation:
        """Returns what each household's evaluation gave; none depends on another, nor on their order.

        Args:
            inputs: one row of `input_samples` per household. Every NaN reaches the guest as the same bits.

        Raises:
            SandboxError: if the inputs have another shape or type, or the sandbox itself fails.
        """
        self.check_inputs(inputs)
        singles = [self.evaluate_one(row) for row in inputs]
        fuel = np.array([single.fuel for single in singles], dtype=np.int64)
        return MeasuredEvaluation(
            outcomes=np.array([single.outcome for single in singles], dtype=np.int16),
            faults=np.array([single.fault for single in singles], dtype=np.int8),
            fuel_total=int(fuel.sum()),
            fuel=fuel,
        )

    def check_inputs(self, inputs: NDArray[np.float64]) -> None:
        """Refuses what is not a row of `input_samples` per household.

        Raises:
            SandboxError: if the inputs have another shape or type.
        """
        if inputs.dtype != np.float64 or inputs.ndim != 2 or inputs.shape[1] != self.input_samples:
            expected = f"float64 of shape (households, {self.input_samples})"
            raise SandboxError(f"Inputs are {inputs.dtype} of shape {inputs.shape}, not {expected}.")

    def evaluate_one(self, row: NDArray[np.float64]) -> Single:
        """Returns what one household's evaluation gave.

        Args:
            row: its inputs.

        Raises:
            SandboxError: if the sandbox itself fails.
        """
        with self.new_store() as store:
            try:
                instance = self.prepare(store)
            except FaultError as fault:
                return Single(0, fault.code, 0)
            block = np.empty(self.input_samples, dtype="<f8")
            write_inputs(block, row)
            instance.memory.write(store, bytearray(block.tobytes()), instance.address)
            refill(store, self.limits.fuel_max, self.limits.evaluation_wall_s_max)
            outcome, code = 0, FaultCode.NONE
            try:
                outcome = instance.call_evaluate()
            except FaultError as fault:
                code = fault.code
            fuel_left = store.get_fuel()
        if fuel_left == 0:
            return Single(0, FaultCode.FUEL, self.limits.fuel_max)
        if code is FaultCode.NONE and not 0 <= outcome <= self.actions:
            code = FaultCode.BAD_OUTCOME
        used = self.limits.fuel_max + 1 - fuel_left
        return Single(outcome if code is FaultCode.NONE else 0, code, used)

    def new_store(self) -> wasmtime.Store:
        """Returns a store with the limits of one instance, and the fuel and time to prepare it."""
        store = wasmtime.Store(self.engine)
        limit(store, self.limits)
        refill(store, self.limits.fuel_max, self.limits.evaluation_wall_s_max)
        return store

    def prepare(self, store: wasmtime.Store) -> Instance:
        """Returns a new instance in `store`, on an allowance of fuel of its own.

        Raises:
            FaultError: its preparation faulted.
            SandboxError: it was never admitted, or not under these limits.
        """
        return prepare(store, self.instantiable, self.input_bytes)

    def _rehearse(self) -> None:
        """Instantiates once, so that a module that does not fit is found now and not at a slot."""
        with self.new_store() as store:
            try:
                exports = instantiate(store, self.instantiable)
            except FaultError:
                return  # It will fault at every evaluation, which is for the dry run to see.
            memory_of(exports)
            function(exports, EDGE_INPUTS)
            function(exports, EVALUATE)


def write_inputs(blocks: NDArray[np.float64], inputs: NDArray[np.float64]) -> None:
    """Writes inputs as a guest reads them: little-endian, and one spelling of NaN.

    NaN has 2^53 - 2 spellings. The guest sees one, so that a replay from recorded values is exact.
    """
    blocks[...] = inputs
    blocks[np.isnan(blocks)] = np.nan
