"""What the commands that run a gateway share: their options, and the run itself."""

from __future__ import annotations

import asyncio
import random
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from edge.cli.options import FILE, as_identity, as_json, load_identity, run
from edge.cli.output import print_json, safe
from edge.clock import SystemClock
from edge.errors import EdgeError
from edge.gateway.gateway import Gateway, Summary
from edge.gateway.notices import Notices
from edge.gateway.rejections import Rejected, Rejections
from edge.gateway.sender import Sender
from edge.gateway.sources import SERIAL_LINES, file_chunks, serial_chunks, tcp_chunks
from edge.gateway.spool import Spool
from edge_sdk.errors import IdentityError
from edge_sdk.identity import Role
from edge_sdk.meter import MeterClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from edge.cli.options import Decorator
    from edge_sdk.wire.v1.meter_pb2 import Reading

SPOOL_FILE = "spool.sqlite"
SPOOL_READINGS_MAX = 10_000_000
_REJECTED_LISTED_MAX = 1_000

spool_option = click.option(
    "--spool",
    "spool_file",
    type=FILE,
    help=f"Where readings wait for the edge; {SPOOL_FILE} in the identity if left out.",
)
dry_run_option = click.option(
    "--dry-run", "only_report", is_flag=True, help="Read once, to the end, and report; send nothing."
)


def _zone(_context: click.Context, _option: click.Parameter, name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.BadParameter(f"{name} is not a time zone of the IANA database.") from error


def timezone_option(default: str | None, text: str = "Where the meter hangs.") -> Decorator:
    """`--timezone NAME`: whose local time is meant."""
    return click.option("--timezone", "zone", default=default, show_default=True, callback=_zone, help=text)


def delivery_options(command: Callable[..., object]) -> Callable[..., object]:
    """Who sends, from where, and how it is told: the options that every gateway has."""
    for option in (as_json, spool_option, as_identity(required=False), dry_run_option):
        command = option(command)
    return command


def line_options(command: Callable[..., object]) -> Callable[..., object]:
    """Where bytes come from: the options of a meter with a port."""
    names = click.Choice(list(SERIAL_LINES))
    for option in (
        click.option("--tcp", "address", help="HOST:PORT of a serial server."),
        click.option("--line", "line_name", type=names, help="Speed and characters of --serial."),
        click.option("--serial", "--device", "device", help="A serial port, such as /dev/ttyUSB0."),
        click.option("--file", "file", type=FILE, help="A file of telegrams."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class Delivery:
    """One run of a gateway.

    Attributes:
        live: the source is a meter that goes on; otherwise it ends, and what was rejected is listed.
    """

    identity_folder: Path | None
    spool_file: Path | None
    as_json: bool
    live: bool
    notices: Notices
    rejections: Rejections

    @classmethod
    def prepare(cls, identity_folder: Path | None, spool_file: Path | None, *, as_json: bool, live: bool) -> Delivery:
        """Returns a run that has not begun."""
        notices = Notices(lambda line: click.echo(safe(line), err=True), SystemClock())
        rejections = Rejections(listed_max=0 if live else _REJECTED_LISTED_MAX)
        return cls(identity_folder, spool_file, as_json, live, notices, rejections)

    def rejected(self, piece: Rejected) -> None:
        """Takes in what did not become a reading, and tells of it where nobody waits for the end."""
        self.rejections.add(piece)
        if self.live:
            self.notices.lost(piece.reason, f"meter: {piece.place}: {piece.message}")

    def deliver(self, source: AsyncIterator[Reading]) -> None:
        """Reads the source, sends what it gives, and says what the run came to."""
        if self.identity_folder is None:
            raise click.UsageError("Give --as, the meter's identity, or --dry-run.")
        spool_file = self.spool_file or self.identity_folder / SPOOL_FILE
        summary = run(_forward(self.identity_folder, spool_file, source, self.notices, live=self.live))
        _report(summary, self.rejections, as_json=self.as_json)


def port_chunks(
    file: Path | None, device: str | None, address: str | None, line_name: str, notices: Notices
) -> AsyncIterator[bytes]:
    """Returns the bytes of the one source that was given."""
    if sum(source is not None for source in (file, device, address)) != 1:
        raise click.UsageError("Give one of --file, --serial and --tcp.")
    if file is not None:
        return file_chunks(file)
    if device is not None:
        return serial_chunks(device, SERIAL_LINES[line_name], SystemClock(), notices)
    host, _, port = (address or "").rpartition(":")
    if not host or not port.isdigit():
        raise click.UsageError(f"--tcp {address} is not HOST:PORT.")
    return tcp_chunks(host, int(port), SystemClock(), notices)


async def _forward(
    identity_folder: Path, spool_file: Path, source: AsyncIterator[Reading], notices: Notices, *, live: bool
) -> Summary:
    """Spools what the source gives and sends it, until the source ends or a signal comes; a second one ends at once."""
    clock, chance = SystemClock(), random.SystemRandom()
    connect = connector(identity_folder)
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


def connector(folder: Path) -> Callable[[], MeterClient]:
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
        click.echo(f"  {item.place}: {item.reason} {item.message}", err=True)
    if rejections.counts.total() > len(rejections.listed):
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(rejections.counts.items()))
        click.echo(f"  rejected in all: {counts}", err=True)
