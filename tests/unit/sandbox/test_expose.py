from __future__ import annotations

import pytest
import wasmtime

from edge.errors import SandboxError
from edge.sandbox.admission import check_structure
from edge.sandbox.assemble import assemble
from edge.sandbox.expose import ExposedState, expose
from edge.sandbox.inspection import inspect
from edge.settings import SandboxLimits
from edge_sdk.wasm import custom_section, embed_custom_section

HIDING = """
(module
  (memory (export "memory") 1) (table 3 funcref)
  (global $a (mut i32) (i32.const 1)) (global i64 (i64.const 2))
  (global (export "mine") (mut v128) (v128.const i64x2 0 0))
  (func (export "edge_inputs") (result i32) i32.const 0)
  (func (export "evaluate") (result i32) (global.set $a (i32.const 2)) (global.get $a)))
"""


def test_what_was_hidden_is_exported() -> None:
    """Each mutable global and the table can be reached; everything else stands as it was, in the order it had."""
    before = assemble(HIDING, "test")
    after, state = expose(before)
    assert state == ExposedState(globals=((0, "i32"), (2, "v128")), table="funcref")
    old, new = inspect(before), inspect(after)
    assert new.exports[: len(old.exports)] == old.exports
    added = [(item.name, item.kind, item.index) for item in new.exports[len(old.exports) :]]
    assert added == [("edge:global:0", "global", 0), ("edge:global:2", "global", 2), ("edge:table", "table", 0)]
    for name in ("types", "functions", "tables", "memories", "globals", "data_bytes"):
        kept = [getattr(structure, name) for structure in (old, new)]
        if name == "functions":
            kept = [[(item.index, item.body_bytes, item.locals) for item in functions] for functions in kept]
        assert kept[0] == kept[1]


def test_an_engine_takes_it() -> None:
    """The rewritten module is valid, with custom sections at its end as well, which stay what they were."""
    before = embed_custom_section(assemble(HIDING, "test"), "edge.manifest", b"{}")
    after, _ = expose(before)
    exported = wasmtime.Instance(store := wasmtime.Store(), wasmtime.Module(store.engine, after), []).exports(store)
    assert isinstance(exported["edge:global:0"], wasmtime.Global)
    assert custom_section(after, "edge.manifest") == b"{}"


def test_many_exports() -> None:
    """The count of exports may need a byte more than it did."""
    functions = "".join(f'(export "f{n}" (func 0))' for n in range(126))
    after, _ = expose(
        assemble(f"(module (func) {functions} (global (mut i32) (i32.const 0)) (table 0 funcref))", "test")
    )
    assert len(inspect(after).exports) == 128
    wasmtime.Module(wasmtime.Engine(), after)


def test_nothing_is_exported() -> None:
    """A module that exports nothing stays as it is: nothing of it can be called."""
    wasm = assemble("(module (global (mut i32) (i32.const 0)))", "test")
    assert expose(wasm) == (wasm, ExposedState())


@pytest.mark.parametrize(
    "wat",
    ['(module (import "env" "g" (global (mut i32))) (func (export "f")))', '(module (func (export "edge:global:0")))'],
)
def test_what_was_not_admitted(wat: str) -> None:
    """A module that imports, or bears a name of the edge's own, is not rewritten: names would lie."""
    with pytest.raises(SandboxError, match="was not admitted"):
        expose(assemble(wat, "test"))


def test_reserved_names_are_not_admitted() -> None:
    """Admission refuses the names that rewriting uses."""
    wat = HIDING.replace('"mine"', '"edge:global:0"')
    findings = check_structure(inspect(assemble(wat, "test")), SandboxLimits())
    assert [finding.reason for finding in findings] == ["EXPORT_RESERVED"]
