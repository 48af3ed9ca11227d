"""Fuzzes whatever reads a module's bytes: `python -m tests.fuzz.fuzz_module_reader -runs=1000000 [FOLDER]`.

Arguments are libFuzzer's. It begins with the hostile samples and the examples, and keeps what it finds in FOLDER if
one is named. Each of `CHECKS` is asked about every input; to fuzz something else that takes a module, add a check.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import atheris

with atheris.instrument_imports(include=["edge.sandbox", "edge_sdk.wasm", "edge_sdk.text"]):
    from edge.sandbox.admission import examine
    from edge.sandbox.assemble import assemble
    from edge.sandbox.engine import make_engine
    from edge.sandbox.expose import expose
    from edge.sandbox.inspection import inspect
    from edge_sdk.wasm import ENTRIES_MAX, SECTIONS_MAX, custom_section, embed_custom_section, read_sections

from edge.services.build import build_folder
from edge.settings import SandboxLimits
from edge_sdk.errors import WasmFormatError
from edge_sdk.manifest import SECTION
from tests.fuzz.agreement import accepts, disagreement
from tests.hostile.sample import samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

LIMITS: Final = SandboxLimits()
ENGINE: Final = make_engine(LIMITS)
INPUT_BYTES_MAX: Final = 4_096
_EXAMPLES: Final = Path(__file__).parents[2] / "examples"
_RICH: Final = """
(module
  (memory (export "memory") 1 2)
  (table (export "table") 2 9 funcref)
  (global (export "i32") (mut i32) (i32.const 1))
  (global (export "i64") i64 (i64.const -1))
  (global (export "f32") (mut f32) (f32.const nan))
  (global (export "f64") f64 (f64.const 1.5))
  (global (export "v128") (mut v128) (v128.const i64x2 1 2))
  (global (export "funcref") (mut funcref) (ref.func $two))
  (func $two (export "two") (param i32 i64) (result f32 f64) (local i32 i64) f32.const 1 f64.const 2)
  (func (export "edge_inputs") (result i32) i32.const 0)
  (func (export "evaluate") (result i32) i32.const 0)
  (elem (i32.const 0) func $two)
  (elem (offset i32.const 1) funcref (ref.func $two))
  (elem declare func $two)
  (data (i32.const 8) "abc"))
"""


def check_examination(wasm: bytes) -> None:
    """Examining answers with findings, boundedly many and fit to be shown, whatever the bytes are."""
    findings = examine(wasm, LIMITS).findings
    assert len(findings) <= 50
    assert all(f"{finding.message}{finding.advice}".isprintable() for finding in findings)


def check_custom_sections(wasm: bytes) -> None:
    """Reading and embedding the manifest's section succeed or say what is malformed; what is embedded is read back."""
    with suppress(WasmFormatError):
        custom_section(wasm, SECTION)
    try:
        embedded = embed_custom_section(wasm, SECTION, b"{}")
    except WasmFormatError:
        return
    if len(read_sections(wasm)) < SECTIONS_MAX:
        assert custom_section(embedded, SECTION) == b"{}"


def check_agreement(wasm: bytes) -> None:
    """What the compiler accepts is read, within the reader's bounds; what both admit looks the same to both."""
    if not accepts(ENGINE, wasm):
        return
    examined = examine(wasm, LIMITS)
    if examined.structure is None:
        message = examined.findings[0].message
        assert f"more than {SECTIONS_MAX} sections" in message or f"{ENTRIES_MAX} that are read" in message, message
    elif not examined.findings:
        assert disagreement(ENGINE, wasm, examined.structure) == ""


def check_exposing(wasm: bytes) -> None:
    """What is exposed of an admissible module is read back, and it is valid exactly where the module is."""
    examined = examine(wasm, LIMITS)
    if examined.structure is None or examined.findings:
        return
    exposed, state = expose(wasm)
    structure = inspect(exposed)
    kept = len(examined.structure.exports)
    assert structure.exports[:kept] == examined.structure.exports
    assert len(structure.exports) == kept + len(state.globals) + (state.table is not None)
    assert structure.globals == examined.structure.globals
    assert accepts(ENGINE, exposed) == accepts(ENGINE, wasm)


CHECKS: Final[tuple[Callable[[bytes], None], ...]] = (
    check_examination,
    check_custom_sections,
    check_agreement,
    check_exposing,
)


def try_one(wasm: bytes) -> None:
    """Asks every check about one input."""
    for check in CHECKS:
        check(wasm)


def seeds() -> dict[str, bytes]:
    """Returns the modules to begin with, by name: those that fit into an input."""
    found = {sample.name: sample.wasm() for sample in samples()}
    found |= {folder.name: build_folder(folder) for folder in _EXAMPLES.iterdir() if (folder / "trigger.toml").exists()}
    found["rich"] = assemble(_RICH, "rich")
    return {name: wasm for name, wasm in found.items() if len(wasm) <= INPUT_BYTES_MAX}


def main() -> None:
    """Fuzzes until the runs are over, or an input is found that breaks a claim."""
    with tempfile.TemporaryDirectory() as folder:
        for name, wasm in seeds().items():
            (Path(folder) / name).write_bytes(wasm)
        named = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
        options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
        bounds = [f"-max_len={INPUT_BYTES_MAX}", "-timeout=30"]
        # libFuzzer writes what it finds to the first folder; one of ours is removed when the runs are over.
        atheris.Setup([sys.argv[0], *bounds, *options, *named, folder], try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
