"""What several commands ask for, and the only place where the environment is read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from edge.domain.document import EVERY_EDGE
from edge.errors import SettingsError
from edge_sdk.errors import Fault, IdentityError
from edge_sdk.identity import Identity, Role

T = TypeVar("T")
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

IDENTITY_VARIABLE = "EDGE_IDENTITY"

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def as_identity(*, required: bool = True) -> Decorator:
    """`--as DIR`: who calls, by the folder that `edge identity issue` made."""
    return click.option(
        "--as",
        "identity_folder",
        type=FOLDER,
        required=required,
        envvar=IDENTITY_VARIABLE,
        show_envvar=True,
        help="Folder of the identity to call the edge as.",
    )


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")

passphrase_file = click.option(
    "--passphrase-file", type=EXISTING_FILE, help="File whose first line unlocks the operator's keys."
)

operator_folder = click.option(
    "--operator", "operator_folder", type=FOLDER, required=True, help="The operator folder that `edge init` made."
)

root_key = click.option(
    "--key", "key_file", type=EXISTING_FILE, required=True, help="The operator's root key; it stays on this machine."
)

of_organization = click.option(
    "--organization", default="", help="Whose module; needed only where several organizations uploaded these bytes."
)

all_edges = click.option(
    "--all-edges", is_flag=True, help="Sign it for every edge of the operator, not for this one alone."
)


def meant_edges(identity: Identity, *, everywhere: bool) -> tuple[str, ...]:
    """Returns what a document says of where it holds: at the identity's edge, or everywhere."""
    return (EVERY_EDGE,) if everywhere else (identity.edge_id,)


def load_identity(folder: Path, *roles: Role) -> Identity:
    """Returns the identity in a folder.

    Raises:
        IdentityError: it cannot be used, or is of none of these roles.
    """
    identity = Identity.load(folder)
    if roles and identity.role not in roles:
        raise IdentityError(
            f"{folder} is the identity of a {identity.role}; this command is for: {', '.join(roles)}.",
            advice=f"Give another one with --as, or in {IDENTITY_VARIABLE}.",
        )
    return identity


def read_passphrase(file: Path | None) -> bytes | None:
    """Returns the first line of a passphrase file, or None without a file.

    Raises:
        SettingsError: the line is empty.
    """
    if file is None:
        return None
    line = file.read_bytes().split(b"\n", 1)[0].strip()
    if not line:
        raise SettingsError(
            f"The first line of {file} is empty.", advice="Write the passphrase there.", fault=Fault.OPERATOR
        )
    return line


def now_ms() -> int:
    """Returns the machine's time, unix ms UTC."""
    return time.time_ns() // 1_000_000


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end."""
    return asyncio.run(work)
