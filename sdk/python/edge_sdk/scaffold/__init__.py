"""A small, complete trigger to begin from: what `edge module new` writes."""

from __future__ import annotations

from importlib.resources import files

MANIFEST_NAME = "trigger.toml"
SOURCE_NAME = "trigger.wat"


def scaffold() -> dict[str, str]:
    """Returns the files of a new trigger, by name."""
    return {name: files(__name__).joinpath(name).read_text(encoding="utf-8") for name in (MANIFEST_NAME, SOURCE_NAME)}
