"""Whether the module reader and the compiler see the same module in the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import wasmtime

from edge.sandbox.structure import ExternKind, Signature

if TYPE_CHECKING:
    from edge.sandbox.structure import ModuleStructure


def accepts(engine: wasmtime.Engine, wasm: bytes) -> bool:
    """Returns whether the compiler takes these bytes for a valid module."""
    try:
        wasmtime.Module.validate(engine, wasm)
    except wasmtime.WasmtimeError:
        return False
    return True


def _exports_as_read(structure: ModuleStructure) -> list[tuple[str, str]]:
    """Returns name and description of each export of a module that imports nothing."""
    described = []
    for export in structure.exports:
        match export.kind:
            case ExternKind.FUNCTION:
                what = f"func {export.signature}"
            case ExternKind.MEMORY:
                memory = structure.memories[export.index]
                # A page's size is not in the compiler's answer.
                what = f"memory {memory.min_pages} {_maximum(memory.max_pages)} {memory.is_64} {memory.shared}"
            case ExternKind.TABLE:
                table = structure.tables[export.index]
                what = f"table {table.element} {table.min_elements} {_maximum(table.max_elements)}"
            case ExternKind.GLOBAL:
                cell = structure.globals[export.index]
                what = f"global {cell.value} {cell.mutable}"
            case ExternKind.TAG:
                what = "tag"
        described.append((export.name, what))
    return described


def disagreement(engine: wasmtime.Engine, wasm: bytes, structure: ModuleStructure) -> str:
    """Returns where compiler and reader differ about imports and exports of a valid module; nothing if nowhere."""
    module = wasmtime.Module(engine, wasm)
    imports_read = [(wanted.module, wanted.name) for wanted in structure.imports]
    imports = [(wanted.module, wanted.name or "") for wanted in module.imports]
    if imports != imports_read:
        return f"imports: compiled {imports}, read {imports_read}"
    exports_read = _exports_as_read(structure)
    exports = module.exports
    if [export.name or "" for export in exports] != [name for name, _ in exports_read]:
        return f"names: compiled {[export.name for export in exports]}, read {exports_read}"
    for export, (name, as_read) in zip(exports, exports_read, strict=True):
        # wasmtime 50 ends the process when Python asks for the type of 16 bytes.
        if "v128" not in as_read and (as_compiled := _described(export.type)) != as_read:
            return f"{name}: compiled {as_compiled}, read {as_read}"
    return ""


def _maximum(read: int | None) -> int | None:
    # wasmtime's interface has no other spelling for having none.
    return None if read == 2**32 - 1 else read


def _described(extern: wasmtime.AsExternType) -> str:
    if isinstance(extern, wasmtime.FuncType):
        return f"func {Signature(tuple(map(str, extern.params)), tuple(map(str, extern.results)))}"
    if isinstance(extern, wasmtime.MemoryType):
        return f"memory {extern.limits.min} {extern.limits.max} {extern.is_64} {extern.is_shared}"
    if isinstance(extern, wasmtime.TableType):
        return f"table {extern.element} {extern.limits.min} {extern.limits.max}"
    if isinstance(extern, wasmtime.GlobalType):
        return f"global {extern.content} {extern.mutable}"
    return "tag"
