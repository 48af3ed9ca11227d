"""The checks one by one; `tests/hostile` runs them over whole modules."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from edge.sandbox.admission import check_size, check_structure, examine
from edge.sandbox.assemble import assemble
from edge.sandbox.inspection import inspect
from edge.sandbox.structure import Function, Memory
from edge.settings import SandboxLimits

LIMITS = SandboxLimits()
GOOD = assemble(
    """
    (module
      (table 1 funcref)
      (memory (export "memory") 1)
      (global (export "__stack_pointer") i32 (i32.const 1024))
      (func (export "_initialize"))
      (func (export "edge_inputs") (result i32) i32.const 0)
      (func (export "evaluate") (result i32) (local i32) i32.const 0)
      (elem (i32.const 0) 0)
      (elem declare func 0 1)
      (type (func (param i32 i32 i32) (result i32 i64)))
      (data (i32.const 0) "ab"))
    """,
    "good",
)


def test_good_module() -> None:
    """A module as compilers make it, with exports beyond the ABI and declarative segments, has no findings."""
    examination = examine(GOOD, LIMITS)
    assert examination.findings == ()
    assert examination.structure == inspect(GOOD)


@pytest.mark.parametrize(
    ("limit", "used", "reason"),
    [
        ("module_bytes_max", len(GOOD), "MODULE_TOO_LARGE"),
        ("types_max", 3, "TYPES_TOO_MANY"),
        ("params_max", 3, "PARAMS_TOO_MANY"),
        ("results_max", 2, "RESULTS_TOO_MANY"),
        ("functions_max", 3, "FUNCTIONS_TOO_MANY"),
        ("function_body_bytes_max", 6, "FUNCTION_TOO_LARGE"),
        ("locals_max", 1, "LOCALS_TOO_MANY"),
        ("globals_max", 1, "GLOBALS_TOO_MANY"),
        ("exports_max", 5, "EXPORTS_TOO_MANY"),
        ("export_name_bytes_max", 15, "EXPORT_NAME_TOO_LONG"),
        ("element_segments_max", 2, "ELEMENT_SEGMENTS_TOO_MANY"),
        ("elements_max", 3, "ELEMENTS_TOO_MANY"),
        ("data_segments_max", 1, "DATA_SEGMENTS_TOO_MANY"),
        ("table_elements_max", 1, "TABLE_TOO_LARGE"),
        ("memory_bytes_max", 65536, "MEMORY_TOO_LARGE"),
        ("data_bytes_max", 2, "DATA_TOO_LARGE"),
    ],
)
def test_each_limit_is_inclusive(limit: str, used: int, reason: str) -> None:
    """What uses exactly a limit is admitted, one more is not, and the message has both numbers."""
    structure = inspect(GOOD)
    assert check_structure(structure, replace(LIMITS, **{limit: used})) == ()
    (finding,) = check_structure(structure, replace(LIMITS, **{limit: used - 1}))
    assert finding.reason == reason
    assert str(used) in finding.message
    assert str(used - 1) in finding.message
    assert finding.advice


def test_every_structural_limit_is_checked() -> None:
    """With every limit at 0 each of them is complained about, so none is forgotten."""
    nothing = SandboxLimits(**{field.name: 0 for field in fields(SandboxLimits)})
    assert len({finding.reason for finding in check_structure(inspect(GOOD), nothing)}) == 16


def test_size_is_asked_before_reading() -> None:
    """The size alone gives the same finding as the module would."""
    tight = replace(LIMITS, module_bytes_max=10)
    assert check_size(len(GOOD), tight) == examine(GOOD, tight).findings
    assert check_size(10, tight) == ()


def test_exported_twice() -> None:
    """A name that is exported twice is refused: hosts could differ in which they call."""
    structure = inspect(GOOD)
    doubled = replace(structure, exports=(*structure.exports, structure.exports[-1]))
    (finding,) = check_structure(doubled, LIMITS)
    assert (finding.reason, finding.message) == ("EXPORT_DUPLICATE", "The name `evaluate` is exported 2 times.")


def test_offenders_are_named_by_index() -> None:
    """With several functions or memories each offender has a finding with its own index."""
    structure = inspect(GOOD)
    functions = tuple(Function(index, offset=0, body_bytes=10, locals=2_000 if index % 2 else 0) for index in range(4))
    memories = (structure.memories[0], Memory(1, None, 65536, shared=True, is_64=True))
    findings = check_structure(replace(structure, functions=functions, memories=memories), LIMITS)
    assert [(finding.reason, finding.message.split(" ")[:2]) for finding in findings] == [
        ("MEMORY_COUNT", ["The", "module"]),
        ("MEMORY_SHARED", ["Memory", "1"]),
        ("MEMORY_64_BIT", ["Memory", "1"]),
        ("LOCALS_TOO_MANY", ["Function", "1"]),
        ("LOCALS_TOO_MANY", ["Function", "3"]),
    ]


def test_a_long_signature_is_shown_in_part() -> None:
    """A signature of a thousand parameters does not make a message of a thousand words."""
    wat = f'(module (memory (export "memory") 1) (func (export "evaluate") (param {"i32 " * 1_000})))'
    findings = examine(assemble(wat, "test"), LIMITS).findings
    assert all(len(finding.message) < 200 for finding in findings)
