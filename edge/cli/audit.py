"""`edge audit`: check what happened, and that nothing was changed since."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from edge.cli.options import FILE, as_identity, as_json, load_identity, run
from edge.cli.output import print_json, safe, time_text
from edge.errors import NotFoundError
from edge_sdk.auditor import AuditClient
from edge_sdk.checkpoint import Checkpoint, VerifiedEntry

if TYPE_CHECKING:
    from pathlib import Path

    from edge_sdk.identity import Identity

CHECKPOINT_FILE = "audit-checkpoint.json"
"""What this identity has verified last, kept beside it."""


@click.group()
def audit() -> None:
    """The log of everything that happened: signed, append-only, provable."""


@audit.command()
@as_identity()
@click.option(
    "--checkpoint",
    "checkpoint_file",
    type=FILE,
    help=f"Where what was verified last is kept; {CHECKPOINT_FILE} in the identity if left out.",
)
@as_json
def verify(identity_folder: Path, checkpoint_file: Path | None, as_json: bool) -> None:
    """Verify the log's head, that the log only grew since the last time, and every entry that concerns you."""
    file = checkpoint_file or identity_folder / CHECKPOINT_FILE
    identity = load_identity(identity_folder)
    earlier = (
        Checkpoint.from_json(file.read_bytes(), identity.edge_public_key, identity.edge_id) if file.exists() else None
    )
    checkpoint = run(_verify(identity, earlier))
    file.write_bytes(checkpoint.to_json())
    head, entries, grew_from = checkpoint.head, checkpoint.entries, earlier.head.tree_size if earlier else None
    result = {
        "audit_ok": True,
        "tree_size": head.tree_size,
        "root_hash": head.root_hash.hex(),
        "entries_verified": entries,
        "grew_from": grew_from,
    }
    if as_json:
        print_json(result)
        return
    since = "" if grew_from is None else f", only grown since it had {grew_from}"
    click.echo(f"ok: {head.tree_size} entries{since}; {entries} concern you and each is proven to be in it")
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
@as_json
def prove(index: int, identity_folder: Path, as_json: bool) -> None:  # noqa: ARG001 - it prints JSON either way
    """Print entry INDEX with all that anyone needs to check that it is in the log, as JSON."""
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
            "head_envelope": json.loads(entry.head.envelope_json),
        }
    )


async def _verify(identity: Identity, earlier: Checkpoint | None) -> Checkpoint:
    async with AuditClient(identity) as client:
        checkpoint, _ = await client.verify(earlier)
        return checkpoint


async def _entries(identity: Identity, from_index: int) -> list[VerifiedEntry]:
    async with AuditClient(identity) as client:
        return [entry async for entry in client.entries(await client.head(), from_index)]


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
