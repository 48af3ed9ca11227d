"""Bytes that are not a module, or one made to mislead a reader, are refused with the place named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.sandbox.admission import examine
from edge.sandbox.assemble import assemble
from edge.sandbox.compile import Compiler, ModuleCompileError
from edge.settings import SandboxLimits
from edge_sdk.errors import WasmFormatError
from edge_sdk.wasm import custom_section

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
    "more elements than bytes": (HEADER + b"\x01\x05\xff\xff\xff\xff\x0f", "type section, byte 10"),
    "name not utf-8": (HEADER + b"\0\x03\x02\xff\xfe", "custom section, byte 10"),
    "name beyond its section": (HEADER + b"\0\x02\x05a", "custom section, byte 11"),
    "function of unknown type": (HEADER + b"\x03\x02\x01\0", "function section, byte 11"),
    "function without code": (HEADER + b"\x01\x04\x01\x60\0\0\x03\x02\x01\0", "code section"),
    "export of no function": (HEADER + b"\x07\x05\x01\x01f\0\x09", "export section, byte 15"),
    "locals beyond the body": (
        HEADER + b"\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x04\x01\x02\x05\x0b",
        "code section, function 0, byte 22",
    ),
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
