"""`edge store`: what lies on the edge's disk. On the device, by whoever has its folder and key, while it is stopped."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from edge.app import open_store, settings_file
from edge.cli.options import FOLDER, as_json, now_ms, run
from edge.cli.output import print_json, time_text
from edge.clock import SystemClock
from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind
from edge.domain.slot import day_of
from edge.metrics import Metrics
from edge.services.audit import AuditLog
from edge.services.backup import back_up, read_backup, restore
from edge.settings import Settings, load
from edge.store.shelf import date_text
from edge.trust.keys import SigningKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.store.store import Store

_EPOCH = date(1970, 1, 1)
_DATE = click.DateTime(["%Y-%m-%d"])


@click.group()
def store() -> None:
    """What lies on the edge's disk. Run on the device, while the edge is stopped; `edge status` asks a running one."""


@store.command("status")
@click.argument("folder", type=FOLDER)
@as_json
def status_command(folder: Path, as_json: bool) -> None:
    """Show days, their sizes, and what is wrong, of the edge whose settings.toml is in FOLDER."""
    with _opened(folder) as (settings, opened):
        found = _status(settings, opened)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['readings']:,} readings stored, {found['refused']:,} refused, {found['bytes']:,} bytes in all")
    click.echo(f"{found['bytes_per_reading']} bytes a reading on disk, of the days that are kept")
    for day in found["days"]:
        sizes = f"{day['readings_bytes']:>14,} bytes of readings {day['rollups_bytes']:>14,} of roll-ups"
        click.echo(f"  {day['day']} {day['readings']:>12,} {sizes}  {day['problem']}".rstrip())
    for name in found["set_aside"]:
        click.echo(f"  set aside: {name}")
    click.echo(f"kept: readings {found['raw_days']} days, roll-ups {found['rollup_days']} days")


@store.command()
@click.argument("folder", type=FOLDER)
def compact(folder: Path) -> None:
    """Rewrite the files of days that are over. A running edge does it by itself, once for each day."""
    with _opened(folder) as (_, opened):
        for files in opened.files.days():
            if files.day < day_of(now_ms()) and not files.problem:
                run(opened.rewrite_day(files.day, now_ms()))
                after = next(found for found in opened.files.days() if found.day == files.day)
                click.echo(f"{date_text(files.day)}: {files.readings_bytes:,} to {after.readings_bytes:,} bytes")


@store.command()
@click.argument("folder", type=FOLDER)
@click.option("--out", type=FOLDER, required=True, help="Folder for the Parquet files.")
@click.option("--from", "from_day", type=_DATE, help="First UTC day, YYYY-MM-DD; the oldest if left out.")
@click.option("--until", "until_day", type=_DATE, help="UTC day after the last; all if left out.")
def export(folder: Path, out: Path, from_day: datetime | None, until_day: datetime | None) -> None:
    """Write readings as Parquet, IN THE CLEAR. The log says that it was done."""
    first = (from_day.date() - _EPOCH).days if from_day else 0
    end = (until_day.date() - _EPOCH).days if until_day else day_of(now_ms()) + 2
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _opened(folder) as (settings, opened):
        days = [
            day.day for day in opened.files.days() if day.readings_bytes and first <= day.day < end and not day.problem
        ]
        detail: dict[str, object] = {"days": [date_text(day) for day in days]}
        _record(settings, opened, EventKind.READINGS_EXPORTED, detail)
        for day in days:
            for name in opened.export_day(day, out):
                click.echo(str(out / name))


@store.command()
@click.argument("folder", type=FOLDER)
@click.argument("target", type=FOLDER)
@as_json
def backup(folder: Path, target: Path, as_json: bool) -> None:
    """Copy all that the edge in FOLDER holds to TARGET, encrypted as it is, and check the copy."""
    with _opened(folder) as (settings, opened):
        audit = _audit(settings, opened)
        made = run(back_up(opened, audit, target, settings.edge.id, now_ms(), partial(open_store, settings)))
    if as_json:
        print_json({"target": str(target), "readings": made.content.readings, "files": len(made.files)})
        return
    click.echo(
        f"{len(made.files)} files, {made.content.readings:,} readings, {made.content.audit_entries:,} log entries:"
    )
    click.echo(
        f"copied to {target} and read back. The key {settings.paths.store_key} is not in it: keep a copy elsewhere."
    )


@store.command("restore")
@click.argument("folder", type=FOLDER)
@click.argument("source", type=FOLDER)
def restore_command(folder: Path, source: Path) -> None:
    """Put a backup from SOURCE into the edge in FOLDER, whose data folder must have no store."""
    settings = load(settings_file(folder))
    made = read_backup(source, settings.edge.id)
    opened = restore(source, made, settings.paths.data, partial(open_store, settings))
    try:
        _record(settings, opened, EventKind.BACKUP_RESTORED, {"made_ms": made.made_ms})
    finally:
        opened.close()
    click.echo(f"Restored as of {time_text(made.made_ms)}. What happened since is not in it:")
    click.echo("  submit the newest policy, approvals and revocations again before the edge is started;")
    click.echo("  households that withdrew a consent since have to withdraw it again: tell them;")
    click.echo("  readings that gateways have deleted since are lost, and counted as missing when they go on;")
    click.echo("  whoever has verified the log since will find it cut short: tell them why.")


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[Settings, Store]]:
    settings = load(settings_file(folder))
    opened = open_store(settings, settings.paths.data)
    try:
        yield settings, opened
    finally:
        opened.close()


def _audit(settings: Settings, opened: Store) -> AuditLog:
    key = SigningKey.load(settings.paths.device_key)
    return AuditLog(opened, settings.edge.id, key, SystemClock(), secrets.token_bytes, Metrics())


def _record(settings: Settings, opened: Store, kind: EventKind, detail: dict[str, object]) -> None:
    audit, event = _audit(settings, opened), Event(kind, now_ms(), (OPERATOR_SUBJECT,), detail)
    run(opened.write(lambda transaction: audit.record(transaction, [event])))


def _status(settings: Settings, opened: Store) -> dict[str, Any]:
    readings, refused = opened.readings.count()
    counts = opened.readings.count_by_day()
    days = opened.files.days()
    kept_bytes = sum(files.readings_bytes for files in days)
    return {
        "readings": readings,
        "refused": refused,
        "bytes": opened.files.total_bytes(),
        "bytes_per_reading": round(kept_bytes / max(1, sum(counts.values())), 1),
        "raw_days": settings.retention.raw_days,
        "rollup_days": settings.retention.rollup_days,
        "store_bytes_max": settings.retention.store_bytes_max,
        "days": [
            {
                "day": date_text(files.day),
                "readings": counts.get(files.day, 0),
                "readings_bytes": files.readings_bytes,
                "rollups_bytes": files.rollups_bytes,
                "problem": files.problem,
            }
            for files in days
        ],
        "set_aside": list(opened.files.set_aside()),
    }
