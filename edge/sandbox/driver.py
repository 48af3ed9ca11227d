"""The driver: a small module of the host's own that evaluates a guest over many households inside WebAssembly.

A call from Python costs more than most evaluations, and so does an instance. The driver saves both: it sets back all
that the guest can change, copies a household's inputs in, calls `evaluate`, keeps the outcome, and goes on to the next.
It is generated for the state of one guest. What it keeps for itself lies in a memory, a table and globals of its own,
which the guest cannot name.

Its memory:

    0         progress: how many households are done, hence also the index of the one at work
    64        the part of the guest's memory, as prepared, that is not zero
    inputs    `rows` input blocks
    outcomes  `rows` i32

Its `run(n)` evaluates households 0 to n - 1, and stops early after one that grew the memory or the table: that cannot
be undone. Each household costs the same fuel besides the guest's own; `edge.sandbox.toll` measures it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import wasmtime

from edge.sandbox.admission import EVALUATE, MEMORY
from edge.sandbox.assemble import assemble
from edge.sandbox.expose import GLOBAL, TABLE
from edge.sandbox.instance import refill_for_host
from edge.sandbox.state import view

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.sandbox.instance import Instance
    from edge.sandbox.state import State

_RUN: Final = "run"
_TAKE: Final = "take"
_OWN_MEMORY: Final = "own"
_STATE_AT: Final = 64
_OUTCOME_BYTES: Final = 4
_PAGE_BYTES: Final = 65_536
_ROWS_MAX: Final = 1_024
_ROWS_BYTES: Final = 512 * 1024
"""Input blocks in the driver's memory at a time: as many as processors have nearby."""
_ZERO: Final = {
    "i32": "i32.const 0",
    "i64": "i64.const 0",
    "f32": "f32.const 0",
    "f64": "f64.const 0",
    "v128": "v128.const i64x2 0 0",
    "funcref": "ref.null func",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a driver's memory has what.

    Attributes:
        rows: households it has room for.
        row_bytes: of an input block.
        inputs_at: offset of the first input block.
        outcomes_at: offset of the first outcome.
        pages: size in pages of 64 KiB.
    """

    rows: int
    row_bytes: int
    inputs_at: int
    outcomes_at: int
    pages: int

    @classmethod
    def of(cls, state: State, row_bytes: int) -> Layout:
        """Returns the layout of the driver of a guest."""
        rows = max(1, min(_ROWS_MAX, _ROWS_BYTES // row_bytes))
        inputs_at = _aligned(_STATE_AT + state.used_bytes)
        outcomes_at = inputs_at + rows * row_bytes
        return cls(rows, row_bytes, inputs_at, outcomes_at, -(-(outcomes_at + rows * _OUTCOME_BYTES) // _PAGE_BYTES))

    @property
    def memory_bytes(self) -> int:
        """Size of the driver's memory."""
        return self.pages * _PAGE_BYTES


@dataclass(frozen=True, slots=True, eq=False)
class DriverModule:
    """The driver of all instances of one guest."""

    module: wasmtime.Module
    layout: Layout
    imports: tuple[str, ...]

    @classmethod
    def make(cls, engine: wasmtime.Engine, state: State, *, address: int, row_bytes: int) -> DriverModule:
        """Returns the driver for guests of this state, whose input block of `row_bytes` is at `address`."""
        layout = Layout.of(state, row_bytes)
        wasm = assemble(_wat(state, layout, address), "driver")
        # Compiled here and not in a child: it is the host's own, and its size does not depend on the guest's.
        return cls(wasmtime.Module(engine, wasm), layout, tuple(_imports(state)))

    def attach(self, instance: Instance, evaluate: wasmtime.Func) -> Driver:
        """Returns the driver of a prepared instance, whose state as it is now it will set back again and again.

        Args:
            instance: just prepared, in a store with room for an instance, a memory and a table more.
            evaluate: what to call for each household.
        """
        store, layout = instance.store, self.layout
        given = {**instance.exports, EVALUATE: evaluate}
        imports = [given[name] for name in self.imports]
        exports = wasmtime.Instance(store, self.module, imports).exports(store)  # type: ignore[arg-type]
        take, run, memory = exports[_TAKE], exports[_RUN], exports[_OWN_MEMORY]
        assert isinstance(take, wasmtime.Func)
        assert isinstance(run, wasmtime.Func)
        assert isinstance(memory, wasmtime.Memory)
        refill_for_host(store)
        take(store)
        # The memory does not grow, so it stays where it is for as long as the store lives.
        content = view(store, memory)
        inputs = content[layout.inputs_at : layout.outcomes_at].view("<f8").reshape(layout.rows, -1)
        outcomes = content[layout.outcomes_at :][: layout.rows * _OUTCOME_BYTES].view("<i4")
        return Driver(store, run, content[:4].view("<i4"), inputs, outcomes)


@dataclass(frozen=True, slots=True, eq=False)
class Driver:
    """The driver of one instance of a guest.

    Attributes:
        store: of the instance.
        run: takes how many households to evaluate.
        progress: int32[1], how many are done.
        inputs: float64[rows, samples], to be written.
        outcomes: int32[rows], as the guest returned them; to be read as far as `progress` says.
    """

    store: wasmtime.Store
    run: wasmtime.Func
    progress: NDArray[np.int32]
    inputs: NDArray[np.float64]
    outcomes: NDArray[np.int32]


def _imports(state: State) -> dict[str, str]:
    """Returns what a driver imports of its guest, with the types."""
    # Spelt out only where needed, for the usual page size is no proposal.
    page_size = "" if state.page_bytes == _PAGE_BYTES else f" (pagesize {state.page_bytes})"
    imports = {
        MEMORY: f"(memory $guest {state.pages}{page_size})",
        EVALUATE: "(func $evaluate (result i32))",
        **{f"{GLOBAL}{index}": f"(global $guest{index} (mut {kind}))" for index, kind in state.globals},
    }
    if state.table is not None:
        elements, kind = state.table
        imports[TABLE] = f"(table $guest {elements} {kind})"
    return imports


def _wat(state: State, layout: Layout, address: int) -> str:
    lines = [
        "(module",
        *(f'(import "guest" "{name}" {kind})' for name, kind in _imports(state).items()),
        f'(memory $own (export "{_OWN_MEMORY}") {layout.pages} {layout.pages})',
        *_kept(state),
        f'(func (export "{_TAKE}")',
        f"  (memory.copy $own $guest (i32.const {_STATE_AT}) (i32.const {state.used_from})",
        f"    (i32.const {state.used_bytes}))",
        *_moves(state, "guest", "kept"),
        ")",
        f'(func (export "{_RUN}") (param $n i32) (local $i i32)',
        "  (loop $household",
        "    (i32.store $own (i32.const 0) (local.get $i))",
        *_memory_put_back(state),
        *_moves(state, "kept", "guest"),
        f"    (memory.copy $guest $own (i32.const {address})",
        f"      (i32.add (i32.const {layout.inputs_at}) (i32.mul (local.get $i) (i32.const {layout.row_bytes})))",
        f"      (i32.const {layout.row_bytes}))",
        f"    (i32.store $own (i32.add (i32.const {layout.outcomes_at})",
        f"      (i32.mul (local.get $i) (i32.const {_OUTCOME_BYTES}))) (call $evaluate))",
        "    (local.set $i (i32.add (local.get $i) (i32.const 1)))",
        f"    (br_if $household (i32.and (i32.lt_u (local.get $i) (local.get $n)) {_is_not_grown(state)})))",
        "  (i32.store $own (i32.const 0) (local.get $i))))",
    ]
    return "\n".join(lines)


def _kept(state: State) -> list[str]:
    """Where the driver keeps the guest's globals and table."""
    kept = [f"(global $kept{index} (mut {kind}) ({_ZERO[kind]}))" for index, kind in state.globals]
    if state.table is not None:
        elements, kind = state.table
        kept.append(f"(table $kept {elements} {elements} {kind})")
    return kept


def _moves(state: State, source: str, target: str) -> list[str]:
    """Copies globals and table from the guest to what is kept of them, or back."""
    moves = [f"(global.set ${target}{index} (global.get ${source}{index}))" for index, _ in state.globals]
    if state.table is not None:
        zero, elements = "(i32.const 0)", f"(i32.const {state.table[0]})"
        moves.append(f"(table.copy ${target} ${source} {zero} {zero} {elements})")
    return moves


def _memory_put_back(state: State) -> list[str]:
    """Sets the memory back: filling with zeros reads nothing, which makes it faster than copying zeros."""
    return [
        f"    (memory.fill $guest (i32.const 0) (i32.const 0) (i32.const {state.used_from}))",
        f"    (memory.copy $guest $own (i32.const {state.used_from}) (i32.const {_STATE_AT})",
        f"      (i32.const {state.used_bytes}))",
        f"    (memory.fill $guest (i32.const {state.used_until}) (i32.const 0)",
        f"      (i32.const {state.memory_bytes - state.used_until}))",
    ]


def _is_not_grown(state: State) -> str:
    memory = f"(i32.eq (memory.size $guest) (i32.const {state.pages}))"
    if state.table is None:
        return memory
    return f"(i32.and {memory} (i32.eq (table.size $guest) (i32.const {state.table[0]})))"


def _aligned(size: int) -> int:
    return -(-size // 64) * 64
