"""`edge meter`: gateways at homes, and the register of meters."""

from __future__ import annotations

import asyncio
import random
import signal
from dataclasses import asdict
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from edge.cli.options import FILE, as_identity, as_json, load_identity, run
from edge.cli.output import enum_word, plain, print_json, time_text
from edge.clock import SystemClock
from edge.gateway.day import LocalDay
from edge.gateway.profiles import neighbourhood
from edge.gateway.report import dry_run
from edge.gateway.sender import Sender
from edge.gateway.simulate import simulate as simulated_readings
from edge.gateway.sources import Rejected, file_chunks, readings, serial_chunks, tcp_chunks
from edge.gateway.spool import Spool
from edge_sdk.identity import Identity, Role
from edge_sdk.meter import MeterClient
from edge_sdk.operator import OperatorClient
from edge_sdk.wire.v1.meter_pb2 import Reading
from edge_sdk.wire.v1.operator_pb2 import METER_KIND_ELECTRICITY, METER_KIND_GAS, METER_KIND_SUB, Meter, MeterKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from edge_sdk.errors import RpcError

SPOOL_FILE = "spool.sqlite"
SPOOL_READINGS_MAX = 10_000_000
DRAIN_S = 60.0
_FILE_GROUP = 100

_KINDS = {"electricity": METER_KIND_ELECTRICITY, "gas": METER_KIND_GAS, "sub": METER_KIND_SUB}

spool_option = click.option(
    "--spool",
    "spool_file",
    type=FILE,
    help=f"Where readings wait for the edge; {SPOOL_FILE} in the identity if left out.",
)


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


@meter.command()
@click.argument("meter_id")
@click.option("--household", required=True, help="Whose meter it is.")
@click.option("--kind", type=click.Choice(sorted(_KINDS)), default="electricity", show_default=True)
@as_identity()
def enrol(meter_id: str, household: str, kind: str, identity_folder: Path) -> None:
    """Say which household METER_ID belongs to; the edge refuses readings of meters it does not know."""
    identity = load_identity(identity_folder, Role.OPERATOR)
    _show([run(_enrol(identity, meter_id, household, _KINDS[kind]))])


@meter.command(name="list")
@as_identity()
@as_json
def list_(identity_folder: Path, as_json: bool) -> None:
    """Show every enrolled meter."""
    meters = run(_meters(load_identity(identity_folder, Role.OPERATOR)))
    if as_json:
        print_json({"meters": [plain(item) for item in meters]})
    else:
        _show(meters)


@meter.command()
@click.option("--file", "file", type=FILE, help="A file of telegrams.")
@click.option("--serial", "device", help="A serial port, such as /dev/ttyUSB0.")
@click.option("--tcp", "address", help="HOST:PORT of a serial server.")
@click.option("--dry-run", "only_report", is_flag=True, help="Read --file and report; send nothing.")
@as_identity(required=False)
@spool_option
@timezone_option
@as_json
def p1(
    file: Path | None,
    device: str | None,
    address: str | None,
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
    clock, rejected = SystemClock(), list[Rejected]()
    source = readings(_chunks(file, device, address, clock), zone, None if file else clock, rejected.append)
    identity = load_identity(identity_folder, Role.METER)
    summary = run(_forward(identity, spool_file or identity_folder / SPOOL_FILE, source, _FILE_GROUP if file else 1))
    _report(summary, rejected, as_json=as_json)


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
    identity = load_identity(identity_folder, Role.METER)
    source = simulated_readings(profile, clock, step_s, duration_s)
    _report(run(_forward(identity, spool_file or identity_folder / SPOOL_FILE, source, 1)), [], as_json=as_json)


def _chunks(file: Path | None, device: str | None, address: str | None, clock: SystemClock) -> AsyncIterator[bytes]:
    if file is not None:
        return file_chunks(file)
    if device is not None:
        return serial_chunks(device, clock)
    host, _, port = (address or "").rpartition(":")
    if not host or not port.isdigit():
        raise click.UsageError(f"--tcp {address} is not HOST:PORT.")
    return tcp_chunks(host, int(port), clock)


async def _forward(identity: Identity, spool_file: Path, source: AsyncIterator[Reading], group: int) -> dict[str, int]:
    """Spools what the source gives and sends it, until the source ends or a signal comes; nothing is lost."""
    with Spool.open(spool_file, SPOOL_READINGS_MAX) as spool:
        refused_before = len(spool.rejected(SPOOL_READINGS_MAX))
        count = await _spool_and_send(identity, spool, source, group)
        refused = len(spool.rejected(SPOOL_READINGS_MAX)) - refused_before
        return {"readings": count, "refused_by_edge": refused, "waiting": spool.pending(), "dropped": spool.dropped}


async def _spool_and_send(identity: Identity, spool: Spool, source: AsyncIterator[Reading], group: int) -> int:
    stop, count = asyncio.Event(), 0
    sender = Sender(spool, lambda: MeterClient(identity), SystemClock(), random.SystemRandom(), on_retry=_say_retry)
    sending = asyncio.create_task(sender.run(stop))
    reading = asyncio.create_task(_fill(spool, source, group))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, reading.cancel)
    await asyncio.wait([sending, reading], return_when=asyncio.FIRST_COMPLETED)
    if not sending.done():
        count = await reading
        draining = asyncio.create_task(sender.drain(DRAIN_S))
        await asyncio.wait([draining, sending], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    reading.cancel()
    await sending
    return count


async def _fill(spool: Spool, source: AsyncIterator[Reading], group: int) -> int:
    count, waiting = 0, list[Reading]()
    try:
        async for reading in source:
            waiting.append(reading)
            count += 1
            if len(waiting) >= group:
                spool.append(waiting)
                waiting.clear()
    except asyncio.CancelledError:
        pass  # a signal ends the source, not what has been read
    spool.append(waiting)
    return count


def _say_retry(error: RpcError, pause_s: float) -> None:
    click.echo(f"{error.message} Trying again in {pause_s:.0f} s; readings are kept.", err=True)


def _report(summary: dict[str, int], rejected: list[Rejected], *, as_json: bool) -> None:
    if as_json:
        print_json({**summary, "rejected": [asdict(item) for item in rejected]})
        return
    click.echo(", ".join(f"{value} {name.replace('_', ' ')}" for name, value in summary.items()))
    for item in rejected:
        click.echo(f"  byte {item.position_bytes}: {item.reason} {item.message}", err=True)


async def _enrol(identity: Identity, meter_id: str, household: str, kind: MeterKind) -> Meter:
    async with OperatorClient(identity) as client:
        return await client.enrol_meter(meter_id, household, kind)


async def _meters(identity: Identity) -> list[Meter]:
    async with OperatorClient(identity) as client:
        return await client.meters()


def _show(meters: list[Meter]) -> None:
    for item in meters:
        kind = enum_word(MeterKind.Name(item.kind), "MeterKind")
        click.echo(f"{item.meter_id:24} {item.household_id:24} {kind:12} enrolled {time_text(item.enrolled_ms)}")
