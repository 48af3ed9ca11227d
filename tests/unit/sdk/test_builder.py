from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.builder import BYTES_PER_SAMPLE, embed_manifest, fill_template, layout
from edge_sdk.catalogue import CATALOGUE
from edge_sdk.errors import WasmFormatError
from edge_sdk.manifest import SECTION, Manifest, parse_canonical_json, parse_toml
from edge_sdk.wasm import custom_section, embed_custom_section, read_sections

EMPTY_MODULE = b"\0asm\x01\0\0\0"
TRIGGER = """
[trigger]
name = "ev-surplus"
version = "1.2.0"
service = "charging-advice"
purpose = "Advise when to charge."
scope = "household"
every = "15m"
max_actions_per_day = 2
"""
ACTION = """
[[action]]
name = "{name}"
kind = "recommendation"
text = {{ en = "Now." }}
"""


def manifest_of(inputs: list[tuple[str, int]], actions: list[str]) -> Manifest:
    """Returns a manifest with inputs of these series and lengths in samples, and these actions."""
    tables = [
        f'[[input]]\nseries = "{series}"\nwindow = "{samples}m"\nresolution = "1m"\n' for series, samples in inputs
    ]
    return parse_toml("".join([TRIGGER, *tables, *(ACTION.format(name=name) for name in actions)]))


MANIFESTS = st.builds(
    manifest_of,
    st.lists(st.tuples(st.sampled_from(sorted(CATALOGUE)), st.integers(1, 128)), min_size=1, max_size=32),
    st.lists(st.sampled_from(["a", "b", "charge-now", "charge_later", "c-1"]), min_size=1, unique=True),
)


@given(manifest=MANIFESTS)
def test_layout_is_the_input_block(manifest: Manifest) -> None:
    """The windows lie one after the other in manifest order, without gap or overlap, from 0 to the block's end."""
    names = layout(manifest)
    end = 0
    for place, item in enumerate(manifest.input):
        name = f"{item.series.replace('.', '_')}_{place}"
        assert names[f"{name}_offset"] == end
        assert names[f"{name}_samples"] == item.samples
        end += item.samples * BYTES_PER_SAMPLE
    assert names["inputs_bytes"] == end == manifest.samples * BYTES_PER_SAMPLE


@given(manifest=MANIFESTS)
def test_outcomes_are_numbered(manifest: Manifest) -> None:
    """Outcomes number the actions from 1 in manifest order, and no name stands for two numbers."""
    names = layout(manifest)
    outcomes = [names[f"outcome_{action.name.replace('-', '_')}"] for action in manifest.action]
    assert outcomes == list(range(1, len(manifest.action) + 1))
    assert len(names) == 2 * len(manifest.input) + 1 + len(manifest.action)


def test_layout_by_hand() -> None:
    """The names are what a guest's source says."""
    manifest = manifest_of([("power_export", 12), ("neighbourhood.power_export", 1)], ["charge-now"])
    assert layout(manifest) == {
        "power_export_0_offset": 0,
        "power_export_0_samples": 12,
        "neighbourhood_power_export_1_offset": 96,
        "neighbourhood_power_export_1_samples": 1,
        "inputs_bytes": 104,
        "outcome_charge_now": 1,
    }


def test_fill_template() -> None:
    """Every name in double braces becomes its number; everything else stays."""
    manifest = manifest_of([("power_export", 12), ("power_export", 3)], ["go"])
    source = "(i32.const {{power_export_1_offset}}) {x} {{outcome_go}}{{inputs_bytes}}"
    assert fill_template(source, manifest) == "(i32.const 96) {x} 1120"
    assert fill_template("(module)", manifest) == "(module)"


@pytest.mark.parametrize("name", ["power_import_0_offset", "outcome_stop", "power_export_0", "", " inputs_bytes "])
def test_fill_template_unknown(name: str) -> None:
    """A name that the manifest does not define is an error that says which."""
    with pytest.raises(KeyError) as caught:
        fill_template("{{inputs_bytes}} {{" + name + "}}", manifest_of([("power_export", 12)], ["go"]))
    assert caught.value.args == (name,)


@given(manifest=MANIFESTS, before=st.binary(max_size=20))
def test_embedded_manifest_is_found(manifest: Manifest, before: bytes) -> None:
    """A module carries its manifest in canonical form, once, in place of one that it had; the rest stays."""
    note = embed_custom_section(EMPTY_MODULE, "note", b"hey")
    module = embed_manifest(embed_custom_section(note, SECTION, before), manifest)
    payload = custom_section(module, SECTION)
    assert payload == manifest.canonical_json()
    assert parse_canonical_json(payload) == manifest
    assert custom_section(module, "note") == b"hey"
    assert len(read_sections(module)) == 2
    assert embed_manifest(module, manifest) == module


@pytest.mark.parametrize("wasm", [b"", b"\x7fELF", b"(module)", EMPTY_MODULE[:7]])
def test_embed_into_something_else(wasm: bytes) -> None:
    """Only a WebAssembly module can carry a manifest."""
    with pytest.raises(WasmFormatError):
        embed_manifest(wasm, manifest_of([("power_export", 12)], ["go"]))
