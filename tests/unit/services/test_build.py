from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.errors import InvalidRequestError
from edge.sandbox.assemble import WatError, assemble
from edge.services.build import build, build_folder
from edge_sdk.errors import EdgeError, ManifestError, WasmFormatError
from edge_sdk.manifest import SECTION, parse_canonical_json, parse_toml
from edge_sdk.scaffold import MANIFEST_NAME, SOURCE_NAME, scaffold
from edge_sdk.wasm import custom_section, embed_custom_section

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = scaffold()[MANIFEST_NAME]
SOURCE = scaffold()[SOURCE_NAME]
BARE = '(module (memory (export "memory") 1))'


def manifest_in(wasm: bytes) -> object:
    payload = custom_section(wasm, SECTION)
    assert payload is not None
    return parse_canonical_json(payload)


def test_build_of_text() -> None:
    """Text is filled in by the manifest, assembled, and carries the manifest; the same sources give the same bytes."""
    wasm = build(MANIFEST, "trigger.wat", SOURCE.encode())
    assert manifest_in(wasm) == parse_toml(MANIFEST)
    assert "{{" in SOURCE
    assert build(MANIFEST, "trigger.wat", SOURCE.encode()) == wasm


def test_build_of_binary() -> None:
    """Binary is taken as it is but for the manifest, of which one that is there already is replaced."""
    code = assemble(BARE, "bare.wat")
    wasm = build(MANIFEST, "trigger.wasm", code)
    assert wasm.startswith(code)
    assert manifest_in(wasm) == parse_toml(MANIFEST)
    assert build(MANIFEST, "trigger.wasm", embed_custom_section(code, SECTION, b"old")) == wasm


def test_build_folder(tmp_path: Path) -> None:
    """In a folder text goes before binary."""
    (tmp_path / "trigger.toml").write_text(MANIFEST, encoding="utf-8")
    (tmp_path / "trigger.wasm").write_bytes(assemble(BARE, "bare.wat"))
    binary = build_folder(tmp_path)
    (tmp_path / "trigger.wat").write_text(SOURCE, encoding="utf-8")
    text = build_folder(tmp_path)
    assert text == build(MANIFEST, "trigger.wat", SOURCE.encode())
    assert binary != text


@pytest.mark.parametrize("missing", ["trigger.toml", "trigger.wasm"])
def test_missing_file(tmp_path: Path, missing: str) -> None:
    """A folder without manifest or code is refused, and the error names the file."""
    for name in {"trigger.toml", "trigger.wasm"} - {missing}:
        (tmp_path / name).write_text(MANIFEST, encoding="utf-8")
    with pytest.raises(InvalidRequestError, match=missing):
        build_folder(tmp_path)


@pytest.mark.parametrize("name", ["trigger.toml", "trigger.wat"])
def test_not_utf8(tmp_path: Path, name: str) -> None:
    """A source that is not UTF-8 is refused by name."""
    (tmp_path / "trigger.toml").write_text(MANIFEST, encoding="utf-8")
    (tmp_path / "trigger.wat").write_text(SOURCE, encoding="utf-8")
    (tmp_path / name).write_bytes(b"\xff\xfe")
    with pytest.raises(EdgeError, match=f"{name}.* UTF-8"):
        build_folder(tmp_path)


def test_what_does_not_build() -> None:
    """A manifest, text, template name or binary that is wrong is refused each in its own way."""
    with pytest.raises(ManifestError):
        build(MANIFEST.replace("[trigger]", "[triggers]"), "trigger.wat", SOURCE.encode())
    with pytest.raises(WatError, match=r"trigger\.wat:1"):
        build(MANIFEST, "trigger.wat", b"(module")
    with pytest.raises(WasmFormatError):
        build(MANIFEST, "trigger.wasm", b"(module)")
    with pytest.raises(InvalidRequestError, match="outcome_nothing") as caught:
        build(MANIFEST, "trigger.wat", b"(module {{outcome_nothing}})")
    assert caught.value.reason == "TEMPLATE_NAME_UNKNOWN"
    assert "inputs_bytes" in caught.value.advice
