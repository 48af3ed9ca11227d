"""Reads the structure of a module from its binary, without a compiler (core specification 3.0, chapter 5).

Forms that only switched-off proposals use are read as far as a good message needs and refused beyond that. The code
inside functions is not read: the compiler validates it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from edge.sandbox.structure import (
    Export,
    ExternKind,
    Function,
    Import,
    Memory,
    ModuleStructure,
    PassiveSegment,
    Signature,
    Table,
)
from edge_sdk.wasm import Reader, Section, read_sections, section_label

if TYPE_CHECKING:
    from collections.abc import Callable

_PAGE_BYTES: Final = 65536

_VALUE_TYPES: Final = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128", 0x70: "funcref"}
# References of switched-off proposals: passed over, so that the compiler can say which one it is.
_OTHER_REFERENCES: Final = range(0x69, 0x75)
_TYPED_REFERENCES: Final = (0x63, 0x64)
_EXTERN_KINDS: Final = tuple(ExternKind)


def inspect(wasm: bytes) -> ModuleStructure:
    """Returns what a module is made of.

    Raises:
        WasmFormatError: if it is not a core module, or uses a form that is not read here.
    """
    return _Inspection(wasm).run()


@dataclass(slots=True)
class _Inspection:
    """One walk through the sections, gathering as it goes."""

    wasm: bytes
    types: list[Signature] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    imported_functions: int = 0
    # Of all functions, imported ones first, as indices count them.
    signatures: list[Signature] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    globals_count: int = 0
    exports: list[Export] = field(default_factory=list)
    has_start: bool = False
    data_bytes: int = 0
    passive_segments: list[PassiveSegment] = field(default_factory=list)

    def run(self) -> ModuleStructure:
        sections = read_sections(self.wasm)
        parsers: dict[int, Callable[[Reader], None]] = {
            1: self._types,
            2: self._imports,
            3: self._function_types,
            4: self._tables,
            5: self._memories,
            6: self._globals,
            7: self._exports,
            8: self._start,
            9: self._elements,
            10: self._code,
            11: self._data,
        }
        for section in sections:
            if (parse := parsers.get(section.id)) is not None:
                reader = Reader(self.wasm, part=section_label(section.id), start=section.offset, end=section.end)
                parse(reader)
                reader.expect_end()
        declared = len(self.signatures) - self.imported_functions
        if declared != len(self.functions):
            end = Reader(self.wasm, part="code section", start=len(self.wasm))
            raise end.error(f"{declared} functions are declared but {len(self.functions)} have code")
        return self._structure(sections)

    def _structure(self, sections: tuple[Section, ...]) -> ModuleStructure:
        return ModuleStructure(
            size_bytes=len(self.wasm),
            sections=sections,
            types=tuple(self.types),
            imports=tuple(self.imports),
            functions=tuple(self.functions),
            tables=tuple(self.tables),
            memories=tuple(self.memories),
            globals_count=self.globals_count,
            exports=tuple(self.exports),
            has_start=self.has_start,
            data_bytes=self.data_bytes,
            passive_segments=tuple(self.passive_segments),
        )

    def _types(self, reader: Reader) -> None:
        for index in range(reader.count("types")):
            form = reader.byte()
            if form != 0x60:
                raise reader.error(f"type {index} is not a function type (form 0x{form:02x})", at=reader.position - 1)
            params = tuple(_value_type(reader) for _ in range(reader.count("parameters")))
            results = tuple(_value_type(reader) for _ in range(reader.count("results")))
            self.types.append(Signature(params, results))

    def _imports(self, reader: Reader) -> None:
        for _ in range(reader.count("imports")):
            module, name = reader.name(), reader.name()
            kind = _extern_kind(reader)
            match kind:
                case ExternKind.FUNCTION:
                    self.signatures.append(self._signature(reader))
                    self.imported_functions += 1
                case ExternKind.TABLE:
                    _table(reader)
                case ExternKind.MEMORY:
                    _memory(reader)
                case ExternKind.GLOBAL:
                    _skip_global_type(reader)
                case ExternKind.TAG:
                    reader.byte()
                    self._signature(reader)
            self.imports.append(Import(module, name, kind))

    def _function_types(self, reader: Reader) -> None:
        self.signatures += [self._signature(reader) for _ in range(reader.count("functions"))]

    def _signature(self, reader: Reader) -> Signature:
        start = reader.position
        index = reader.u32()
        if index >= len(self.types):
            raise reader.error(f"type {index} is named, but there are {len(self.types)} types", at=start)
        return self.types[index]

    def _tables(self, reader: Reader) -> None:
        self.tables = [_table(reader) for _ in range(reader.count("tables"))]

    def _memories(self, reader: Reader) -> None:
        self.memories = [_memory(reader) for _ in range(reader.count("memories"))]

    def _globals(self, reader: Reader) -> None:
        self.globals_count = reader.count("globals")
        for _ in range(self.globals_count):
            _skip_global_type(reader)
            _skip_constant(reader)

    def _exports(self, reader: Reader) -> None:
        for _ in range(reader.count("exports")):
            name = reader.name()
            kind = _extern_kind(reader)
            index = reader.u32()
            signature = None
            if kind is ExternKind.FUNCTION:
                if index >= len(self.signatures):
                    raise reader.error(f"function {index} is exported, but there is none")
                signature = self.signatures[index]
            self.exports.append(Export(name, kind, index, signature))

    def _start(self, reader: Reader) -> None:
        reader.u32()
        self.has_start = True

    def _elements(self, reader: Reader) -> None:
        for index in range(reader.count("element segments")):
            flags = reader.u32()
            if flags > 7:
                raise reader.error(f"element segment {index} has unknown flags {flags}")
            passive, indexed, expressions = flags & 1, flags & 2, flags & 4
            if passive and not indexed:
                self.passive_segments.append(PassiveSegment("element", index))
            if not passive:
                if indexed:
                    reader.u32()
                _skip_constant(reader)
            if passive or indexed:
                _value_type(reader) if expressions else reader.byte()
            for _ in range(reader.count("elements")):
                _skip_constant(reader) if expressions else reader.u32()

    def _code(self, reader: Reader) -> None:
        for position in range(reader.count("functions")):
            index = self.imported_functions + position
            size = reader.u32()
            body = reader.part_of(size, f"code section, function {index}")
            declared = 0
            for _ in range(body.count("groups of locals")):
                declared += body.u32()
                _value_type(body)
            self.functions.append(Function(index, body_bytes=size, locals=declared))

    def _data(self, reader: Reader) -> None:
        for index in range(reader.count("data segments")):
            flags = reader.u32()
            if flags > 2:
                raise reader.error(f"data segment {index} has unknown flags {flags}")
            if flags == 1:
                self.passive_segments.append(PassiveSegment("data", index))
            else:
                if flags == 2:
                    reader.u32()
                _skip_constant(reader)
            size = reader.u32()
            reader.skip(size)
            self.data_bytes += size


class _Bounds(NamedTuple):
    """Size of a memory in pages, or of a table in elements."""

    minimum: int
    maximum: int | None
    page_bytes: int
    shared: bool
    is_64: bool


def _bounds(reader: Reader) -> _Bounds:
    # Bits: 1 maximum, 2 shared, 4 64-bit, 8 page size (5.3.10, and the threads and custom-page-sizes proposals).
    flags = reader.byte()
    if flags > 0x0F:
        raise reader.error(f"unknown flags 0x{flags:02x} of a memory or table", at=reader.position - 1)
    number = reader.u64 if flags & 4 else reader.u32
    minimum = number()
    maximum = number() if flags & 1 else None
    page_bytes = _PAGE_BYTES
    if flags & 8:
        exponent = reader.u32()
        if exponent not in (0, 16):
            raise reader.error("a page is 1 or 65536 bytes")
        page_bytes = 1 << exponent
    return _Bounds(minimum, maximum, page_bytes, shared=bool(flags & 2), is_64=bool(flags & 4))


def _memory(reader: Reader) -> Memory:
    bounds = _bounds(reader)
    return Memory(bounds.minimum, bounds.maximum, bounds.page_bytes, shared=bounds.shared, is_64=bounds.is_64)


def _table(reader: Reader) -> Table:
    element = _value_type(reader)
    bounds = _bounds(reader)
    return Table(bounds.minimum, bounds.maximum, element, shared=bounds.shared, is_64=bounds.is_64)


def _extern_kind(reader: Reader) -> ExternKind:
    code = reader.byte()
    if code >= len(_EXTERN_KINDS):
        raise reader.error(f"there is no kind 0x{code:02x} of import or export", at=reader.position - 1)
    return _EXTERN_KINDS[code]


def _value_type(reader: Reader) -> str:
    code = reader.byte()
    if code in _VALUE_TYPES:
        return _VALUE_TYPES[code]
    if code in _TYPED_REFERENCES:
        reader.skip_signed(33)
    elif code not in _OTHER_REFERENCES:
        raise reader.error(f"there is no value type 0x{code:02x}", at=reader.position - 1)
    return "reference"


def _skip_global_type(reader: Reader) -> None:
    _value_type(reader)
    reader.byte()


def _skip_constant(reader: Reader) -> None:
    """Passes over a constant expression (3.4.13): constants, references, globals, integer arithmetic."""
    while (opcode := reader.byte()) != 0x0B:
        match opcode:
            case 0x41:
                reader.skip_signed(32)
            case 0x42:
                reader.skip_signed(64)
            case 0x43:
                reader.skip(4)
            case 0x44:
                reader.skip(8)
            case 0x23 | 0xD2:
                reader.u32()
            case 0xD0:
                reader.skip_signed(33)
            case 0xFD if reader.u32() == 12:
                reader.skip(16)
            case 0x6A | 0x6B | 0x6C | 0x7C | 0x7D | 0x7E:
                pass
            case _:
                problem = f"opcode 0x{opcode:02x} is not allowed in a constant expression"
                raise reader.error(problem, at=reader.position - 1)
