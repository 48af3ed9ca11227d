"""Whether a module has the shape that guest ABI 1 asks for, within the limits: the checks that need no compiler."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge.domain.module import Finding
from edge.sandbox.expose import RESERVED
from edge.sandbox.inspection import inspect
from edge.sandbox.structure import ExternKind, Signature
from edge_sdk.errors import WasmFormatError
from edge_sdk.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.sandbox.structure import Export, ModuleStructure
    from edge.settings import SandboxLimits

MEMORY: Final = "memory"
EDGE_INPUTS: Final = "edge_inputs"
EVALUATE: Final = "evaluate"
INITIALIZE: Final = "_initialize"

_RETURNS_I32 = Signature(params=(), results=("i32",))
_RETURNS_NOTHING = Signature(params=(), results=())
_SIGNATURES = {EDGE_INPUTS: _RETURNS_I32, EVALUATE: _RETURNS_I32, INITIALIZE: _RETURNS_NOTHING}

# A module with a thousand forbidden imports needs one page of findings, not a thousand.
_FINDINGS_MAX = 50
_CUT = Finding(
    "structure",
    "FINDINGS_CUT",
    f"More was found than these {_FINDINGS_MAX - 1} findings say.",
    "Correct these and look again.",
)


@dataclass(frozen=True, slots=True)
class Examination:
    """What examining a module gave: its structure, unless it could not be read, and every reason against it."""

    structure: ModuleStructure | None
    findings: tuple[Finding, ...]


def examine(wasm: bytes, limits: SandboxLimits) -> Examination:
    """Returns every finding about a binary of unknown origin, in the order of admission.

    Whatever the bytes are, it answers with findings and does not raise.
    """
    if too_large := check_size(len(wasm), limits):
        return Examination(None, too_large)
    try:
        structure = inspect(wasm)
    except WasmFormatError as error:
        return Examination(None, (Finding("structure", error.reason, error.message, error.advice),))
    return Examination(structure, check_structure(structure, limits))


def check_size(size_bytes: int, limits: SandboxLimits) -> tuple[Finding, ...]:
    """Returns a finding if a binary is larger than a module may be; to be asked before it is read."""
    if size_bytes <= limits.module_bytes_max:
        return ()
    message = f"The module has {size_bytes} bytes, at most {limits.module_bytes_max} are allowed."
    return (Finding("size", "MODULE_TOO_LARGE", message, "Build with optimisation for size and strip debug sections."),)


def check_structure(structure: ModuleStructure, limits: SandboxLimits) -> tuple[Finding, ...]:
    """Returns every reason why a module of this structure is not admissible: empty if it is.

    There are at most 50, of which the last then says that there are more.
    """
    checks = (
        _check_imports(structure),
        _check_memory(structure, limits),
        _check_table(structure, limits),
        _check_state(structure),
        _check_export_names(structure, limits),
        _check_exports(structure),
        _check_counts(structure, limits),
        _check_types(structure, limits),
        _check_functions(structure, limits),
    )
    findings = [*check_size(structure.size_bytes, limits)]
    for check in checks:
        for finding in check:
            if len(findings) == _FINDINGS_MAX:
                return (*findings[:-1], _CUT)
            findings.append(finding)
    return tuple(findings)


def _structure(reason: str, message: str, advice: str) -> Finding:
    return Finding("structure", reason, message, advice)


def _check_imports(structure: ModuleStructure) -> Iterator[Finding]:
    for wanted in structure.imports:
        name = f"`{printable(wanted.module)}.{printable(wanted.name)}`"
        advice = "A module imports nothing: remove what needs it, or link it in."
        yield Finding("imports", "IMPORT_FORBIDDEN", f"The module imports the {wanted.kind} {name}.", advice)


def _check_memory(structure: ModuleStructure, limits: SandboxLimits) -> Iterator[Finding]:
    if len(structure.memories) != 1:
        message = f"The module defines {len(structure.memories)} memories."
        yield _structure("MEMORY_COUNT", message, "Define exactly one memory.")
    for index, memory in enumerate(structure.memories):
        if memory.shared:
            message = f"Memory {index} is shared between threads."
            yield _structure("MEMORY_SHARED", message, "Build without threads and atomics.")
        if memory.is_64:
            yield _structure("MEMORY_64_BIT", f"Memory {index} has 64-bit addresses.", "Build for wasm32.")
        if memory.min_bytes > limits.memory_bytes_max:
            message = (
                f"Memory {index} starts with {memory.min_bytes} bytes, at most {limits.memory_bytes_max} are allowed."
            )
            yield _structure("MEMORY_TOO_LARGE", message, "Give the linker a smaller stack, or use fewer static data.")
    if structure.data_bytes > limits.data_bytes_max:
        message = f"The data section holds {structure.data_bytes} bytes, at most {limits.data_bytes_max} are allowed."
        yield _structure("DATA_TOO_LARGE", message, "Use fewer static data.")


def _check_table(structure: ModuleStructure, limits: SandboxLimits) -> Iterator[Finding]:
    if len(structure.tables) > 1:
        message = f"The module defines {len(structure.tables)} tables."
        yield _structure("TABLE_COUNT", message, "Define one table at most.")
    for index, table in enumerate(structure.tables):
        if table.shared or table.is_64:
            kind = "is shared between threads" if table.shared else "has 64-bit indices"
            yield _structure("TABLE_UNSUPPORTED", f"Table {index} {kind}.", "Build for wasm32 without threads.")
        if table.min_elements > limits.table_elements_max:
            message = (
                f"Table {index} starts with {table.min_elements} elements,"
                f" at most {limits.table_elements_max} are allowed."
            )
            yield _structure("TABLE_TOO_LARGE", message, "Use fewer function pointers.")


def _check_state(structure: ModuleStructure) -> Iterator[Finding]:
    for segment in structure.passive_segments:
        message = f"{segment.kind.capitalize()} segment {segment.index} is passive: dropping it would be state."
        yield _structure("SEGMENT_PASSIVE", message, "Build without bulk-memory initialisation: use active segments.")
    if structure.has_start:
        message = "The module has a start section."
        yield _structure("START_FUNCTION", message, f"Export the function as `{INITIALIZE}` instead.")


def _check_export_names(structure: ModuleStructure, limits: SandboxLimits) -> Iterator[Finding]:
    for name, times in Counter(export.name for export in structure.exports).items():
        if times > 1:
            message = f"The name `{printable(name)}` is exported {times} times."
            yield _structure("EXPORT_DUPLICATE", message, "Export every name once.")
        if name.startswith(RESERVED):
            message = f"The name `{printable(name)}` is exported."
            yield _structure("EXPORT_RESERVED", message, f"Names that begin with `{RESERVED}` are the edge's own.")
        size_bytes = len(name.encode())
        if size_bytes > limits.export_name_bytes_max:
            message = (
                f"The name `{printable(name)}` of an export has {size_bytes} bytes,"
                f" at most {limits.export_name_bytes_max} are allowed."
            )
            yield _structure("EXPORT_NAME_TOO_LONG", message, "Shorten it, or do not export it.")


def _check_exports(structure: ModuleStructure) -> Iterator[Finding]:
    exports = {export.name: export for export in structure.exports}
    if MEMORY not in exports:
        # Without a memory there is nothing to export, and that has been said.
        if structure.memories:
            message = f"The module does not export `{MEMORY}`."
            yield _structure("EXPORT_MISSING", message, "Export its memory by that name.")
    elif exports[MEMORY].kind is not ExternKind.MEMORY:
        message = f"The export `{MEMORY}` is a {exports[MEMORY].kind}."
        yield _structure("EXPORT_TYPE", message, "Export the memory by that name.")
    for name, signature in _SIGNATURES.items():
        if name in exports:
            yield from _check_signature(exports[name], signature)
        elif name != INITIALIZE:
            message = f"The module does not export `{name}`."
            yield _structure("EXPORT_MISSING", message, f"Export a function `{name}: {signature}`.")


def _check_signature(export: Export, signature: Signature) -> Iterator[Finding]:
    if export.signature != signature:
        found = f"a {export.kind}" if export.signature is None else f"a function {printable(str(export.signature))}"
        message = f"The export `{export.name}` ({export.kind} {export.index}) is {found}."
        yield _structure("EXPORT_TYPE", message, f"It must be a function {signature}.")


def _check_counts(structure: ModuleStructure, limits: SandboxLimits) -> Iterator[Finding]:
    counts = (
        ("TYPES_TOO_MANY", "type", len(structure.types), limits.types_max),
        ("FUNCTIONS_TOO_MANY", "function", len(structure.functions), limits.functions_max),
        ("GLOBALS_TOO_MANY", "global", len(structure.globals), limits.globals_max),
        ("EXPORTS_TOO_MANY", "export", len(structure.exports), limits.exports_max),
        ("ELEMENT_SEGMENTS_TOO_MANY", "element", structure.element_segments, limits.element_segments_max),
        ("DATA_SEGMENTS_TOO_MANY", "data", structure.data_segments, limits.data_segments_max),
    )
    for reason, kind, count, count_max in counts:
        if count > count_max:
            message = f"The {kind} section has {count} entries, at most {count_max} are allowed."
            yield _structure(reason, message, "Use fewer; an optimiser can join some.")
    if structure.elements > limits.elements_max:
        message = (
            f"The element section has {structure.elements} elements in its segments,"
            f" at most {limits.elements_max} are allowed."
        )
        yield _structure("ELEMENTS_TOO_MANY", message, "Use fewer function pointers.")


def _check_types(structure: ModuleStructure, limits: SandboxLimits) -> Iterator[Finding]:
    for index, signature in enumerate(structure.types):
        for reason, kind, values, count_max in (
            ("PARAMS_TOO_MANY", "parameters", signature.params, limits.params_max),
            ("RESULTS_TOO_MANY", "results", signature.results, limits.results_max),
        ):
            if len(values) > count_max:
                message = f"Type {index} has {len(values)} {kind}, at most {count_max} are allowed."
                yield _structure(reason, message, "Hand over the address of a structure instead.")


def _check_functions(structure: ModuleStructure, limits: SandboxLimits) -> Iterator[Finding]:
    for function in structure.functions:
        if function.body_bytes > limits.function_body_bytes_max:
            message = (
                f"Function {function.index} has {function.body_bytes} bytes of code,"
                f" at most {limits.function_body_bytes_max} are allowed."
            )
            yield _structure("FUNCTION_TOO_LARGE", message, "Split it; inline less.")
        if function.locals > limits.locals_max:
            message = (
                f"Function {function.index} declares {function.locals} locals, at most {limits.locals_max} are allowed."
            )
            yield _structure("LOCALS_TOO_MANY", message, "Split it; inline less.")
