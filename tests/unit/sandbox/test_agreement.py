"""The module reader against wasmtime's own: neither sees what the other does not."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge.sandbox.admission import examine
from edge.sandbox.assemble import assemble
from edge.sandbox.engine import make_engine
from edge.settings import SandboxLimits
from tests.fuzz.agreement import accepts, disagreement
from tests.hostile.sample import samples

LIMITS = SandboxLimits()
ENGINE = make_engine(LIMITS)
ABI = """
  (func $evaluate (export "evaluate") (result i32) i32.const 0)
  (func (export "edge_inputs") (result i32) i32.const 0)
"""
NUMBERS = {
    "i32": "(i32.const 7)",
    "i64": "(i64.const -7)",
    "f32": "(f32.const nan)",
    "f64": "(f64.const 0x1p-1074)",
    "v128": "(v128.const i64x2 1 2)",
    "funcref": "(ref.null func)",
}
VALUES = st.sampled_from(sorted(NUMBERS))
ADMISSIBLE = [sample.wasm() for sample in samples() if not sample.refused and len(sample.wasm()) < 4_096]


@st.composite
def module_texts(draw: st.DrawFn) -> str:
    """Makes modules whose memory, table, globals and functions all are exported, so that both readers see them."""
    pages = draw(st.integers(0, 64))
    most = draw(st.none() | st.integers(pages, 65_536))
    page_size = draw(st.sampled_from(["", "(pagesize 1)", "(pagesize 65536)"]))
    fields = [f'(memory (export "memory") {pages} {"" if most is None else most} {page_size})']
    if draw(st.booleans()):
        elements = draw(st.integers(0, 1_024))
        fields.append(
            f'(table (export "table") {elements} {draw(st.sampled_from(["", 1_024, 4_294_967_295]))} funcref)'
        )
    for number, (value, mutable) in enumerate(draw(st.lists(st.tuples(VALUES, st.booleans()), max_size=8))):
        fields.append(f'(global (export "g{number}") {f"(mut {value})" if mutable else value} {NUMBERS[value]})')
    for number, (params, results) in enumerate(
        draw(st.lists(st.tuples(*[st.lists(VALUES, max_size=9)] * 2), max_size=5))
    ):
        signature = f"(param {' '.join(params)}) (result {' '.join(results)})"
        fields.append(f'(func (export "f{number}") {signature} (local {" ".join(params)}) unreachable)')
    return f"(module {' '.join(fields)} {ABI} (elem declare func $evaluate))"


@given(wat=module_texts())
def test_same_module(wat: str) -> None:
    """Whatever a valid module defines, the reader and wasmtime name the same exports with the same types and limits."""
    wasm = assemble(wat, "generated")
    assert accepts(ENGINE, wasm)
    examination = examine(wasm, LIMITS)
    assert examination.findings == ()
    assert examination.structure is not None
    assert disagreement(ENGINE, wasm, examination.structure) == ""


@given(data=st.data())
def test_same_module_after_a_change(data: st.DataObject) -> None:
    """A sample with some bytes changed that both still admit is the same to both; what wasmtime takes is readable."""
    wasm = bytearray(data.draw(st.sampled_from(ADMISSIBLE)))
    changes: Any = data.draw(st.lists(st.tuples(st.integers(8, len(wasm) - 1), st.integers(0, 255)), max_size=3))
    for position, value in changes:
        wasm[position] = value
    if not accepts(ENGINE, bytes(wasm)):
        return
    examination = examine(bytes(wasm), LIMITS)
    assert examination.structure is not None
    if examination.findings == ():
        assert disagreement(ENGINE, bytes(wasm), examination.structure) == ""


def test_samples_are_the_same_to_both() -> None:
    """Every admissible sample is the same module to both readers."""
    assert len(ADMISSIBLE) > 60
    for wasm in ADMISSIBLE:
        examination = examine(wasm, LIMITS)
        assert examination.structure is not None
        assert disagreement(ENGINE, wasm, examination.structure) == ""
