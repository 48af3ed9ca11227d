"""Reads the structure of a module from its binary, without a compiler (core specification 3.0, chapter 5).

The code inside functions is not read: the compiler validates it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.sandbox.forms import (
    read_extern_kind,
    read_global_type,
    read_memory,
    read_table,
    read_value_type,
    skip_constant,
)
from edge.sandbox.structure import (
    Export,
    ExternKind,
    Function,
    Import,
    ModuleStructure,
    PassiveSegment,
    Signature,
)
from edge_sdk.wasm import Reader, read_sections, section_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.sandbox.structure import Global, Memory, Table
    from edge_sdk.wasm import Section


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
    globals: list[Global] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    has_start: bool = False
    data_segments: int = 0
    data_bytes: int = 0
    element_segments: int = 0
    elements: int = 0
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
            globals=tuple(self.globals),
            exports=tuple(self.exports),
            has_start=self.has_start,
            data_segments=self.data_segments,
            data_bytes=self.data_bytes,
            element_segments=self.element_segments,
            elements=self.elements,
            passive_segments=tuple(self.passive_segments),
        )

    def _types(self, reader: Reader) -> None:
        for index in range(reader.count("types")):
            form = reader.byte()
            if form != 0x60:
                raise reader.error(f"type {index} is not a function type (form 0x{form:02x})", at=reader.position - 1)
            params = tuple(read_value_type(reader) for _ in range(reader.count("parameters")))
            results = tuple(read_value_type(reader) for _ in range(reader.count("results")))
            self.types.append(Signature(params, results))

    def _imports(self, reader: Reader) -> None:
        for _ in range(reader.count("imports")):
            module, name = reader.name(), reader.name()
            kind = read_extern_kind(reader)
            match kind:
                case ExternKind.FUNCTION:
                    self.signatures.append(self._signature(reader))
                    self.imported_functions += 1
                case ExternKind.TABLE:
                    read_table(reader)
                case ExternKind.MEMORY:
                    read_memory(reader)
                case ExternKind.GLOBAL:
                    read_global_type(reader)
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
        self.tables = [read_table(reader) for _ in range(reader.count("tables"))]

    def _memories(self, reader: Reader) -> None:
        self.memories = [read_memory(reader) for _ in range(reader.count("memories"))]

    def _globals(self, reader: Reader) -> None:
        for _ in range(reader.count("globals")):
            self.globals.append(read_global_type(reader))
            skip_constant(reader)

    def _exports(self, reader: Reader) -> None:
        for _ in range(reader.count("exports")):
            name = reader.name()
            kind = read_extern_kind(reader)
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
        self.element_segments = reader.count("element segments")
        for index in range(self.element_segments):
            flags = reader.u32()
            if flags > 7:
                raise reader.error(f"element segment {index} has unknown flags {flags}")
            passive, indexed, expressions = flags & 1, flags & 2, flags & 4
            if passive and not indexed:
                self.passive_segments.append(PassiveSegment("element", index))
            if not passive:
                if indexed:
                    reader.u32()
                skip_constant(reader)
            if passive or indexed:
                read_value_type(reader) if expressions else reader.byte()
            elements = reader.count("elements")
            self.elements += elements
            for _ in range(elements):
                skip_constant(reader) if expressions else reader.u32()

    def _code(self, reader: Reader) -> None:
        for position in range(reader.count("functions")):
            index = self.imported_functions + position
            size = reader.u32()
            body = reader.part_of(size, f"code section, function {index}")
            declared = 0
            for _ in range(body.count("groups of locals")):
                declared += body.u32()
                read_value_type(body)
            self.functions.append(Function(index, offset=reader.position - size, body_bytes=size, locals=declared))

    def _data(self, reader: Reader) -> None:
        self.data_segments = reader.count("data segments")
        for index in range(self.data_segments):
            flags = reader.u32()
            if flags > 2:
                raise reader.error(f"data segment {index} has unknown flags {flags}")
            if flags == 1:
                self.passive_segments.append(PassiveSegment("data", index))
            else:
                if flags == 2:
                    reader.u32()
                skip_constant(reader)
            size = reader.u32()
            reader.skip(size)
            self.data_bytes += size
