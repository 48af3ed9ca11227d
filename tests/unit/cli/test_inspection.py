"""What `edge module inspect` and `check` say of files of any kind."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from edge.cli.inspection import read_at_most
from edge.cli.main import cli
from edge.services.build import build
from edge.services.identities import Register
from edge.services.provision import EdgePlan, provision
from edge.settings import MIB
from edge_sdk.channel import MESSAGE_BYTES_MAX
from edge_sdk.errors import EdgeError
from edge_sdk.identity import Role
from edge_sdk.scaffold import MANIFEST_NAME, SOURCE_NAME, scaffold

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "digest",
    "size_bytes",
    "manifest",
    "imports",
    "exports",
    "memory",
    "functions",
    "structure",
    "left_out",
    "leak_bits_per_day",
    "leak",
    "compile",
    "dry_run",
    "admissible",
    "findings",
}


def inspected(file: Path) -> Any:
    done = CliRunner().invoke(cli, ["module", "inspect", str(file), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def sparse(file: Path, size_bytes: int) -> Path:
    """Makes a file that is large and takes no room."""
    with file.open("wb") as opened:
        opened.truncate(size_bytes)
    return file


@pytest.mark.parametrize("content", [b"", b"not WebAssembly", b"\0asm\1\0\0\0", bytes(1 * MIB)])
def test_whatever_the_file(tmp_path: Path, content: bytes) -> None:
    """The object has the same keys for every file, and says why one is no module."""
    file = tmp_path / "x.wasm"
    file.write_bytes(content)
    found = inspected(file)
    assert set(found) == KEYS
    assert (found["size_bytes"], found["admissible"], found["imports"]) == (len(content), False, [])
    assert all(set(finding) == {"check", "reason", "message", "advice"} for finding in found["findings"])
    for_people = CliRunner().invoke(cli, ["module", "inspect", str(file)])
    assert "NOT ADMISSIBLE" in for_people.stdout


def test_a_module(tmp_path: Path) -> None:
    """A good module has the same keys, and `check` is content with it."""
    file = tmp_path / "x.wasm"
    source = scaffold()
    file.write_bytes(build(source[MANIFEST_NAME], SOURCE_NAME, source[SOURCE_NAME].encode()))
    found = inspected(file)
    assert set(found) == KEYS
    assert (found["admissible"], found["findings"]) == (True, [])
    assert found["leak_bits_per_day"] == float(found["leak"]["bits_per_day"])
    checked = CliRunner().invoke(cli, ["module", "check", str(file)])
    assert (checked.exit_code, checked.stderr) == (0, "")


def test_a_huge_file(tmp_path: Path) -> None:
    """A file of a terabyte is judged by its size, without being read; `check` says so on standard error."""
    file = sparse(tmp_path / "huge.wasm", 1_000_000 * MIB)
    assert len(read_at_most(file, 10)) == 11
    found = inspected(file)
    assert set(found) == KEYS
    assert (found["size_bytes"], found["digest"]) == (1_000_000 * MIB, None)
    assert [finding["reason"] for finding in found["findings"]] == ["MODULE_TOO_LARGE"]
    checked = CliRunner().invoke(cli, ["module", "check", str(file)])
    assert (checked.exit_code, checked.stdout) == (1, "")
    assert str(1_000_000 * MIB) in checked.stderr
    assert "too large to be read" in CliRunner().invoke(cli, ["module", "inspect", str(file)]).stdout


def test_a_huge_upload(tmp_path: Path) -> None:
    """A file that fits no message is not uploaded, nor read; the edge does not have to be there for that."""
    made = provision(
        tmp_path / "site", EdgePlan("street-1", ("127.0.0.1",), 1, "Europe/Amsterdam"), time.time_ns() // 1_000_000
    )
    register = Register.open(made.operator_folder)
    _, folder = register.issue(Role.ORGANIZATION, "acme", "127.0.0.1:1", time.time_ns() // 1_000_000, 1)
    file = sparse(tmp_path / "huge.wasm", MESSAGE_BYTES_MAX + 1)
    done = CliRunner().invoke(cli, ["module", "upload", str(file), "--as", str(folder)])
    assert isinstance(done.exception, EdgeError)
    assert done.exception.reason == "MODULE_TOO_LARGE"
