"""The pages say what the code says: roles, errors, settings, commands, paths."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import shlex
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

import edge
import edge_sdk
from edge.cli.main import cli
from edge.errors import EdgeError, ServerError
from edge.rpc.roles import ROLES
from edge.rpc.status import code_of
from edge.settings import EdgeSection, Settings, to_toml
from edge_sdk.errors import RpcError
from edge_sdk.identity import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))
SOURCES = [
    path
    for folder in (ROOT / "edge", ROOT / "sdk" / "python" / "edge_sdk")
    for path in sorted(folder.rglob("*.py"))
    if "wire" not in path.parts
]
ROLE_ORDER = [Role.METER, Role.HOUSEHOLD, Role.ORGANIZATION, Role.OPERATOR]

# Upper-case words in the source that are no reasons: a variable, names of other tools, gRPC's own status.
NOT_REASONS = {"EDGE_IDENTITY", "RUST_BACKTRACE", "MBUS_DEVICES", "INVALID_ARGUMENT", "FAILED_PRECONDITION"}
SHELL_ENDS = {"|", "&", "&&", ";", ">", ">>", "<", "2>"}


def rows(page: str) -> dict[str, list[str]]:
    """Returns the table rows of a page whose first cell is code, by that cell."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `"):
            name = cells[0].strip("` ")
            assert name not in found, f"{page} has two rows for {name}"
            found[name] = cells[1:]
    return found


def reasons_in(tree: ast.AST) -> Iterator[str]:
    """Yields every word that a source file could give as a reason."""
    exported = {
        id(item)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
        for item in ast.walk(node.value)
    }
    given = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "reason"} | {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "reason" for t in node.targets)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in exported:
            continue
        # Alone, a word without underscore may be anything: SQL, a unit, a zone.
        pattern = r"[A-Z][A-Z0-9_]*" if id(node) in given else r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+"
        if re.fullmatch(pattern, node.value):
            yield node.value


def error_classes(root: type[EdgeError] = EdgeError) -> Iterator[type[EdgeError]]:
    """Yields every class of error that edge and edge_sdk define."""
    for package in (edge, edge_sdk):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    waiting = [root]
    while waiting:
        yield (found := waiting.pop())
        waiting += found.__subclasses__()


def commands(group: click.Group = cli, path: str = "edge") -> Iterator[tuple[str, click.Command]]:
    """Yields every command of the command line, groups included, by its full name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


COMMANDS: dict[str, click.Command] = {"edge": cli, **dict(commands())}


def command_lines(page: Path) -> Iterator[str]:
    """Yields what a page says to type that begins with `edge`, from its blocks and its running text."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.split("&&"):
                if re.match(r"(\S*/)?edge ", part.strip()):
                    yield part.strip()
    running = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`(edge [^`]+)`", running)


def commands_in(tree: ast.AST) -> Iterator[str]:
    """Yields every command that a source file quotes, in what it says and in what it explains."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        yield from re.findall(r"`(edge [^`]+)`", text)


def problem_with(line: str) -> str | None:
    """Returns what is wrong with a command line, or None."""
    words = shlex.split(line, comments=True)[1:]
    words = words[: next((place for place, word in enumerate(words) if word in SHELL_ENDS), len(words))]
    name = "edge"
    for word in words:
        if f"{name} {word}" in COMMANDS:
            name = f"{name} {word}"
        elif isinstance(COMMANDS[name], click.Group) and not word.startswith("-"):
            return f"{name} has no command {word}"
        else:
            break
    options = [item for item in COMMANDS[name].params if isinstance(item, click.Option)]
    known = {"--help", "-h", "--version", *(spelling for option in options for spelling in option.opts)}
    strange = [word for word in words if word.startswith("-") and word.split("=")[0] not in known]
    return f"{name} has no option {', '.join(strange)}" if strange else None


def test_roles_page_is_the_table() -> None:
    """docs/roles.md has a row for each method with exactly the roles that may call it."""
    documented = {method: cells[0] for method, cells in rows("docs/roles.md").items() if method.startswith("/")}
    expected = {method: ", ".join(role for role in ROLE_ORDER if role in roles) for method, roles in ROLES.items()}
    assert documented == expected


def test_errors_page_is_complete() -> None:
    """docs/errors.md has a row for every reason in the source and for nothing else."""
    used = {reason for path in SOURCES for reason in reasons_in(ast.parse(path.read_text(encoding="utf-8")))}
    documented = set(rows("docs/errors.md"))
    assert used - NOT_REASONS - documented == set(), "not documented"
    # INTERNAL is handed over by position.
    assert documented - used == {"INTERNAL"}, "documented but not in the source"


def test_errors_page_names_whose_fault_it_is() -> None:
    """The reason that a class of error has by default is documented with its fault, and its status if it has one."""
    documented = rows("docs/errors.md")
    for kind in error_classes():
        if issubclass(kind, RpcError):
            continue  # It repeats what the edge said.
        whose, status = documented[kind.reason][:2]
        if kind.reason != "SIGNATURE_INVALID":  # The edge's and the client's differ, as the row says.
            assert whose == kind.fault.value, kind
        if issubclass(kind, ServerError):
            assert status in (code_of(kind("")).name, "local", "answer"), kind


def test_settings_page_is_complete() -> None:
    """docs/settings.md has a row for each setting, with the default it has, and for nothing else."""
    documented = {name: cells[0] for name, cells in rows("docs/settings.md").items()}
    assert documented.pop("edge.id") == "required"
    sections = tomllib.loads(to_toml(Settings(edge=EdgeSection(id="x"))))
    assert set(documented) | {"edge.id"} == {f"{section}.{key}" for section in sections for key in sections[section]}
    for name, default in documented.items():
        section, key = name.split(".")
        assert tomllib.loads(f"value = {default.strip('`')}")["value"] == sections[section][key], name


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_name_commands_that_exist(page: Path) -> None:
    """Whatever a page tells the reader to type is a command, with options that it has."""
    problems = {line: problem for line in command_lines(page) if (problem := problem_with(line))}
    assert problems == {}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_advice_names_commands_that_exist(source: Path) -> None:
    """Whatever an error, an advice or a docstring tells somebody to type is a command, with options that it has."""
    quoted = set(commands_in(ast.parse(source.read_text(encoding="utf-8"))))
    problems = {line: problem for line in quoted if (problem := problem_with(line))}
    assert problems == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_name_files_that_exist(page: Path) -> None:
    """Every path of this repository that a page names, and every page it links to, is there."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    named = re.findall(r"`((?:\.ci|docs|edge|proto|sdk|tests|benchmarks|examples)/[\w./*-]*)`", text)
    missing = [name for name in named if not any(ROOT.glob(name.rstrip("/")))]
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text)
    missing += [link for link in links if not (page.parent / link).exists()]
    assert missing == []


def test_readme_begins_with_the_two_commands() -> None:
    """The README's first two blocks are the way to the demo and the way to the tests."""
    blocks = re.findall(r"^```.*?\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert blocks[0].strip() == (
        "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt . && .venv/bin/edge demo"
    )
    assert blocks[1].strip() == ".ci/test"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_commands_have_help(name: str) -> None:
    """Every command says what it does."""
    assert (COMMANDS[name].help or "").strip()


def test_decisions_are_numbered_and_whole() -> None:
    """Decision records count up from 0001, and each has all of its parts."""
    assert [path.name[:4] for path in ADRS] == [f"{number:04}" for number in range(1, len(ADRS) + 1)]
    for path in ADRS:
        headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Rejected", "Consequences"], path.name


def test_both_distributions_have_one_version() -> None:
    """The light SDK is released with the edge, under the same number."""
    project = tomllib.loads((ROOT / "sdk" / "python" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == edge.__version__
