"""One instance of a guest: made, initialized and asked for its input block, all before it meets a household's data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import wasmtime

from edge.errors import SandboxError
from edge.sandbox.admission import EDGE_INPUTS, EVALUATE, INITIALIZE, MEMORY
from edge.sandbox.evaluation import FaultCode
from edge.sandbox.ticker import ticks_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.settings import SandboxLimits


PLENTY: Final = 2**62
"""Fuel, or ticks, for what is the host's own."""


class FaultError(Exception):
    """Ends an evaluation. Does not leave the sandbox.

    Attributes:
        code: why.
        out_of_stack: whether it trapped for want of stack, so that where depends on what was on the stack before it.
    """

    def __init__(self, code: FaultCode, *, out_of_stack: bool = False) -> None:
        super().__init__(code.name)
        self.code = code
        self.out_of_stack = out_of_stack


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An instance that is ready to be given inputs.

    Attributes:
        store: what it lives in; one thread at a time.
        exports: by name.
        memory: its memory.
        evaluate: its function.
        address: of the input block, which is inside the memory.
    """

    store: wasmtime.Store
    exports: Mapping[str, object]
    memory: wasmtime.Memory
    evaluate: wasmtime.Func
    address: int

    def call_evaluate(self) -> int:
        """Returns what `evaluate` returned.

        Raises:
            FaultError: it trapped, or ran out of fuel or time.
            SandboxError: it was never admitted.
        """
        return _i32(call(self.store, self.evaluate, EVALUATE), EVALUATE)


def prepare(store: wasmtime.Store, instantiable: wasmtime.InstancePre, input_bytes: int) -> Instance:
    """Returns a new instance in `store`, initialized, on the fuel and time that the store has.

    Raises:
        FaultError: its preparation faulted, or the input block is not inside its memory.
        SandboxError: it was never admitted.
    """
    exports = instantiate(store, instantiable)
    if INITIALIZE in exports:
        call(store, function(exports, INITIALIZE), INITIALIZE)
    address = _i32(call(store, function(exports, EDGE_INPUTS), EDGE_INPUTS), EDGE_INPUTS)
    memory = memory_of(exports)
    if address < 0 or address + input_bytes > memory.data_len(store):
        raise FaultError(FaultCode.BAD_INPUTS_ADDRESS)
    return Instance(store, exports, memory, function(exports, EVALUATE), address)


def instantiate(store: wasmtime.Store, instantiable: wasmtime.InstancePre) -> Mapping[str, object]:
    """Returns the exports of a new instance in `store`.

    Raises:
        FaultError: a segment does not fit.
        SandboxError: it does not fit the store's limits.
    """
    try:
        return instantiable.instantiate(store).exports(store)
    except wasmtime.Trap as trap:
        raise _fault_of(trap) from trap
    except wasmtime.WasmtimeError as error:
        advice = "Admit the module again under the present limits."
        raise SandboxError(f"The module cannot be instantiated: {error}.", advice=advice) from error


def limit(store: wasmtime.Store, limits: SandboxLimits, *, memories: int = 1, tables: int = 1) -> None:
    """Sets how much may live in a store; `memory_bytes_max` and `table_elements_max` are of each."""
    store.set_limits(
        memory_size=limits.memory_bytes_max,
        memories=memories,
        tables=tables,
        table_elements=limits.table_elements_max,
        instances=memories,
    )


def refill(store: wasmtime.Store, fuel: int, wall_s: float) -> None:
    """Gives a store fuel and time.

    Fuel is looked at where functions and loops begin, so code can end a little in debt. With one unit more than
    `fuel`, having none left means having used more than that, whether it was noticed on the way or not.
    """
    store.set_fuel(fuel + 1)
    store.set_epoch_deadline(ticks_for(wall_s))


def refill_for_host(store: wasmtime.Store) -> None:
    """Gives a store fuel and time for what is the host's own, whatever a guest has used up before it.

    Else a guest whose preparation ends close to its deadline would have the host's own code interrupted.
    """
    store.set_fuel(PLENTY)
    store.set_epoch_deadline(PLENTY)


def memory_of(exports: Mapping[str, object]) -> wasmtime.Memory:
    """Returns the memory that a guest exports.

    Raises:
        SandboxError: there is none.
    """
    memory = exports.get(MEMORY)
    if not isinstance(memory, wasmtime.Memory):
        raise SandboxError(f"The module exports no memory as `{MEMORY}`: it was not admitted.")
    return memory


def function(exports: Mapping[str, object], name: str) -> wasmtime.Func:
    """Returns a function that a guest exports.

    Raises:
        SandboxError: there is none of that name.
    """
    found = exports.get(name)
    if not isinstance(found, wasmtime.Func):
        raise SandboxError(f"The module exports no function as `{name}`: it was not admitted.")
    return found


def call(store: wasmtime.Store, called: wasmtime.Func, name: str, *arguments: int) -> object:
    """Calls a function.

    Raises:
        FaultError: it trapped, or ran out of fuel or time.
        SandboxError: it has another type than a guest's.
    """
    try:
        return called(store, *arguments)
    except wasmtime.Trap as trap:
        raise _fault_of(trap) from trap
    except wasmtime.WasmtimeError as error:
        raise SandboxError(f"The guest's `{name}` cannot be called: {error}.") from error


def _i32(result: object, name: str) -> int:
    if not isinstance(result, int):
        raise SandboxError(f"The guest's `{name}` returns no i32: it was not admitted.")
    return result


def _fault_of(trap: wasmtime.Trap) -> FaultError:
    match trap.trap_code:
        case None:
            raise SandboxError(f"A guest ended in a way that WebAssembly does not know: {trap.message}.") from trap
        case wasmtime.TrapCode.OUT_OF_FUEL:
            return FaultError(FaultCode.FUEL)
        case wasmtime.TrapCode.INTERRUPT:
            return FaultError(FaultCode.WALL_CLOCK)
        case code:
            return FaultError(FaultCode.TRAP, out_of_stack=code is wasmtime.TrapCode.STACK_OVERFLOW)
