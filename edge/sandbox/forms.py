"""The small forms that sections of a module are made of: types, limits and constants (core specification 3.0, 5.3).

Forms that only switched-off proposals use are passed over as far as a good message needs and refused beyond that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from edge.sandbox.structure import ExternKind, Global, Memory, Table

if TYPE_CHECKING:
    from edge_sdk.wasm import Reader

_PAGE_BYTES: Final = 65536

_VALUE_TYPES: Final = {
    0x7F: "i32",
    0x7E: "i64",
    0x7D: "f32",
    0x7C: "f64",
    0x7B: "v128",
    0x70: "funcref",
    0x6F: "externref",
}
# References of switched-off proposals: passed over, so that the compiler can say which one it is.
_OTHER_REFERENCE: Final = "reference"
_OTHER_REFERENCES: Final = range(0x69, 0x75)
_REFERENCE: Final = 0x64
_NULLABLE_REFERENCE: Final = 0x63
_LONG_SPELLINGS: Final = {b"\x70": "funcref", b"\x6f": "externref"}
_EXTERN_KINDS: Final = tuple(ExternKind)


class _Bounds(NamedTuple):
    """Size of a memory in pages, or of a table in elements."""

    minimum: int
    maximum: int | None
    page_bytes: int
    shared: bool
    is_64: bool


def read_extern_kind(reader: Reader) -> ExternKind:
    """Returns the kind of an import or export."""
    code = reader.byte()
    if code >= len(_EXTERN_KINDS):
        raise reader.error(f"there is no kind 0x{code:02x} of import or export", at=reader.position - 1)
    return _EXTERN_KINDS[code]


def read_value_type(reader: Reader) -> str:
    """Returns the name of a value type, `reference` for those that no admissible module has."""
    code = reader.byte()
    if code in _VALUE_TYPES:
        return _VALUE_TYPES[code]
    if code in (_REFERENCE, _NULLABLE_REFERENCE):
        start = reader.position
        reader.skip_signed(33)
        # A nullable reference to any function is another spelling of `funcref`, which compilers take too.
        long_spelling = reader.between(start, reader.position) if code == _NULLABLE_REFERENCE else b""
        return _LONG_SPELLINGS.get(long_spelling, _OTHER_REFERENCE)
    if code not in _OTHER_REFERENCES:
        raise reader.error(f"there is no value type 0x{code:02x}", at=reader.position - 1)
    return _OTHER_REFERENCE


def read_global_type(reader: Reader) -> Global:
    """Returns the type of a global."""
    value = read_value_type(reader)
    mutable = reader.byte()
    if mutable > 1:
        raise reader.error(f"a global is constant or mutable, not 0x{mutable:02x}", at=reader.position - 1)
    return Global(value, mutable=mutable == 1)


def read_memory(reader: Reader) -> Memory:
    """Returns the type of a memory."""
    bounds = _read_bounds(reader)
    return Memory(bounds.minimum, bounds.maximum, bounds.page_bytes, shared=bounds.shared, is_64=bounds.is_64)


def read_table(reader: Reader) -> Table:
    """Returns the type of a table."""
    element = read_value_type(reader)
    bounds = _read_bounds(reader)
    return Table(bounds.minimum, bounds.maximum, element, shared=bounds.shared, is_64=bounds.is_64)


def _read_bounds(reader: Reader) -> _Bounds:
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


def skip_constant(reader: Reader) -> None:
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
