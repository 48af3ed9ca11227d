"""Code as text: exact, safe to show, and never more work than the module has bytes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import NotFoundError
from edge.sandbox.admission import examine
from edge.sandbox.assemble import assemble
from edge.sandbox.disassembly import disassemble
from edge.sandbox.inspection import inspect
from edge.settings import SandboxLimits
from tests.hostile.sample import Sample, samples

LIMITS = SandboxLimits()
HOSTILE = samples()
HEADER = b"\0asm\1\0\0\0"


def text_of(fields: str, wanted: str | None = None, lines_max: int = 1_000) -> list[str]:
    wasm = assemble(f"(module {fields})", "test")
    return disassemble(wasm, inspect(wasm), wanted, lines_max)


def u32(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def of_code(code: bytes) -> bytes:
    """A module of one function with any bytes as its code."""
    body = u32(0) + code
    section = u32(1) + u32(len(body)) + body
    return HEADER + b"\x01\x04\x01\x60\0\0" + b"\x03\x02\x01\0" + b"\x0a" + u32(len(section)) + section


def test_instructions() -> None:
    """Blocks are indented, immediates are said as in the text format, and floats are exact, a NaN by its bits."""
    lines = text_of("""(memory 1) (type $t (func (param f64) (result f64))) (table 1 funcref)
      (func (export "go") (param f64) (result f64) (local i32)
        (if (i64.eq (i64.const -5) (i64.load offset=8 align=4 (i32.const 16)))
          (then (local.set 1 (i32.const -1))) (else unreachable))
        (drop (block (result f64) (f64.const 0.1)))
        (drop (f32.const nan:0x1)) (drop (f64.const -inf)) (drop (f64.const -0.0))
        (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (v128.const i32x4 1 2 3 4) (v128.const i64x2 0 0)))
        (block (block (br_table 0 1 0 (local.get 1))))
        (call_indirect (type $t) (local.get 0) (i32.const 0)))""")
    assert lines[0] == "func[0] <go>  135 bytes, 1 locals"
    shown = [line[10:] for line in lines[1:]]
    for expected in (
        "i64.load offset=8 align=4",
        "if",
        "  i32.const -1",
        "else",
        "  unreachable",
        "block (result f64)",
        "  f64.const 0.1",
        "f32.const nan:0x7f800001",
        "f64.const -inf",
        "f64.const -0.0",
        "v128.const 0x00000004000000030000000200000001",
        "i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31",
        "    br_table 0 1 else 0",
        "call_indirect (type 0) table=0",
    ):
        assert expected in shown, (expected, shown)


def test_one_function() -> None:
    """A function is found by its index or by the name it is exported by; another is refused with what there is."""
    fields = '(func (export "a") nop) (func (export "b\\1b[2J") unreachable)'
    assert text_of(fields, "1") == text_of(fields, "b\x1b[2J")
    assert "nop" in "\n".join(text_of(fields, "a"))
    assert "unreachable" not in "\n".join(text_of(fields, "a"))
    for wanted in ("2", "-1", "99999999999999999999", "c", "", "\x1b", "٣"):
        with pytest.raises(NotFoundError) as caught:
            text_of(fields, wanted)
        assert str(caught.value).isprintable()
    assert all(line.isprintable() for line in text_of(fields))


def test_so_many_lines() -> None:
    """A listing ends at its bound and says so."""
    lines = text_of(f"(func {'nop ' * 100})", lines_max=10)
    assert len(lines) == 10
    assert "more than 10 lines" in lines[-1]


@pytest.mark.parametrize("sample", HOSTILE, ids=lambda sample: sample.name)
def test_hostile(sample: Sample) -> None:
    """Every sample whose structure is admissible can be shown."""
    wasm = sample.module()
    examined = examine(wasm, LIMITS)
    if examined.structure is None or examined.findings:
        return
    lines = disassemble(wasm, examined.structure, None, 10_000)
    assert all(line.isprintable() for line in lines)
    assert not any("unknown" in line or "cannot be read" in line for line in lines)


@given(code=st.binary(max_size=200))
def test_any_code(code: bytes) -> None:
    """Whatever the bytes of a function, they give lines that are safe to show and nothing else."""
    wasm = of_code(code)
    assert all(line.isprintable() for line in disassemble(wasm, inspect(wasm), None, 1_000))


@pytest.mark.parametrize(
    "code",
    [
        b"\x0e\xff\xff\xff\xff\x0f" + bytes(60_000),
        b"\x1c\xff\xff\xff\xff\x0f" + b"\x7f" * 60_000,
        b"\x02\x40" * 30_000,
        b"\x41" + b"\xff" * 60_000,
        b"\xfd" + b"\xff" * 60_000,
        bytes(60_000),
    ],
    ids=["branches announced", "types announced", "nested blocks", "endless integer", "endless opcode", "unreachable"],
)
def test_costly_code(code: bytes) -> None:
    """What would be long is not: the work follows the bytes that are there, not those that are announced."""
    wasm = of_code(code)
    begun_s = time.process_time()
    lines = disassemble(wasm, inspect(wasm), None, 100_000)
    assert time.process_time() - begun_s < 5
    assert max(map(len, lines)) < 1_000


def test_the_largest_module() -> None:
    """A module as large as may be is shown up to the bound, in seconds."""
    limits: Any = replace(LIMITS)
    bodies = [u32(0) + b"\x01" * (limits.function_body_bytes_max - 2) + b"\x0b"] * 15
    code = u32(len(bodies)) + b"".join(u32(len(body)) + body for body in bodies)
    functions = u32(len(bodies)) + bytes(len(bodies))
    wasm = HEADER + b"\x01\x04\x01\x60\0\0" + b"\x03" + u32(len(functions)) + functions
    wasm += b"\x0a" + u32(len(code)) + code
    begun_s = time.process_time()
    assert len(disassemble(wasm, inspect(wasm), None, 20_000)) == 20_000
    assert time.process_time() - begun_s < 10
