"""Generates `sdk/python/edge_sdk/wire/v1` from `proto/edge/v1`.

Run `python proto/generate.py` after changing a `.proto`; with `--check` it changes nothing and fails when the
checked-in code is not what the protos make. The generated modules live inside `edge_sdk.wire.v1`, not in a top-level
package `edge.v1` that would collide with the server's package `edge`; so their imports are rewritten.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

PROTO_ROOT = Path(__file__).resolve().parent
TARGET = PROTO_ROOT.parent / "sdk" / "python" / "edge_sdk" / "wire" / "v1"
PACKAGE = "edge_sdk.wire.v1"


def generate(out: Path) -> None:
    """Runs protoc over every `.proto` and leaves importable modules in `out`."""
    protos = sorted(str(path.relative_to(PROTO_ROOT)) for path in PROTO_ROOT.glob("edge/v1/*.proto"))
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    with tempfile.TemporaryDirectory() as scratch:
        status = protoc.main(
            [
                "protoc",
                f"--proto_path={PROTO_ROOT}",
                f"--proto_path={well_known}",
                f"--python_out={scratch}",
                f"--pyi_out={scratch}",
                f"--grpc_python_out={scratch}",
                f"--mypy_grpc_out={scratch}",
                *protos,
            ]
        )
        if status != 0:
            sys.exit(status)
        for path in sorted(Path(scratch, "edge", "v1").iterdir()):
            (out / path.name).write_text(_relocate(path.read_text()))


def _relocate(source: str) -> str:
    source = re.sub(r"^from edge\.v1 import ", f"from {PACKAGE} import ", source, flags=re.MULTILINE)
    source = re.sub(r"^import edge\.v1\.(\w+) as ", rf"import {PACKAGE}.\1 as ", source, flags=re.MULTILINE)
    return re.sub(r"^from edge\.v1\.(\w+) import ", rf"from {PACKAGE}.\1 import ", source, flags=re.MULTILINE)


def main() -> None:
    """Writes the generated code, or with `--check` compares it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the code is out of date")
    if not parser.parse_args().check:
        TARGET.mkdir(parents=True, exist_ok=True)
        generate(TARGET)
        return
    with tempfile.TemporaryDirectory() as fresh:
        generate(Path(fresh))
        stale = [
            path.name
            for path in Path(fresh).iterdir()
            if not (TARGET / path.name).exists() or (TARGET / path.name).read_text() != path.read_text()
        ]
    if stale:
        sys.exit(f"out of date: {', '.join(sorted(stale))}; run `python proto/generate.py`")


if __name__ == "__main__":
    main()
