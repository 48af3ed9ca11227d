"""What a module is made of. `edge.sandbox.inspection` reads it from a binary.

Names are as the module spells them: pass them through `edge_sdk.text.printable` before showing them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_sdk.wasm import Section


class ExternKind(StrEnum):
    """What can be imported or exported, in the order of the binary format (5.5.5)."""

    FUNCTION = "func"
    TABLE = "table"
    MEMORY = "memory"
    GLOBAL = "global"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Signature:
    """Value types a function takes and returns."""

    params: tuple[str, ...]
    results: tuple[str, ...]

    def __str__(self) -> str:
        results = self.results[0] if len(self.results) == 1 else f"({', '.join(self.results)})"
        return f"({', '.join(self.params)}) -> {results}"


@dataclass(frozen=True, slots=True)
class Import:
    """Something the module wants from the host."""

    module: str
    name: str
    kind: ExternKind


@dataclass(frozen=True, slots=True)
class Export:
    """Something the module offers, by its index among those of its kind; a signature only for functions."""

    name: str
    kind: ExternKind
    index: int
    signature: Signature | None


@dataclass(frozen=True, slots=True)
class Function:
    """A function the module defines.

    Attributes:
        index: imported functions count first.
        offset: where its body begins in the binary: the groups of locals, then the code.
        body_bytes: of its body, up to and with its last `end`.
        locals: declared, without parameters.
    """

    index: int
    offset: int
    body_bytes: int
    locals: int


@dataclass(frozen=True, slots=True)
class Global:
    """A global the module defines: what it holds, and whether code can set it."""

    value: str
    mutable: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory the module defines."""

    min_pages: int
    max_pages: int | None
    page_bytes: int
    shared: bool
    is_64: bool

    @property
    def min_bytes(self) -> int:
        """Size at the start."""
        return self.min_pages * self.page_bytes


@dataclass(frozen=True, slots=True)
class Table:
    """A table the module defines: of `funcref`, or of what else `element` says."""

    min_elements: int
    max_elements: int | None
    element: str
    shared: bool
    is_64: bool


@dataclass(frozen=True, slots=True)
class PassiveSegment:
    """A segment that code copies from when it likes: `kind` is `data` or `element`."""

    kind: str
    index: int


@dataclass(frozen=True, slots=True)
class ModuleStructure:
    """All that admission looks at, in the module's own order; `elements` are those of all element segments together."""

    size_bytes: int
    sections: tuple[Section, ...]
    types: tuple[Signature, ...]
    imports: tuple[Import, ...]
    functions: tuple[Function, ...]
    tables: tuple[Table, ...]
    memories: tuple[Memory, ...]
    globals: tuple[Global, ...]
    exports: tuple[Export, ...]
    has_start: bool
    data_segments: int
    data_bytes: int
    element_segments: int
    elements: int
    passive_segments: tuple[PassiveSegment, ...]
