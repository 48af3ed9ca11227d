"""Gateways of meters without a P1 port, behind `edge meter sml`, `homewizard` and `csv`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge.cli.gateway import delivery_options, line_options, port_chunks, timezone_option
from edge.cli.options import EXISTING_FILE, FILE
from edge.clock import SystemClock
from edge.gateway.homewizard_device import homewizard_once, homewizard_readings, plain_request, token_request
from edge.gateway.sml import reading_from_sml
from edge.gateway.sml_framing import SmlFramer
from edge.gateway.sources import decoded, file_chunks, frames
from edge.gateway.table import TableFormat, table_readings

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from edge.cli.gateway import DeliveryOptions
    from edge.gateway.http_get import Request
    from edge_sdk.wire.v1.meter_pb2 import Reading

_SML_LINE = "9600-8N1"
_DELIMITERS = {",": ",", ";": ";", "tab": "\t"}
_FOLDS = {"first": 0, "second": 1}


@click.command()
@line_options
@delivery_options
def sml(
    file: Path | None,
    device: str | None,
    line_name: str | None,
    address: str | None,
    only_report: bool,
    options: DeliveryOptions,
) -> None:
    """Read a German meter (SML) and stream it to the edge; keep the readings while the edge is away.

    The line is 9600-8N1 unless --line says otherwise. SML has no usable time, so a reading has the time of arrival.
    A file has none: --dry-run reads it, and nothing of it is sent.
    """
    if only_report and file is None:
        raise click.UsageError("--dry-run reads a --file.")
    if file is not None and file.is_file() and not only_report:
        raise click.UsageError("A file of SML has no times. Read the meter live, or give --dry-run.")
    delivery = options.prepare(live=file is None)
    chunks = port_chunks(file, device, address, line_name or _SML_LINE, delivery.notices)
    clock = SystemClock()

    def read(transmission: bytes) -> Reading:
        return reading_from_sml(transmission, clock.now_ms())

    delivery.finish(decoded(frames(chunks, SmlFramer()), read, delivery.rejected), only_report=only_report)


@click.command()
@click.option("--host", required=True, help="Address or name of the device, with :PORT if it is not the usual one.")
@click.option(
    "--every", "every_s", default=10, show_default=True, type=click.IntRange(1, 3_600), help="Seconds between readings."
)
@click.option(
    "--token-file", type=EXISTING_FILE, help="File with the device's token: version 2 of its API, over HTTPS."
)
@click.option(
    "--ca",
    "certificates",
    type=EXISTING_FILE,
    help="With --token-file: PEM of the maker's certificates or the device's.",
)
@timezone_option("Europe/Amsterdam")
@delivery_options
def homewizard(
    host: str,
    every_s: int,
    token_file: Path | None,
    certificates: Path | None,
    zone: ZoneInfo,
    only_report: bool,
    options: DeliveryOptions,
) -> None:
    """Ask a HomeWizard device for what its meter says and stream it to the edge, for as long as it takes."""
    request = _request(host, token_file, certificates)
    delivery = options.prepare(live=not only_report)
    if only_report:
        source = homewizard_once(request, zone, SystemClock(), delivery.rejected)
    else:
        source = homewizard_readings(request, zone, SystemClock(), delivery.notices, delivery.rejected, every_s)
    delivery.finish(source, only_report=only_report)


def _request(host: str, token_file: Path | None, certificates: Path | None) -> Request:
    if (token_file is None) != (certificates is None):
        raise click.UsageError("--token-file and --ca belong together: a token is shown to nobody unknown.")
    name, _, port = host.rpartition(":")
    if not name:
        name, port = host, ""
    elif not port.isdigit():
        raise click.UsageError(f"--host {host} is not HOST or HOST:PORT.")
    if token_file is None or certificates is None:
        return plain_request(name, int(port or 80))
    token = token_file.read_text(encoding="utf-8").strip()
    if not token.isascii() or not token.isprintable() or not token:
        raise click.UsageError(f"{token_file} does not hold a token.")
    return token_request(name, token, certificates, int(port or 443))


def _names(_context: click.Context, _option: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    names = {}
    for pair in pairs:
        theirs, equals, ours = pair.rpartition("=")
        if not equals or not ours:
            raise click.BadParameter(f"{pair} is not THEIRS=OURS.")
        names[theirs] = ours
    return names


@click.command("csv")
@click.option("--file", "file", type=FILE, required=True, help="A file whose first line names its columns.")
@click.option(
    "--map", "names", multiple=True, callback=_names, help="THEIRS=OURS renames a column, THEIRS=- leaves it out."
)
@click.option("--delimiter", type=click.Choice(list(_DELIMITERS)), default=",", show_default=True)
@click.option("--decimal", type=click.Choice([".", ","]), default=".", show_default=True)
@timezone_option(None, "Of times that do not say theirs; without it those are rejected.")
@click.option(
    "--fold",
    type=click.Choice(list(_FOLDS)),
    help="Which one a time means that October has twice; else it is rejected.",
)
@delivery_options
def csv(
    file: Path,
    names: dict[str, str],
    delimiter: str,
    decimal: str,
    zone: ZoneInfo | None,
    fold: str | None,
    only_report: bool,
    options: DeliveryOptions,
) -> None:
    """Send the readings of a CSV file to the edge. Its columns' names say what they hold and in which unit."""
    if delimiter == decimal:
        raise click.UsageError("--delimiter and --decimal are the same sign.")
    delivery = options.prepare(live=False)
    table_format = TableFormat(_DELIMITERS[delimiter], decimal, zone, None if fold is None else _FOLDS[fold], names)
    source = table_readings(file_chunks(file), table_format, delivery.rejected)
    delivery.finish(source, only_report=only_report)
