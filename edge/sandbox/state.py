"""The state of a guest: all that its code can change, as it is once the guest is prepared."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import wasmtime

from edge.sandbox.expose import TABLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.sandbox.expose import ExposedState
    from edge.sandbox.instance import Instance


@dataclass(frozen=True, slots=True)
class State:
    """The shape of a prepared guest's state. Every instance of a guest has the same, for it is made without data.

    Attributes:
        memory_bytes: size of the memory.
        page_bytes: what its size is counted in.
        used_from: offset of its first byte that is not zero.
        used_until: offset after its last one.
        globals: index and value type of each mutable global.
        table: elements and their type; None if there is no table.
    """

    memory_bytes: int
    page_bytes: int
    used_from: int
    used_until: int
    globals: tuple[tuple[int, str], ...]
    table: tuple[int, str] | None

    @classmethod
    def of(cls, instance: Instance, exposed: ExposedState) -> State:
        """Returns the state of a prepared instance of a module that `expose` rewrote."""
        store, memory = instance.store, instance.memory
        used = np.flatnonzero(view(store, memory))
        return cls(
            memory_bytes=memory.data_len(store),
            page_bytes=memory.data_len(store) // memory.size(store),
            used_from=int(used[0]) if len(used) else 0,
            used_until=int(used[-1]) + 1 if len(used) else 0,
            globals=exposed.globals,
            table=None if exposed.table is None else (_table_of(instance).size(store), exposed.table),
        )

    @property
    def pages(self) -> int:
        """Size of the memory in pages."""
        return self.memory_bytes // self.page_bytes

    @property
    def used_bytes(self) -> int:
        """Size of the memory's part that is not zero."""
        return self.used_until - self.used_from

    def has_grown(self, instance: Instance) -> bool:
        """Whether an instance's memory or table has another size than at first, which nothing can undo."""
        if instance.memory.data_len(instance.store) != self.memory_bytes:
            return True
        return self.table is not None and _table_of(instance).size(instance.store) != self.table[0]


def view(store: wasmtime.Store, memory: wasmtime.Memory) -> NDArray[np.uint8]:
    """Returns the bytes of a memory, not a copy of them: valid until it grows or its store ends."""
    size = memory.data_len(store)
    if size == 0:
        return np.empty(0, dtype=np.uint8)
    address = ctypes.addressof(memory.data_ptr(store).contents)
    return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))


def _table_of(instance: Instance) -> wasmtime.Table:
    table = instance.exports[TABLE]
    assert isinstance(table, wasmtime.Table)
    return table
