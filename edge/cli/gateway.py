"""What the commands that run a gateway share: their options, and the run itself."""

from __future__ import annotations

import asyncio
import random
import signal
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from edge.cli.options import FILE, as_identity, as_json, load_identity, run
from edge.cli.output import print_json, safe
from edge.cli.spool import SPOOL_FILE, SPOOL_READINGS_MAX, spool_option
from edge.clock import SystemClock
from edge.errors import EdgeError
from edge.gateway.gateway import Gateway, Summary
from edge.gateway.notices import Notices
from edge.gateway.rejections import Rejected, Rejections
from edge.gateway.sender import Sender
from edge.gateway.sources import SERIAL_LINES, file_chunks, serial_chunks, tcp_chunks
from edge.gateway.spool import Spool
from edge.gateway.trial import trial
from edge_sdk.channel import KEEPALIVE_S
from edge_sdk.errors import IdentityError
from edge_sdk.identity import Role
from edge_sdk.meter import MeterClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from edge.cli.options import Decorator
    from edge_sdk.wire.v1.meter_pb2 import Reading

_REJECTED_LISTED_MAX = 1_000

keepalive_option = click.option(
    "--keepalive",
    "keepalive_s",
    default=KEEPALIVE_S,
    show_default=True,
    type=click.IntRange(10, 3_600),
    help="After so many seconds of silence the edge is asked whether it is there; half as long it may take to answer.",
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


def delivery_options(command: Callable[..., None]) -> Callable[..., None]:
    """Who sends, from where, and how it is told: the options that every gateway has, as one argument `options`."""

    @wraps(command)
    def collected(
        identity_folder: Path | None, spool_file: Path | None, keepalive_s: int, as_json: bool, **others: Any
    ) -> None:
        command(options=DeliveryOptions(identity_folder, spool_file, as_json, keepalive_s), **others)

    decorated: Callable[..., None] = collected
    for option in (as_json, keepalive_option, spool_option, as_identity(required=False), dry_run_option):
        decorated = option(decorated)
    return decorated


def line_options(command: Callable[..., None]) -> Callable[..., None]:
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


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """What whoever calls said of the way to the edge."""

    identity_folder: Path | None
    spool_file: Path | None
    as_json: bool
    keepalive_s: int = KEEPALIVE_S

    def prepare(self, *, live: bool) -> Delivery:
        """Returns a run that has not begun."""
        notices = Notices(lambda line: click.echo(safe(line), err=True), SystemClock())
        return Delivery(self, live, notices, Rejections(listed_max=0 if live else _REJECTED_LISTED_MAX))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One run of a gateway.

    Attributes:
        live: the source is a meter that goes on; otherwise it ends, and what was rejected is listed.
    """

    options: DeliveryOptions
    live: bool
    notices: Notices
    rejections: Rejections

    def rejected(self, piece: Rejected) -> None:
        """Takes in what did not become a reading, and tells of it where nobody waits for the end."""
        self.rejections.add(piece)
        if self.live:
            self.notices.lost(piece.reason, f"meter: {piece.place}: {piece.message}")

    def finish(self, source: AsyncIterator[Reading], *, only_report: bool) -> None:
        """Reads the source and sends what it gives, or only reports what it holds; says what it came to."""
        if only_report:
            print_json(run(trial(source, self.rejections)).to_json_dict())
            return
        folder = self.options.identity_folder
        if folder is None:
            raise click.UsageError("Give --as, the meter's identity, or --dry-run.")
        _report(run(self._forward(folder, source)), self.rejections, as_json=self.options.as_json)

    async def _forward(self, folder: Path, source: AsyncIterator[Reading]) -> Summary:
        """Spools what the source gives and sends it, until the source ends or a signal comes; a second one ends all."""
        clock, chance = SystemClock(), random.SystemRandom()
        spool_file = self.options.spool_file or folder / SPOOL_FILE
        connect = connector(folder, self.options.keepalive_s)
        with Spool.open(spool_file, SPOOL_READINGS_MAX, chance) as spool:
            sender = Sender(spool, connect, clock, chance, notices=self.notices, patient=self.live)
            gateway = Gateway(spool, sender, clock, self.notices, live=self.live)
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, gateway.interrupt)
            try:
                return await gateway.run(source)
            except EdgeError:
                if spool.pending():
                    click.echo(f"{spool.pending()} readings wait in {spool_file}; the next run sends them.", err=True)
                raise


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


def connector(folder: Path, keepalive_s: int = KEEPALIVE_S) -> Callable[[], MeterClient]:
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
        return MeterClient(identity, keepalive_s=keepalive_s)

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
