"""Bytes that are not a module, or one made to mislead a reader, are refused with the place named."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from edge.sandbox.admission import examine
from edge.sandbox.assemble import assemble
from edge.sandbox.compile import Compiler, ModuleCompileError
from edge.settings import SandboxLimits
from edge_sdk.errors import WasmFormatError
from edge_sdk.wasm import ENTRIES_MAX, custom_section

if TYPE_CHECKING:
    from edge.domain.module import Finding

LIMITS = SandboxLimits()
HEADER = b"\0asm\x01\0\0\0"
ABI = """
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0)
"""
GOOD = assemble(f"(module {ABI})", "good")

BROKEN = {
    "empty": (b"", "header, byte 0"),
    "text": (b"(module)", "header, byte 0"),
    "elf": (b"\x7fELF\x02\x01\x01", "header, byte 0"),
    "half a header": (HEADER[:6], "header, byte 4"),
    "version 2": (b"\0asm\x02\0\0\0", "header, byte 4"),
    "unknown section": (HEADER + b"\x20\0", "section header, byte 8"),
    "no size": (HEADER + b"\x01", "type section, byte 9"),
    "truncated section": (GOOD[:-1], "code section"),
    "size beyond the end": (HEADER + b"\x01\x7f", "type section, byte 10"),
    "size beyond 32 bits": (HEADER + b"\x01\xff\xff\xff\xff\x7f", "type section, byte 9"),
    "overlong size": (HEADER + b"\x01\x81\x80\x80\x80\x80\0\0", "type section, byte 9"),
    "size smaller than its content": (HEADER + b"\x01\x03\x01\x60\0\0", "custom section, byte 14"),
    "size larger than its content": (HEADER + b"\x01\x05\x01\x60\0\0\0", "type section, byte 14"),
    "repeated section": (HEADER + b"\x01\x01\0\x01\x01\0", "type section, byte 11"),
    "sections out of order": (HEADER + b"\x03\x01\0\x01\x01\0", "type section, byte 11"),
    "more elements than bytes": (HEADER + b"\x01\x05\xff\x7f\xff\xff\x0f", "type section, byte 10"),
    "name not utf-8": (HEADER + b"\0\x03\x02\xff\xfe", "custom section, byte 10"),
    "name beyond its section": (HEADER + b"\0\x02\x05a", "custom section, byte 11"),
    "function of unknown type": (HEADER + b"\x03\x02\x01\0", "function section, byte 11"),
    "function without code": (HEADER + b"\x01\x04\x01\x60\0\0\x03\x02\x01\0", "code section"),
    "export of no function": (HEADER + b"\x07\x05\x01\x01f\0\x09", "export section, byte 15"),
    "locals beyond the body": (
        HEADER + b"\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x04\x01\x02\x05\x0b",
        "code section, function 0, byte 22",
    ),
    "value type unknown": (HEADER + b"\x01\x05\x01\x60\x01\x01\0", "type section, byte 13"),
    "value type of strings": (HEADER + b"\x01\x05\x01\x60\x01\x67\0", "type section, byte 13"),
    "type not of a function": (HEADER + b"\x01\x03\x01\x5f\0", "type section, byte 11"),
    "import of no kind": (HEADER + b"\x02\x05\x01\0\0\x05\0", "import section, byte 13"),
    "import of unknown type": (HEADER + b"\x02\x05\x01\0\0\0\x07", "import section, byte 14"),
    "import name not utf-8": (HEADER + b"\x02\x06\x01\x01\xc0\0\0\0", "import section, byte 11"),
    "global neither constant nor mutable": (HEADER + b"\x06\x06\x01\x7f\x02\x41\0\x0b", "global section, byte 12"),
    "constant without end": (HEADER + b"\x06\x05\x01\x7f\0\x41\0", "global section, byte 15"),
    "constant beyond 32 bits": (HEADER + b"\x06\x0a\x01\x7f\0\x41\xff\xff\xff\xff\x3f\x0b", "global section, byte 14"),
    "constant with overlong integer": (
        HEADER + b"\x06\x0b\x01\x7f\0\x41\x80\x80\x80\x80\x80\0\x0b",
        "global section, byte 14",
    ),
    "constant that calls": (HEADER + b"\x06\x06\x01\x7f\0\x10\0\x0b", "global section, byte 13"),
    "memory flags unknown": (HEADER + b"\x05\x03\x01\x10\x01", "memory section, byte 11"),
    "memory size beyond 32 bits": (HEADER + b"\x05\x07\x01\0\xff\xff\xff\xff\x1f", "memory section, byte 12"),
    "table with an initializer": (HEADER + b"\x04\x09\x01\x40\0\x70\0\x01\xd0\x70\x0b", "table section, byte 11"),
    "export name beyond its section": (HEADER + b"\x07\x05\x01\x7ff\0\0", "export section, byte 12"),
    "export of no kind": (HEADER + b"\x07\x05\x01\x01f\x05\0", "export section, byte 13"),
    "element flags unknown": (HEADER + b"\x09\x02\x01\x08", "element section"),
    "more elements than bytes in a segment": (
        HEADER + b"\x09\x09\x01\0\x41\0\x0b\xff\xff\xff\x07",
        "element section, byte 15",
    ),
    "data flags unknown": (HEADER + b"\x0b\x02\x01\x03", "data section"),
    "data beyond its section": (HEADER + b"\x0b\x06\x01\0\x41\0\x0b\x7f", "data section"),
    "start twice in one section": (HEADER + b"\x08\x02\0\0", "start section, byte 11"),
    "manifest's name beyond the end": (HEADER + b"\0\x0e\x7fedge.manifest", "custom section, byte 11"),
    "a page of 2 bytes": (HEADER + b"\x05\x04\x01\x08\x01\x01", "memory section"),
    "a thousand sections": (HEADER + b"\0\x01\0" * 1001, "more than 1000 sections"),
}


@pytest.mark.parametrize(("wasm", "where"), BROKEN.values(), ids=BROKEN)
def test_broken_binary(wasm: bytes, where: str) -> None:
    """The examination refuses it with one finding that says where, and raises nothing."""
    examination = examine(wasm, LIMITS)
    assert examination.structure is None
    assert [(finding.check, finding.reason) for finding in examination.findings] == [("structure", "MODULE_MALFORMED")]
    assert where in examination.findings[0].message


def test_broken_binaries_are_cheap() -> None:
    """All of them together take less than half a second of CPU time: nothing that they announce is believed first."""
    begun_s = time.process_time()
    for wasm, _ in BROKEN.values():
        examine(wasm, LIMITS)
    assert time.process_time() - begun_s < 0.5


def size(number: int) -> bytes:
    """Returns a size the way the binary format has it."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + size(rest) if rest else bytes([low])


def section(section_id: int, payload: bytes) -> bytes:
    return bytes([section_id]) + size(len(payload)) + payload


def flood(section_id: int, entry: bytes, count: int = ENTRIES_MAX) -> bytes:
    """Returns a section of as many entries as a reader takes."""
    return section(section_id, size(count) + entry * count)


FLOODS = {
    "types": (HEADER + flood(1, b"\x60\0\0"), "TYPES_TOO_MANY"),
    "imports": (HEADER + flood(2, b"\0\0\x03\x7f\0"), "IMPORT_FORBIDDEN"),
    "memories": (HEADER + flood(5, b"\0\0"), "MEMORY_COUNT"),
    "tables": (HEADER + flood(4, b"\x70\0\0"), "TABLE_COUNT"),
    "globals": (HEADER + flood(6, b"\x7f\0\x41\0\x0b"), "GLOBALS_TOO_MANY"),
    "passive segments": (HEADER + flood(9, b"\x01\0\0"), "SEGMENT_PASSIVE"),
}


@pytest.mark.parametrize(("wasm", "reason"), FLOODS.values(), ids=FLOODS)
def test_a_flood_is_read_and_refused(wasm: bytes, reason: str) -> None:
    """As many of the smallest entries as are read at all cost little CPU time, and the module is refused."""
    assert len(wasm) <= LIMITS.module_bytes_max
    begun_s = time.process_time()
    findings = examine(wasm, LIMITS).findings
    assert time.process_time() - begun_s < 2
    assert reason in {finding.reason for finding in findings}
    assert len(findings) <= 50


def with_code(body: bytes, *, before: bytes = b"", after: bytes = b"") -> bytes:
    """Returns a module of the ABI whose `evaluate` has this body, with sections before and after the code."""
    head = GOOD[: GOOD.index(b"\x0a\x0b\x02")]
    code = b"\x02\x04\0\x41\0\x0b" + bytes([len(body)]) + body
    return head + before + section(10, code) + after


READABLE_AND_INVALID = {
    "no end": with_code(b"\0\x41\0"),
    "code after the end": with_code(b"\0\x41\0\x0b\x01"),
    "an opcode that is none": with_code(b"\0\xff\x0b"),
    "a vector opcode that is none": with_code(b"\0\xfd\xff\x7f\x0b"),
    "an integer beyond 32 bits": with_code(b"\0\x41\xff\xff\xff\xff\x3f\x0b"),
    "an integer with overlong encoding": with_code(b"\0\x41\x80\x80\x80\x80\x80\0\x0b"),
    "a jump table that announces four billion": with_code(b"\0\x41\0\x0e\xff\xff\xff\xff\x0f\0\x0b"),
    "an opcode of memory control": with_code(b"\0\x41\0\x41\0\xfc\x12\0\x0b"),
    "an opcode of atomics": with_code(b"\0\xfe\x03\0\x41\0\x0b"),
    "an opcode of strings": with_code(b"\0\xfb\x82\x01\0\x1a\x41\0\x0b"),
    "a count of data without data": with_code(b"\0\x41\0\x0b", before=section(12, b"\x01")),
    "a count of data that lies": with_code(
        b"\0\x41\0\x0b", before=section(12, b"\x02"), after=section(11, b"\x01\0\x41\0\x0b\x01a")
    ),
    "a count of data that is longer than its number": with_code(b"\0\x41\0\x0b", before=section(12, b"\0\0")),
    "a segment of data into no memory": with_code(b"\0\x41\0\x0b", after=section(11, b"\x01\x02\x07\x41\0\x0b\x01a")),
}


@pytest.mark.parametrize("wasm", READABLE_AND_INVALID.values(), ids=READABLE_AND_INVALID)
def test_invalid_inside(wasm: bytes) -> None:
    """What the reader passes over because it is code, or counts nothing, the compiler refuses as invalid."""
    assert examine(wasm, LIMITS).findings == ()
    with pytest.raises(ModuleCompileError) as refusal:
        Compiler(LIMITS).compile(wasm)
    assert refusal.value.reason == "MODULE_INVALID"
    assert refusal.value.message.isprintable()


@pytest.mark.parametrize("wasm", [b"", b"(module)", GOOD[:-1]])
def test_compiler_refuses_it_too(wasm: bytes) -> None:
    """Compilation does not depend on an examination before it, and does not take text for a module."""
    with pytest.raises(ModuleCompileError) as refusal:
        Compiler(LIMITS).compile(wasm)
    assert refusal.value.reason == "MODULE_INVALID"


def test_duplicate_custom_section() -> None:
    """Two sections of one name are not read as either: the operator could have approved the other."""
    section = b"\0\x04\x02me\x01"
    with pytest.raises(WasmFormatError, match="`me` appears 2 times"):
        custom_section(HEADER + section + section, "me")


def only_finding(wasm: bytes) -> Finding:
    findings = examine(wasm, LIMITS).findings
    assert len(findings) == 1
    return findings[0]


def repeated(text: str, times: int) -> bytes:
    return assemble(f"(module {ABI} {' '.join(text.format(n) for n in range(times))})", "repeated")


OVER_A_LIMIT = {
    "10,000 exports": (repeated('(export "e{}" (func 0))', 10_000), "EXPORTS_TOO_MANY", "10003 entries"),
    "1,001 types": (repeated("(type (func))", 1_001), "TYPES_TOO_MANY", "1002 entries"),
    "2,001 functions": (repeated("(func)", 2_001), "FUNCTIONS_TOO_MANY", "2003 entries"),
    "65 globals": (repeated("(global i32 (i32.const {}))", 65), "GLOBALS_TOO_MANY", "65 entries"),
    "1,001 locals": (repeated(f"(func (local {'i32 ' * 1_001}))", 1), "LOCALS_TOO_MANY", "Function 2 declares 1001"),
    "a long function": (repeated(f"(func {'nop ' * 65_536})", 1), "FUNCTION_TOO_LARGE", "Function 2 has 65538 bytes"),
}


@pytest.mark.parametrize(("wasm", "reason", "where"), OVER_A_LIMIT.values(), ids=OVER_A_LIMIT)
def test_over_a_limit(wasm: bytes, reason: str, where: str) -> None:
    """A module over one limit gets that one finding, which says by how much and where."""
    finding = only_finding(wasm)
    assert (finding.check, finding.reason) == ("structure", reason)
    assert where in finding.message


def test_four_billion_locals() -> None:
    """Locals are counted, not made: a few bytes that declare four billion cost nothing to refuse."""
    body = b"\x01\xff\xff\xff\xff\x0f\x7f\x0b"
    declared = GOOD[: GOOD.index(b"\x0a\x0b\x02")] + b"\x0a" + bytes([len(body) + 7]) + b"\x02"
    wasm = declared + b"\x04\0\x41\0\x0b" + bytes([len(body)]) + body
    assert "declares 4294967295 locals" in only_finding(wasm).message


def test_more_than_a_flood_is_not_read() -> None:
    """A vector longer than any module of use has is refused by its number: a megabyte could hold 500,000 memories."""
    finding = only_finding(HEADER + flood(5, b"\0\0", ENTRIES_MAX + 1))
    assert finding.reason == "MODULE_MALFORMED"
    assert "announces 50001 memories" in finding.message


def test_module_too_large_is_not_read() -> None:
    """A binary over the size limit is refused by its size, before anything looks inside."""
    finding = only_finding(b"\xff" * (LIMITS.module_bytes_max + 1))
    assert (finding.check, finding.reason) == ("size", "MODULE_TOO_LARGE")


def test_a_thousand_imports_give_fifty_findings() -> None:
    """Findings are bounded, however much is wrong, and the last one says that there is more."""
    imports = " ".join(f'(import "env" "f{n}" (func))' for n in range(1_000))
    *named, last = examine(assemble(f"(module {imports} {ABI})", "imports"), LIMITS).findings
    assert {finding.reason for finding in named} == {"IMPORT_FORBIDDEN"}
    assert (len(named), last.reason) == (49, "FINDINGS_CUT")
