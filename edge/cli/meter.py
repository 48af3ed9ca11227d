"""`edge meter`: gateways at homes, and the register of meters."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from edge.cli.formats import csv, homewizard, sml
from edge.cli.gateway import (
    DeliveryOptions,
    delivery_options,
    line_options,
    port_chunks,
    timezone_option,
)
from edge.cli.meter_record import gaps, status
from edge.cli.options import EXISTING_FILE, as_identity, as_json
from edge.cli.register import enrol, list_, retire
from edge.cli.spool import refused, spool_option
from edge.clock import SystemClock
from edge.gateway.ciphered import KEY_BYTES, CipheredFramer
from edge.gateway.day import LocalDay
from edge.gateway.framing import TelegramFramer
from edge.gateway.profiles import neighbourhood
from edge.gateway.simulate import simulate as simulated_readings
from edge.gateway.sources import readings
from edge.gateway.variants import VARIANTS

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def meter() -> None:
    """Meters and their gateways."""


for _command in (enrol, retire, list_, sml, homewizard, csv, status, gaps, refused):
    meter.add_command(_command)


def _key(_context: click.Context, _option: click.Parameter, file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise click.BadParameter(f"{file} does not hold {2 * KEY_BYTES} hexadecimal digits.")
    return key


@meter.command()
@line_options
@click.option(
    "--variant",
    type=click.Choice(list(VARIANTS)),
    default="nl5",
    show_default=True,
    help="Kind of port: says --line and --timezone. What a telegram holds it tells itself.",
)
@click.option(
    "--key-file",
    "key",
    type=EXISTING_FILE,
    callback=_key,
    help="File with the key of a meter that encrypts (Luxembourg), 32 hexadecimal digits.",
)
@timezone_option(None, "Where the meter hangs; as the variant says if left out.")
@click.option("--raw", is_flag=True, help="Send also what Edge has no field for; the edge keeps it if told to.")
@delivery_options
def p1(
    file: Path | None,
    device: str | None,
    line_name: str | None,
    address: str | None,
    variant: str,
    key: bytes | None,
    zone: ZoneInfo | None,
    raw: bool,
    only_report: bool,
    options: DeliveryOptions,
) -> None:
    """Read a meter's P1 port (DSMR) and stream it to the edge; keep the readings while the edge is away."""
    kind = VARIANTS[variant]
    delivery = options.prepare(live=file is None)
    chunks = port_chunks(file, device, address, line_name or kind.line, delivery.notices)
    framer = TelegramFramer() if key is None else CipheredFramer(key)
    clock = None if file else SystemClock()
    source = readings(chunks, zone or ZoneInfo(kind.timezone), clock, delivery.rejected, framer, raw=raw)
    if only_report and file is None:
        raise click.UsageError("--dry-run reads a --file.")
    delivery.finish(source, only_report=only_report)


@meter.command()
@as_identity()
@click.option("--seed", default=1, show_default=True, help="Another seed, another home.")
@click.option(
    "--step", "step_s", default=10, show_default=True, type=click.IntRange(1, 3_600), help="Seconds between readings."
)
@click.option("--duration", "duration_s", type=click.IntRange(1), help="Stop after so many seconds.")
@spool_option
@timezone_option("Europe/Amsterdam")
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
    options = DeliveryOptions(identity_folder, spool_file, as_json)
    options.prepare(live=True).finish(source, only_report=False)
