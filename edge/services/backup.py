"""Backups: an encrypted copy of all that an edge holds, checked when it is made and when it is put back.

The store's key is not in it. What was set aside is not, either.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind
from edge.errors import Fault, StoreCorruptError, StoreError
from edge.store.copies import copy_files, digest
from edge.trust.merkle import MerkleTree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.services.audit import AuditLog
    from edge.store.store import Store

MANIFEST = "backup.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Content:
    """What a store holds, as far as a copy of it can be compared.

    Attributes:
        audit_root: of the tree of the log's first `audit_entries` leaves, hexadecimal.
    """

    readings: int
    refused: int
    audit_entries: int
    audit_root: str


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup, as its manifest says. `files` are digests by name."""

    edge_id: str
    made_ms: int
    content: Content
    files: dict[str, str]


async def back_up(
    store: Store, audit: AuditLog, target: Path, edge_id: str, now_ms: int, reopen: Callable[[Path], Store]
) -> Backup:
    """Copies a store to a folder, opens the copy and compares.

    Args:
        store: which; nothing else may be writing to it.
        audit: its log, which says afterwards that a copy was made, in both.
        target: a folder without a store.
        edge_id: whose it is.
        now_ms: the time.
        reopen: opens a store in a folder with the same key.

    Raises:
        StoreError: the folder has a store in it, or cannot be written.
        StoreCorruptError: the copy does not say what the store says.
    """
    event = Event(EventKind.BACKUP_MADE, now_ms, (OPERATOR_SUBJECT,))
    await store.write(lambda transaction: audit.record(transaction, [event]))
    content = content_of(store)
    names = await store.copy_out(target)
    copied = reopen(target)
    try:
        found = content_of(copied)
    finally:
        copied.close()
    _check_same(found, content, target)
    backup = Backup(edge_id, now_ms, content, {name: digest(target / name) for name in names})
    # It comes last: a folder without one is no backup.
    (target / MANIFEST).write_text(json.dumps({"format": _FORMAT, **asdict(backup)}, indent=1), encoding="utf-8")
    return backup


def read_backup(source: Path, edge_id: str) -> Backup:
    """Returns what a backup says of itself, once every file of it is what it was.

    Raises:
        StoreError: it is not one, or another edge's.
        StoreCorruptError: a file is missing or was changed.
    """
    try:
        manifest: dict[str, Any] = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
        files = {str(name): str(value) for name, value in manifest["files"].items()}
        backup = Backup(manifest["edge_id"], manifest["made_ms"], Content(**manifest["content"]), files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(f"{source} is not a whole backup: {MANIFEST} is missing or cannot be read.") from error
    if manifest.get("format") != _FORMAT or backup.edge_id != edge_id:
        raise _unusable(
            f"{source} is a backup of {backup.edge_id}, format {manifest.get('format')}; this is {edge_id}."
        )
    for name, expected in files.items():
        if ".." in name or name.startswith("/") or not (source / name).is_file() or digest(source / name) != expected:
            raise StoreCorruptError(
                f"{source / name} is missing or not what was backed up.",
                advice="Use another backup.",
                reason="BACKUP_UNUSABLE",
            )
    return backup


def restore(source: Path, backup: Backup, folder: Path, reopen: Callable[[Path], Store]) -> Store:
    """Puts a backup into a folder that has no store, and opens it.

    Raises:
        StoreError: the folder has a store, or cannot be written; the key is not the backup's.
        StoreCorruptError: what was put there is not what was backed up.
    """
    copy_files(source, folder, backup.files)
    store = reopen(folder)
    try:
        _check_same(content_of(store), backup.content, folder)
    except BaseException:
        store.close()
        raise
    return store


def content_of(store: Store) -> Content:
    """Returns what a store holds."""
    readings, refused = store.readings.count()
    tree = MerkleTree.from_leaves(store.read_now(lambda tables: tables.audit.leaf_hashes()))
    return Content(readings, refused, len(tree), tree.root().hex())


def _check_same(found: Content, expected: Content, folder: Path) -> None:
    if found != expected:
        raise StoreCorruptError(
            f"The copy in {folder} holds {found}, not {expected}.",
            advice="Delete it and check that disk; the original is untouched.",
            reason="BACKUP_UNUSABLE",
        )


def _unusable(message: str) -> StoreError:
    return StoreError(
        message, advice="Name a folder that `edge store backup` wrote.", reason="BACKUP_UNUSABLE", fault=Fault.OPERATOR
    )
