"""`edge meter`: gateways at homes, and the register of meters."""

from __future__ import annotations

import asyncio
import random
import signal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from edge.cli.options import FILE, as_identity, as_json, load_identity, run
from edge.cli.output import print_json, safe
from edge.cli.record import gaps, status
from edge.cli.register import enrol, list_, retire
from edge.cli.spool import SPOOL_FILE, SPOOL_READINGS_MAX, refused, spool_option
from edge.clock import SystemClock
from edge.errors import EdgeError
from edge.gateway.day import LocalDay
from edge.gateway.gateway import Gateway, Summary
from edge.gateway.notices import Notices
from edge.gateway.profiles import neighbourhood
from edge.gateway.rejections import Rejected, Rejections
from edge.gateway.report import dry_run
from edge.gateway.sender import Sender
from edge.gateway.simulate import simulate as simulated_readings
from edge.gateway.sources import SERIAL_LINES, file_chunks, readings, serial_chunks, tcp_chunks
from edge.gateway.spool import Spool
from edge_sdk.errors import IdentityError
from edge_sdk.identity import Role
from edge_sdk.meter import MeterClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from edge_sdk.wire.v1.meter_pb2 import Reading

_REJECTED_LISTED_MAX = 1_000


def _zone(_context: click.Context, _option: click.Parameter, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.BadParameter(f"{name} is not a time zone of the IANA database.") from error


timezone_option = click.option(
    "--timezone", "zone", default="Europe/Amsterdam", show_default=True, callback=_zone, help="Where the meter hangs."
)


@click.group()
def meter() -> None:
    """Meters and their gateways."""


for _command in (enrol, retire, list_, status, gaps, refused):
    meter.add_command(_command)


@meter.command()
@click.option("--file", "file", type=FILE, help="A file of telegrams.")
@click.option("--serial", "device", help="A serial port, such as /dev/ttyUSB0.")
@click.option(
    "--line",
    "line_name",
    type=click.Choice(list(SERIAL_LINES)),
    default="115200-8N1",
    show_default=True,
    help="Speed and characters of --serial; DSMR 2.2 and 3 have 9600-7E1.",
)
@click.option("--tcp", "address", help="HOST:PORT of a serial server.")
@click.option("--raw", is_flag=True, help="Send also what Edge has no field for; the edge keeps it if told to.")
@click.option("--dry-run", "only_report", is_flag=True, help="Read --file and report; send nothing.")
@as_identity(required=False)
@spool_option
@timezone_option
@as_json
def p1(
    file: Path | None,
    device: str | None,
    line_name: str,
    address: str | None,
    raw: bool,
    only_report: bool,
    identity_folder: Path | None,
    spool_file: Path | None,
    zone: ZoneInfo,
    as_json: bool,
) -> None:
    """Read a meter's P1 port (DSMR) and stream it to the edge; keep the readings while the edge is away."""
    if sum(source is not None for source in (file, device, address)) != 1:
        raise click.UsageError("Give one of --file, --serial and --tcp.")
    if only_report:
        if file is None:
            raise click.UsageError("--dry-run reads a --file.")
        print_json(run(dry_run(file_chunks(file), zone)).to_json_dict())
        return
    if identity_folder is None:
        raise click.UsageError("Give --as, the meter's identity, or --dry-run.")
    notices, rejections = _notices(), Rejections(listed_max=_REJECTED_LISTED_MAX if file else 0)

    def rejected(piece: Rejected) -> None:
        rejections.add(piece)
        if file is None:
            notices.lost(piece.reason, f"meter: byte {piece.position_bytes}: {piece.message}")

    chunks = file_chunks(file) if file else _line_chunks(device, line_name, address, notices)
    source = readings(chunks, zone, None if file else SystemClock(), rejected, raw=raw)
    spool_file = spool_file or identity_folder / SPOOL_FILE
    summary = run(_forward(identity_folder, spool_file, source, notices, live=file is None))
    _report(summary, rejections, as_json=as_json)


@meter.command()
@as_identity()
@click.option("--seed", default=1, show_default=True, help="Another seed, another home.")
@click.option(
    "--step", "step_s", default=10, show_default=True, type=click.IntRange(1, 3_600), help="Seconds between readings."
)
@click.option("--duration", "duration_s", type=click.IntRange(1), help="Stop after so many seconds.")
@spool_option
@timezone_option
@as_json
def simulate(
    identity_folder: Path,
    seed: int,
    step_s: int,
    duration_s: int | None,
    spool_file: Path | None,
    zone: ZoneInfo,
    as_json: bool,
) -> None:
    """Be a meter: play the load profile of a home, as time goes by."""
    clock = SystemClock()
    profile = neighbourhood(1, seed, LocalDay.containing(clock.now_ms(), zone).start_ms, zone)[0]
    source = simulated_readings(profile, clock, step_s, duration_s)
    spool_file = spool_file or identity_folder / SPOOL_FILE
    _report(run(_forward(identity_folder, spool_file, source, _notices(), live=True)), Rejections(), as_json=as_json)


def _line_chunks(device: str | None, line_name: str, address: str | None, notices: Notices) -> AsyncIterator[bytes]:
    if device is not None:
        return serial_chunks(device, SERIAL_LINES[line_name], SystemClock(), notices)
    host, _, port = (address or "").rpartition(":")
    if not host or not port.isdigit():
        raise click.UsageError(f"--tcp {address} is not HOST:PORT.")
    return tcp_chunks(host, int(port), SystemClock(), notices)


def _notices() -> Notices:
    return Notices(lambda line: click.echo(safe(line), err=True), SystemClock())


async def _forward(
    identity_folder: Path, spool_file: Path, source: AsyncIterator[Reading], notices: Notices, *, live: bool
) -> Summary:
    """Spools what the source gives and sends it, until the source ends or a signal comes; a second one ends at once."""
    clock, chance = SystemClock(), random.SystemRandom()
    connect = _connector(identity_folder)
    with Spool.open(spool_file, SPOOL_READINGS_MAX, chance) as spool:
        sender = Sender(spool, connect, clock, chance, notices=notices, patient=live)
        gateway = Gateway(spool, sender, clock, notices, live=live)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, gateway.interrupt)
        try:
            return await gateway.run(source)
        except EdgeError:
            if spool.pending():
                click.echo(f"{spool.pending()} readings wait in {spool_file}; the next run sends them.", err=True)
            raise


def _connector(folder: Path) -> Callable[[], MeterClient]:
    """Returns what connects with the identity as it is then, so that a renewed certificate is taken up."""
    first = load_identity(folder, Role.METER)

    def connect() -> MeterClient:
        identity = load_identity(folder, Role.METER)
        if (identity.edge_id, identity.name) != (first.edge_id, first.name):
            raise IdentityError(
                f"{folder} is now the identity of meter {identity.name} at {identity.edge_id}; the readings that wait "
                f"are of {first.name} at {first.edge_id}.",
                advice="Put the identity of that meter back, or start a gateway for the other with another spool.",
            )
        return MeterClient(identity)

    return connect


def _report(summary: Summary, rejections: Rejections, *, as_json: bool) -> None:
    if as_json:
        print_json({**summary.to_json_dict(), **rejections.to_json_dict()})
        return
    click.echo(", ".join(f"{value} {name.replace('_', ' ')}" for name, value in summary.to_json_dict().items()))
    for item in rejections.listed:
        click.echo(f"  byte {item.position_bytes}: {item.reason} {item.message}", err=True)
    if rejections.counts.total() > len(rejections.listed):
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(rejections.counts.items()))
        click.echo(f"  rejected in all: {counts}", err=True)
