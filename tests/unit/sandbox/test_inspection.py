from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sandbox.assemble import assemble
from edge.sandbox.inspection import inspect
from edge.sandbox.structure import (
    Export,
    ExternKind,
    Function,
    Global,
    Import,
    Memory,
    PassiveSegment,
    Signature,
    Table,
)
from edge_sdk.errors import WasmFormatError
from edge_sdk.wasm import embed_custom_section

# Everything that the inspection reads, in as many spellings as the text format has for it.
RICH = embed_custom_section(
    assemble(
        """
        (module
          (import "env" "f" (func (param i32)))
          (import "env" "t" (table i64 1 externref))
          (import "env" "m" (memory 1 2 shared))
          (import "env" "g" (global (mut f64)))
          (import "env" "x" (tag (param i32)))
          (type (func (param i32 i64 f32 f64 v128 funcref externref) (result i32 i32)))
          (table 3 9 funcref)
          (memory 40 80 (pagesize 1))
          (global i32 (i32.add (i32.const -1) (i32.mul (i32.const 2) (i32.const 3))))
          (global i64 (i64.sub (i64.const 0x8000000000000000) (i64.const 1)))
          (global f32 (f32.const nan))
          (global (mut f64) (f64.const 1.5))
          (global v128 (v128.const i64x2 1 2))
          (global funcref (ref.null func))
          (global funcref (ref.func $one))
          (func $one (export "one") (result i32) (local i32 i32 f64) i32.const 1)
          (func $two (export "two") (export "again"))
          (export "m" (memory 1))
          (elem (table 1) (i32.const 0) func $one)
          (elem (table 1) (offset i32.const 1) funcref (ref.func $two) (ref.null func))
          (elem func $one)
          (elem funcref (ref.null func))
          (elem declare func $two)
          (elem declare funcref (ref.func $two))
          (data (memory 1) (i32.const 0) "abc")
          (data "passive")
          (data (i32.const 4) "de"))
        """,
        "rich",
    ),
    "edge.manifest",
    b"{}",
)


def test_everything_is_found() -> None:
    """Each import, export, function, memory, table, segment and custom section is read with its own numbers."""
    structure = inspect(RICH)
    assert structure.size_bytes == len(RICH)
    assert [(wanted.name, wanted.kind) for wanted in structure.imports] == list(zip("ftmgx", ExternKind, strict=True))
    assert structure.imports[0] == Import("env", "f", ExternKind.FUNCTION)
    number = Signature((), ("i32",))
    assert structure.exports == (
        Export("one", ExternKind.FUNCTION, 1, number),
        Export("two", ExternKind.FUNCTION, 2, Signature((), ())),
        Export("again", ExternKind.FUNCTION, 2, Signature((), ())),
        Export("m", ExternKind.MEMORY, 1, None),
    )
    one, two = structure.functions
    assert (one, two) == (Function(1, one.offset, body_bytes=8, locals=3), Function(2, two.offset, 2, locals=0))
    assert RICH[one.offset : one.offset + one.body_bytes] == bytes.fromhex("02 02 7f 01 7c 41 01 0b")
    assert RICH[two.offset : two.offset + two.body_bytes] == bytes.fromhex("00 0b")
    assert structure.tables == (Table(3, 9, "funcref", shared=False, is_64=False),)
    assert structure.memories == (Memory(40, 80, 1, shared=False, is_64=False),)
    assert structure.memories[0].min_bytes == 40
    assert structure.globals == (
        Global("i32", mutable=False),
        Global("i64", mutable=False),
        Global("f32", mutable=False),
        Global("f64", mutable=True),
        Global("v128", mutable=False),
        Global("funcref", mutable=False),
        Global("funcref", mutable=False),
    )
    assert not structure.has_start
    assert structure.data_bytes == 12
    assert structure.passive_segments == (
        PassiveSegment("element", 2),
        PassiveSegment("element", 3),
        PassiveSegment("data", 1),
    )
    assert structure.sections[-1].name == "edge.manifest"
    assert "(i32, i64, f32, f64, v128, funcref, externref) -> (i32, i32)" in map(str, structure.types)


def test_sections_are_where_they_say() -> None:
    """The header and the sections, each from its id to its end, are the whole module."""
    sections = inspect(RICH).sections
    assert RICH[:8] + b"".join(RICH[section.start : section.end] for section in sections) == RICH
    exports = next(section for section in sections if section.id == 7)
    assert RICH[exports.offset : exports.end].startswith(b"\x04\x03one\x00\x01")


def test_a_table_says_what_it_holds() -> None:
    """References to functions and to what a host hands in are told apart; an unusual spelling changes nothing."""
    assert [
        table.element for table in inspect(assemble("(module (table 1 funcref) (table 1 externref))", "t")).tables
    ] == [
        "funcref",
        "externref",
    ]
    long_spelling = assemble("(module (table 1 funcref))", "t").replace(b"\x04\x04\x01\x70", b"\x04\x05\x01\x63\x70")
    assert [table.element for table in inspect(long_spelling).tables] == ["funcref"]


def test_memory_defaults() -> None:
    """A memory without maximum or page size has none, and pages of 64 KiB."""
    (memory,) = inspect(assemble("(module (memory 2))", "test")).memories
    assert memory == Memory(2, None, 65536, shared=False, is_64=False)
    assert memory.min_bytes == 131072


def test_start_function() -> None:
    """A start section is seen."""
    assert inspect(assemble("(module (func $f) (start $f))", "test")).has_start


def test_empty_module() -> None:
    """A module of nothing is a module."""
    structure = inspect(assemble("(module)", "test"))
    assert (structure.sections, structure.functions) == ((), ())


def test_unknown_opcode_in_a_constant() -> None:
    """What a constant expression may not contain is refused with its place, not guessed at."""
    wasm = bytearray(assemble("(module (global i32 (i32.const 7)))", "test"))
    wasm[wasm.index(b"\x41\x07")] = 0x10  # a call
    with pytest.raises(WasmFormatError, match="global section, byte 13: opcode 0x10"):
        inspect(bytes(wasm))


@given(st.lists(st.tuples(st.integers(8, len(RICH) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_only_format_errors_escape_mutations(changes: list[tuple[int, int]]) -> None:
    """A rich module with a few bytes changed is read or refused as malformed, and nothing else happens."""
    mutated = bytearray(RICH)
    for position, value in changes:
        mutated[position] = value
    try:
        inspect(bytes(mutated))
    except WasmFormatError as error:
        assert "byte " in error.message  # noqa: PT017 - that none is raised is fine too


@given(st.integers(0, len(RICH) - 1))
def test_only_format_errors_escape_truncation(length: int) -> None:
    """A module cut anywhere is refused as malformed, or lacks whole sections."""
    try:
        inspect(RICH[:length])
    except WasmFormatError as error:
        assert "byte " in error.message  # noqa: PT017 - that none is raised is fine too
