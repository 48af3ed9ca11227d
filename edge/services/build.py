"""Builds a module of WebAssembly text or binary and its manifest, at an organization's desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import Fault, InvalidRequestError
from edge.sandbox.assemble import assemble
from edge_sdk.builder import embed_manifest, fill_template, layout
from edge_sdk.manifest import Manifest, parse_toml

if TYPE_CHECKING:
    from pathlib import Path


def build(manifest_text: str, source_name: str, source: bytes) -> bytes:
    """Returns the module: code, with the manifest inside.

    Args:
        manifest_text: `trigger.toml`.
        source_name: file name of the code; text if it ends in `.wat`, else binary.
        source: the code.

    Raises:
        ManifestError: the manifest is not valid.
        WatError: the text does not assemble.
        InvalidRequestError: the text is not UTF-8, or names what the manifest does not define.
        WasmFormatError: the binary is not WebAssembly.
    """
    manifest = parse_toml(manifest_text)
    if source_name.endswith(".wat"):
        source = assemble(_filled(_text(source, source_name), manifest), source_name)
    return embed_manifest(source, manifest)


def build_folder(folder: Path) -> bytes:
    """Builds `trigger.toml` and `trigger.wat`, or `trigger.wasm` if there is no text, in a folder.

    Raises:
        InvalidRequestError: a file is missing.
        EdgeError: see `build`.
    """
    manifest, text, binary = folder / "trigger.toml", folder / "trigger.wat", folder / "trigger.wasm"
    source = text if text.exists() else binary
    for needed in (manifest, source):
        if not needed.exists():
            raise InvalidRequestError(
                f"{needed} is not there.",
                advice="Begin with `edge module new`, or put trigger.toml beside trigger.wat or trigger.wasm.",
                fault=Fault.ORGANIZATION,
            )
    return build(_text(manifest.read_bytes(), manifest.name), source.name, source.read_bytes())


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError(
            f"{name} is not text in UTF-8.", advice="Save it as UTF-8.", fault=Fault.ORGANIZATION
        ) from error


def _filled(text: str, manifest: Manifest) -> str:
    try:
        return fill_template(text, manifest)
    except KeyError as error:
        known = ", ".join(sorted(layout(manifest)))
        raise InvalidRequestError(
            f"The text names {{{{{error.args[0]}}}}}, which the manifest does not define.",
            advice=f"It defines {known}.",
            reason="TEMPLATE_NAME_UNKNOWN",
            fault=Fault.ORGANIZATION,
        ) from error
