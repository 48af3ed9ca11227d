"""Makes a module of compiled code and its manifest, and names what the guest's code needs to know of the manifest."""

from __future__ import annotations

from edge_sdk.manifest import SECTION, Manifest
from edge_sdk.wasm import embed_custom_section

BYTES_PER_SAMPLE = 8


def embed_manifest(wasm: bytes, manifest: Manifest) -> bytes:
    """Returns `wasm` with `manifest` in its custom section, replacing one that is there.

    Raises:
        WasmFormatError: `wasm` is not a WebAssembly module.
    """
    return embed_custom_section(wasm, SECTION, manifest.canonical_json())


def layout(manifest: Manifest) -> dict[str, int]:
    """Names the numbers a guest would otherwise count by hand.

    Returns:
        For each input its offset in bytes from the start of the input block and its length in samples
        (`power_export_0_offset`, `power_export_0_samples`; the number is the input's place in the manifest), the
        block's size in bytes (`inputs_bytes`), and for each action its outcome (`outcome_charge_now`).
    """
    names: dict[str, int] = {}
    offset = 0
    for place, item in enumerate(manifest.input):
        name = f"{item.series.replace('.', '_')}_{place}"
        names[f"{name}_offset"] = offset
        names[f"{name}_samples"] = item.samples
        offset += item.samples * BYTES_PER_SAMPLE
    names["inputs_bytes"] = offset
    for number, action in enumerate(manifest.action, start=1):
        names[f"outcome_{action.name.replace('-', '_')}"] = number
    return names


def fill_template(source: str, manifest: Manifest) -> str:
    """Replaces `{{name}}` in WebAssembly text by the numbers of `layout`.

    Raises:
        KeyError: the text names something that the manifest does not define.
    """
    names = layout(manifest)
    for name in sorted(names, key=len, reverse=True):
        source = source.replace("{{" + name + "}}", str(names[name]))
    if "{{" in source:
        unknown = source.split("{{", 1)[1].split("}}", 1)[0]
        raise KeyError(unknown)
    return source
