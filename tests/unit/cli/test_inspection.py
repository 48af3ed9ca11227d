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
from edge_sdk.manifest import SECTION
from edge_sdk.scaffold import MANIFEST_NAME, SOURCE_NAME, scaffold
from edge_sdk.wasm import embed_custom_section

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


def nasty(name: bytes, *, as_import: bool) -> bytes:
    """Returns a module that exports or imports something by a name of any bytes."""
    entry = bytes([len(name)]) + name
    payload = b"\x01" + (entry * 2 if as_import else entry) + b"\0\0"
    sections = [(1, b"\x01\x60\0\0")]
    sections += [(2, payload)] if as_import else [(3, b"\x01\0"), (7, payload), (10, b"\x01\x02\0\x0b")]
    return b"\0asm\1\0\0\0" + b"".join(bytes([number, len(body)]) + body for number, body in sections)


NASTY_NAMES = {
    "escape": b"\x1b[2J\x1b]0;owned\x07",
    "one-byte escape": "\x9b31m".encode(),
    "new line": b"ADMISSIBLE\r\n",
    "override of direction": "\u202edetimda\u2066\u2069".encode(),
    "mark of direction": "\u200e\u200f\u061c".encode(),
    "no width": "ev\u200baluate\ufeff\u2060".encode(),
    "tags": "\U000e0041\U000e007f".encode(),
    "delete": b"\x7f\x08\x08",
    "line separator": "\u2028\u2029".encode(),
    "private": "\ue000".encode(),
    "surrogate": b"\xed\xa0\x80",
    "not utf-8": b"\xff\xfe\xc0\x80",
    "cut utf-8": b"\xe2\x80",
}


@pytest.mark.parametrize("as_import", [True, False], ids=["import", "export"])
@pytest.mark.parametrize("name", NASTY_NAMES.values(), ids=NASTY_NAMES)
@pytest.mark.parametrize("command", [("check",), ("inspect",), ("inspect", "--json")], ids=" ".join)
def test_names_reach_a_terminal_as_text(
    tmp_path: Path, command: tuple[str, ...], name: bytes, *, as_import: bool
) -> None:
    """Whatever bytes a name is of, what the commands print is lines of printable characters, and the name harmless."""
    file = tmp_path / "x.wasm"
    file.write_bytes(nasty(name, as_import=as_import))
    done = CliRunner().invoke(cli, ["module", *command, str(file)])
    shown = done.stdout + done.stderr
    assert shown.endswith("\n")
    assert all(line.isprintable() for line in shown.split("\n"))
    assert name.decode(errors="replace") not in shown


def test_names_in_a_manifest_reach_a_terminal_as_text(tmp_path: Path) -> None:
    """Keys of a manifest are others' text like names."""
    file = tmp_path / "x.wasm"
    source = scaffold()
    good = build(source[MANIFEST_NAME], SOURCE_NAME, source[SOURCE_NAME].encode())
    file.write_bytes(embed_custom_section(good, SECTION, b'{"\\u001b[2J\\u202e\\u200b\\u009b":1}'))
    for command in ("check", "inspect"):
        done = CliRunner().invoke(cli, ["module", command, str(file)])
        assert "\\u{202e}" in done.stdout + done.stderr
        assert all(line.isprintable() for line in (done.stdout + done.stderr).split("\n"))


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
