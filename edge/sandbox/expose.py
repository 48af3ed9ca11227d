"""Rewrites a module so that the host can reach all that its code can change.

What a module does not export, the host cannot set back. So before it is compiled, its globals and its table get exports
besides those it has, under names that admission reserves. Nothing else changes: no index moves, no code is touched, and
the code cannot see exports, so the rewritten module computes what the original does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.errors import SandboxError
from edge.sandbox.inspection import inspect
from edge.sandbox.structure import ExternKind
from edge_sdk.wasm import Reader, encode_u32, section_label

RESERVED: Final = "edge:"
"""Beginning of the names that a module may not export."""
GLOBAL: Final = RESERVED + "global:"
"""Followed by the global's index."""
TABLE: Final = RESERVED + "table"

_EXPORT_SECTION: Final = 7
_KINDS: Final = {kind: position for position, kind in enumerate(ExternKind)}


@dataclass(frozen=True, slots=True)
class ExposedState:
    """What a module can change besides its memory.

    Attributes:
        globals: index and value type of each mutable global.
        table: type of its elements; None if there is no table.
    """

    globals: tuple[tuple[int, str], ...] = ()
    table: str | None = None


NOTHING_EXPOSED: Final = ExposedState()


def expose(wasm: bytes) -> tuple[bytes, ExposedState]:
    """Returns the module with its mutable globals and its table exported, and what they are.

    Raises:
        WasmFormatError: if it is not a module.
        SandboxError: if it was never admitted: it imports something or uses a reserved name.
    """
    structure = inspect(wasm)
    if structure.imports or any(item.name.startswith(RESERVED) for item in structure.exports):
        raise SandboxError("The module's state cannot be exposed: it was not admitted.")
    section = next((item for item in structure.sections if item.id == _EXPORT_SECTION), None)
    if section is None:
        return wasm, NOTHING_EXPOSED  # It exports nothing, so nothing of it can be called.
    state = ExposedState(
        globals=tuple((index, item.value) for index, item in enumerate(structure.globals) if item.mutable),
        table=structure.tables[0].element if structure.tables else None,
    )
    added = [_entry(f"{GLOBAL}{index}", ExternKind.GLOBAL, index) for index, _ in state.globals]
    added += [_entry(TABLE, ExternKind.TABLE, 0)] if state.table is not None else []
    reader = Reader(wasm, part=section_label(section.id), start=section.offset, end=section.end)
    count = reader.u32()
    payload = encode_u32(count + len(added)) + wasm[reader.position : section.end] + b"".join(added)
    head = bytes([_EXPORT_SECTION]) + encode_u32(len(payload))
    return wasm[: section.start] + head + payload + wasm[section.end :], state


def _entry(name: str, kind: ExternKind, index: int) -> bytes:
    return encode_u32(len(name)) + name.encode() + bytes([_KINDS[kind]]) + encode_u32(index)
