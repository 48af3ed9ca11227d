"""`edge audit`: check what happened, and that nothing was changed since."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from edge.cli.options import FILE, as_identity, as_json, load_identity, run
from edge.cli.output import print_json, safe, time_text
from edge.errors import Fault, NotFoundError, SettingsError
from edge_sdk.audit import TreeHead
from edge_sdk.auditor import AuditClient, VerifiedEntry

if TYPE_CHECKING:
    from pathlib import Path

    from edge_sdk.identity import Identity

HEAD_FILE = "audit-head.json"
"""The last head this identity has verified, kept beside it."""


@click.group()
def audit() -> None:
    """The log of everything that happened: signed, append-only, provable."""


@audit.command()
@as_identity()
@click.option(
    "--head", "head_file", type=FILE, help=f"Where the last verified head is kept; {HEAD_FILE} in the identity."
)
@as_json
def verify(identity_folder: Path, head_file: Path | None, as_json: bool) -> None:
    """Verify the head's signature, that the log only grew since the last time, and every entry that concerns you."""
    head_file = head_file or identity_folder / HEAD_FILE
    earlier = _read_head(head_file)
    head, entries = run(_verify(load_identity(identity_folder), earlier))
    head_file.write_bytes(head.to_payload())
    result = {
        "audit_ok": True,
        "tree_size": head.tree_size,
        "root_hash": head.root_hash.hex(),
        "entries_verified": len(entries),
        "grew_from": earlier.tree_size if earlier else None,
    }
    if as_json:
        print_json(result)
        return
    since = f", only grown since it had {earlier.tree_size}" if earlier else ""
    click.echo(f"ok: {head.tree_size} entries{since}; {len(entries)} concern you and each is proven to be in it")
    click.echo(f"    root {head.root_hash.hex()} signed by {safe(head.edge_id)} at {time_text(head.time_ms)}")


@audit.command()
@as_identity()
@click.option("--from", "from_index", default=0, type=click.IntRange(0), help="Begin at this index.")
@as_json
def show(identity_folder: Path, from_index: int, as_json: bool) -> None:
    """Show the entries that concern you."""
    entries = run(_entries(load_identity(identity_folder), from_index))
    if as_json:
        print_json({"entries": [{"index": entry.index, **entry.payload} for entry in entries]})
        return
    for entry in entries:
        detail = " ".join(f"{key}={_short(value)}" for key, value in entry.payload["detail"].items())
        click.echo(safe(f"{entry.index:8} {time_text(entry.payload['time_ms'])} {entry.payload['kind']:20} {detail}"))


@audit.command()
@click.argument("index", type=click.IntRange(0))
@as_identity()
def prove(index: int, identity_folder: Path) -> None:
    """Print entry INDEX with all that anyone needs to check that it is in the log."""
    entries = [entry for entry in run(_entries(load_identity(identity_folder), index)) if entry.index == index]
    if not entries:
        raise NotFoundError(f"Entry {index} is not there, or does not concern you.", advice="See `edge audit show`.")
    entry = entries[0]
    print_json(
        {
            "index": entry.index,
            "payload": entry.payload,
            "salt": entry.salt.hex(),
            "inclusion_proof": [item.hex() for item in entry.inclusion_proof],
            "tree_size": entry.head.tree_size,
            "root_hash": entry.head.root_hash.hex(),
        }
    )


async def _verify(identity: Identity, earlier: TreeHead | None) -> tuple[TreeHead, list[VerifiedEntry]]:
    async with AuditClient(identity) as client:
        head = await client.head(earlier)
        return head, [entry async for entry in client.entries()]


async def _entries(identity: Identity, from_index: int) -> list[VerifiedEntry]:
    async with AuditClient(identity) as client:
        return [entry async for entry in client.entries(from_index)]


def _read_head(file: Path) -> TreeHead | None:
    if not file.exists():
        return None
    try:
        fields: dict[str, Any] = json.loads(file.read_bytes())
        return TreeHead(fields["edge_id"], fields["tree_size"], bytes.fromhex(fields["root_hash"]), fields["time_ms"])
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{file} does not hold the head that was verified last.",
            advice="Move it away to begin anew; what was proven until now can then not be compared.",
            fault=Fault.CALLER,
        ) from error


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
