"""Runs a compiled module over households, one fresh instance each: the plain path, against which others are checked.

Nothing is carried from one household to the next, because nothing lives that long. Each evaluation is prepared
(instantiated, `_initialize`, `edge_inputs`) without any of the household's data, given its inputs, and then evaluated
with exactly `fuel_max` of fuel.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import wasmtime

from edge.errors import SandboxError
from edge.sandbox.admission import EDGE_INPUTS, EVALUATE, INITIALIZE, MEMORY
from edge.sandbox.ticker import ticks_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from edge.sandbox.compile import CompiledModule
    from edge.settings import SandboxLimits

_SAMPLE_BYTES: Final = 8
ACTIONS_MAX: Final = int(np.iinfo(np.int16).max)


class FaultCode(IntEnum):
    """Why an evaluation came to nothing.

    There is no code for memory: `memory.grow` beyond the limit answers -1 to the guest, which may go on.
    """

    NONE = 0
    TRAP = 1
    """The guest did what WebAssembly forbids, such as dividing by zero or recursing beyond the stack."""
    FUEL = 2
    WALL_CLOCK = 3
    """It was stopped by the second line behind fuel: the only fault that depends on the machine."""
    BAD_OUTCOME = 4
    """`evaluate` returned neither 0 nor the number of a declared action."""
    BAD_INPUTS_ADDRESS = 5
    """The input block at the address of `edge_inputs` is not inside the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What evaluating N households gave, in their order.

    Attributes:
        outcomes: int16[N]; 0 where there was a fault.
        faults: int8[N] of `FaultCode`.
        fuel: int64[N], used by `evaluate` alone; the limit where it used more; 0 where it was not reached.
    """

    outcomes: NDArray[np.int16]
    faults: NDArray[np.int8]
    fuel: NDArray[np.int64]

    @property
    def fuel_total(self) -> int:
        """What all of them used together."""
        return int(self.fuel.sum())


class _Single(NamedTuple):
    """What one household's evaluation gave."""

    outcome: int
    fault: FaultCode
    fuel: int


class _FaultError(Exception):
    """Ends an evaluation. Does not leave this file."""

    def __init__(self, code: FaultCode) -> None:
        super().__init__(code.name)
        self.code = code


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """A module that is ready to be evaluated. Unchanging, so threads may share it. Made by `load`."""

    engine: wasmtime.Engine
    instantiable: wasmtime.InstancePre
    limits: SandboxLimits
    input_samples: int
    actions: int

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
        guest = cls(engine, instantiable, limits, input_samples, actions)
        guest._rehearse()
        return guest

    def evaluate(self, inputs: NDArray[np.float64]) -> Evaluation:
        """Returns what each household's evaluation gave; none depends on another, nor on their order.

        Args:
            inputs: one row of `input_samples` per household. Every NaN reaches the guest as the same bits.

        Raises:
            SandboxError: if the inputs have another shape or type, or the sandbox itself fails.
        """
        if inputs.dtype != np.float64 or inputs.ndim != 2 or inputs.shape[1] != self.input_samples:
            expected = f"float64 of shape (households, {self.input_samples})"
            raise SandboxError(f"Inputs are {inputs.dtype} of shape {inputs.shape}, not {expected}.")
        # NaN has 2^53 - 2 spellings. The guest sees one, so that a replay from recorded values is exact.
        rows = np.where(np.isnan(inputs), np.nan, inputs).astype("<f8", copy=False)
        singles = [self._evaluate_one(bytearray(row.tobytes())) for row in rows]
        return Evaluation(
            outcomes=np.array([single.outcome for single in singles], dtype=np.int16),
            faults=np.array([single.fault for single in singles], dtype=np.int8),
            fuel=np.array([single.fuel for single in singles], dtype=np.int64),
        )

    def _evaluate_one(self, row: bytearray) -> _Single:
        with self._new_store() as store:
            try:
                exports = self._prepare(store, row)
            except _FaultError as fault:
                return _Single(0, fault.code, 0)
            self._refill(store)
            outcome, code = 0, FaultCode.NONE
            try:
                outcome = _call_i32(store, exports, EVALUATE)
            except _FaultError as fault:
                code = fault.code
            fuel_left = store.get_fuel()
        if fuel_left == 0:
            return _Single(0, FaultCode.FUEL, self.limits.fuel_max)
        if code is FaultCode.NONE and not 0 <= outcome <= self.actions:
            code = FaultCode.BAD_OUTCOME
        used = self.limits.fuel_max + 1 - fuel_left
        return _Single(outcome if code is FaultCode.NONE else 0, code, used)

    def _new_store(self) -> wasmtime.Store:
        store = wasmtime.Store(self.engine)
        store.set_limits(
            # Of each memory, hence also how many.
            memory_size=self.limits.memory_bytes_max,
            memories=1,
            tables=1,
            table_elements=self.limits.table_elements_max,
            instances=1,
        )
        self._refill(store)
        return store

    def _refill(self, store: wasmtime.Store) -> None:
        # Fuel is looked at where functions and loops begin, so code can end a little in debt. With one unit more than
        # the limit, having none left means having used more than the limit, whether it was noticed on the way or not.
        store.set_fuel(self.limits.fuel_max + 1)
        store.set_epoch_deadline(ticks_for(self.limits.evaluation_wall_s_max))

    def _prepare(self, store: wasmtime.Store, row: bytearray) -> Mapping[str, object]:
        """Instantiates, initializes and writes the inputs, on an allowance of fuel of its own."""
        exports = self._instantiate(store)
        if INITIALIZE in exports:
            _call(store, exports, INITIALIZE)
        address = _call_i32(store, exports, EDGE_INPUTS)
        memory = _memory(exports)
        if address < 0 or address + len(row) > memory.data_len(store):
            raise _FaultError(FaultCode.BAD_INPUTS_ADDRESS)
        memory.write(store, row, address)
        return exports

    def _instantiate(self, store: wasmtime.Store) -> Mapping[str, object]:
        try:
            return self.instantiable.instantiate(store).exports(store)
        except wasmtime.Trap as trap:
            raise _FaultError(_fault_of(trap)) from trap
        except wasmtime.WasmtimeError as error:
            advice = "Admit the module again under the present limits."
            raise SandboxError(f"The module cannot be instantiated: {error}.", advice=advice) from error

    def _rehearse(self) -> None:
        """Instantiates once, so that a module that does not fit is found now and not at a slot."""
        with self._new_store() as store:
            try:
                exports = self._instantiate(store)
            except _FaultError:
                return  # It will fault at every evaluation, which is for the dry run to see.
            _memory(exports)
            _function(exports, EDGE_INPUTS)
            _function(exports, EVALUATE)


def _memory(exports: Mapping[str, object]) -> wasmtime.Memory:
    memory = exports.get(MEMORY)
    if not isinstance(memory, wasmtime.Memory):
        raise SandboxError(f"The module exports no memory as `{MEMORY}`: it was not admitted.")
    return memory


def _function(exports: Mapping[str, object], name: str) -> wasmtime.Func:
    function = exports.get(name)
    if not isinstance(function, wasmtime.Func):
        raise SandboxError(f"The module exports no function as `{name}`: it was not admitted.")
    return function


def _call(store: wasmtime.Store, exports: Mapping[str, object], name: str) -> object:
    function = _function(exports, name)
    try:
        return function(store)
    except wasmtime.Trap as trap:
        raise _FaultError(_fault_of(trap)) from trap
    except wasmtime.WasmtimeError as error:
        raise SandboxError(f"The guest's `{name}` cannot be called: {error}.") from error


def _call_i32(store: wasmtime.Store, exports: Mapping[str, object], name: str) -> int:
    result = _call(store, exports, name)
    if not isinstance(result, int):
        raise SandboxError(f"The guest's `{name}` returns no i32: it was not admitted.")
    return result


def _fault_of(trap: wasmtime.Trap) -> FaultCode:
    match trap.trap_code:
        case None:
            raise SandboxError(f"A guest ended in a way that WebAssembly does not know: {trap.message}.") from trap
        case wasmtime.TrapCode.OUT_OF_FUEL:
            return FaultCode.FUEL
        case wasmtime.TrapCode.INTERRUPT:
            return FaultCode.WALL_CLOCK
    return FaultCode.TRAP
