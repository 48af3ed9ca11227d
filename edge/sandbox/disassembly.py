"""The code of a module as text, for a person who wants to read it.

The bytes of each function are cut out by our own bounds (`edge.sandbox.inspection`), and only these are handed to
`wasm_tools`, which knows the instructions: whatever they are, the work is bounded by their number. It reads, and does
not judge: code that the compiler would refuse is shown as far as it can be read.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from wasm_tools.parser import BinaryReader, WasmParseError

from edge.errors import Fault, NotFoundError
from edge.sandbox.structure import ExternKind
from edge_sdk.text import printable
from edge_sdk.wasm import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.sandbox.structure import Function, ModuleStructure

_CODE_SECTION: Final = 10
_BLOCK_TYPES: Final = {-1: "i32", -2: "i64", -3: "f32", -4: "f64", -5: "v128", -16: "funcref", -17: "externref"}
_NO_RESULT: Final = -64
_OPENING: Final = ("block", "loop", "if")
_DEPTH_SHOWN_MAX: Final = 40
_OPERANDS_SHOWN_MAX: Final = 50


def disassemble(wasm: bytes, structure: ModuleStructure, wanted: str | None, lines_max: int) -> list[str]:
    """Returns the code of one function, or of all, as lines of text that are safe to show.

    Args:
        wasm: an admissible module: its structure bounds the work.
        structure: of it.
        wanted: the index of a function, or the name it is exported by; None for all of them.
        lines_max: where to stop; the last line then says how much is left out.

    Raises:
        NotFoundError: there is no such function.
    """
    functions = structure.functions if wanted is None else (_function(structure, wanted),)
    lines: list[str] = []
    for line in _lines(wasm, structure, functions):
        if len(lines) == lines_max:
            lines[-1] = f"... more than {lines_max} lines; name one function"
            break
        lines.append(line)
    return lines


def _function(structure: ModuleStructure, wanted: str) -> Function:
    exported = {item.name: item.index for item in structure.exports if item.kind is ExternKind.FUNCTION}
    index = exported.get(wanted, int(wanted) if wanted.isdecimal() and len(wanted) < 10 else -1)
    for function in structure.functions:
        if function.index == index:
            return function
    named = ", ".join(f"{printable(name)} ({place})" for name, place in list(exported.items())[:20])
    raise NotFoundError(
        f"The module has no function {printable(wanted)}.",
        advice=f"It has {len(structure.functions)}, counted from 0; by name there are {named}.",
        reason="FUNCTION_NOT_FOUND",
        fault=Fault.CALLER,
    )


def _lines(wasm: bytes, structure: ModuleStructure, functions: tuple[Function, ...]) -> Iterator[str]:
    bodies = _bodies(wasm, structure)
    for function in functions:
        names = [
            f" <{printable(item.name)}>"
            for item in structure.exports
            if item.kind is ExternKind.FUNCTION and item.index == function.index
        ]
        start, body = bodies[function.index]
        yield f"func[{function.index}]{''.join(names)}  {function.body_bytes} bytes, {function.locals} locals"
        text = _Text(start, body)
        reader = BinaryReader(body, text)
        try:
            reader.read_instructions(len(body))
        except WasmParseError:
            text.lines.append(f"  {start + reader.offset:06x}  (cannot be read from here on)")
        yield from text.lines
        yield ""


def _bodies(wasm: bytes, structure: ModuleStructure) -> dict[int, tuple[int, bytes]]:
    """Returns, by index, where each function's instructions begin, and their bytes."""
    found: dict[int, tuple[int, bytes]] = {}
    section = next((item for item in structure.sections if item.id == _CODE_SECTION), None)
    if section is None:
        return found
    reader = Reader(wasm, part="code section", start=section.offset, end=section.end)
    reader.count("functions")
    for function in structure.functions:
        size = reader.u32()
        end = reader.position + size
        body = reader.part_of(size, "code section")
        for _ in range(body.count("groups of locals")):
            body.u32()
            body.byte()
        found[function.index] = (body.position, wasm[body.position : end])
    return found


class _Text:
    """What the reader tells its instructions to; the names of the methods are the library's."""

    def __init__(self, start: int, body: bytes) -> None:
        self.lines: list[str] = []
        self.offset = 0
        self.current_opcode: Any = None
        self._start = start
        self._body = body
        self._depth = 0

    def on_opcode_bare(self) -> None:
        self._add()

    def on_end_expr(self) -> None:
        self._add()

    def on_opcode_block_sig(self, signature: int) -> None:
        if signature >= 0:
            self._add(f"(type {signature})")
        elif signature == _NO_RESULT:
            self._add()
        else:
            self._add(f"(result {_BLOCK_TYPES.get(signature, '?')})")

    def on_opcode_index(self, index: int) -> None:
        self._add(str(index))

    def on_opcode_uint32(self, value: int) -> None:
        self._add(str(value))

    def on_opcode_uint64(self, value: int) -> None:
        self._add(str(value))

    def on_opcode_f32(self, value: float) -> None:
        self._add(self._float(value, 4))

    def on_opcode_f64(self, value: float) -> None:
        self._add(self._float(value, 8))

    def on_opcode_uint32_uint32(self, first: int, second: int) -> None:
        # Of a load or a store the library says the exponent of the alignment, then the offset.
        if any(word in self.current_opcode.name for word in ("load", "store")):
            self._add(f"offset={second} align={2 ** min(first, 31)}")
        else:
            self._add(f"{first} {second}")

    def on_call_indirect_expr(self, signature: int, table: int) -> None:
        self._add(f"(type {signature}) table={table}")

    def on_opcode_heap_type(self, heap_type: str) -> None:
        self._add(heap_type)

    def on_opcode_lane_idx(self, lane: int) -> None:
        self._add(str(lane))

    def on_opcode_memarg_lane(self, exponent: int, offset: int, lane: int) -> None:
        self._add(f"offset={offset} align={2 ** min(exponent, 31)} lane={lane}")

    def on_opcode_v128(self, content: bytes) -> None:
        self._add(f"0x{content[::-1].hex()}")

    def on_opcode_v128_shuffle(self, lanes: list[int]) -> None:
        self._add(" ".join(map(str, lanes)))

    def on_opcode_br_table(self, targets: list[int], default: int) -> None:
        shown = [str(target) for target in targets[:_OPERANDS_SHOWN_MAX]]
        left = len(targets) - len(shown)
        self._add(" ".join([*shown, *([f"(and {left} more)"] if left else []), f"else {default}"]))

    def on_opcode_select_t(self, types: list[str]) -> None:
        self._add(" ".join(types[:_OPERANDS_SHOWN_MAX]))

    def _add(self, operands: str = "") -> None:
        name = self.current_opcode.name
        if name in ("end", "else"):
            self._depth -= 1
        indent = "  " * min(max(self._depth, 0), _DEPTH_SHOWN_MAX)
        self.lines.append(f"  {self._start + self.offset:06x}  {indent}{name} {operands}".rstrip())
        if name in _OPENING or name == "else":
            self._depth += 1

    def _float(self, value: float, size_bytes: int) -> str:
        """Returns a float so that it can be read and is exact: a NaN by its bits, which `value` may have lost."""
        if not math.isnan(value):
            return repr(value)
        bits = self._body[self.offset + 1 : self.offset + 1 + size_bytes]
        return f"nan:0x{int.from_bytes(bits, 'little'):x}"
