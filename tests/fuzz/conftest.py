"""The fuzzer's test exists where atheris does: it has no wheels for some Pythons and machines (`pyproject.toml`)."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("atheris") else ["test_fuzz_module_reader.py"]
