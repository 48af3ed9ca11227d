"""What a meter has delivered, behind `edge meter status` and `gaps`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edge.cli.options import as_identity, as_json, load_identity, now_ms, run
from edge.cli.output import print_json, safe, time_text
from edge_sdk.identity import Identity, Role
from edge_sdk.meter import MeterClient
from edge_sdk.operator import OperatorClient

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge_sdk.wire.v1.meter_pb2 import Gap
    from edge_sdk.wire.v1.operator_pb2 import GetMeterRecordResponse

_HOUR_MS = 3_600_000


@click.command()
@click.argument("meter_id")
@as_identity()
@as_json
def status(meter_id: str, identity_folder: Path, as_json: bool) -> None:
    """Show how METER_ID is doing: readings, marks, refusals, its clock, its spools."""
    record = run(_record(load_identity(identity_folder, Role.OPERATOR), meter_id))
    if as_json:
        print_json(_json(record))
        return
    click.echo(f"{meter_id}: {record.readings:,} readings kept, {record.readings_today:,} of today")
    if record.received_ms:
        click.echo(f"  last arrived {time_text(record.received_ms)}, newest reading {time_text(record.newest_ms)}")
    if record.HasField("delay_ms_min"):
        click.echo(f"  at the earliest {record.delay_ms_min / 1000:.1f} s after its own time; less than 0: clock ahead")
    for title, counts in (("odd", record.marks), ("refused", record.refused)):
        for name, count in sorted(counts.items()):
            click.echo(f"  {title}: {count:,} {safe(name)}")
    for spool in record.spools:
        name = safe(spool.spool_id) or "without a name"
        click.echo(f"  spool {name}: up to {spool.last_sequence:,}, last at {time_text(spool.received_ms)}")


@click.command()
@click.argument("meter_id", required=False)
@click.option("--hours", default=24.0, show_default=True, type=click.FloatRange(0, 366 * 24), help="Look back so far.")
@click.option(
    "--longer-than",
    "longer_than_s",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Tell times without readings longer than so many seconds; 0 tells missing sequences only.",
)
@as_identity()
@as_json
def gaps(meter_id: str | None, hours: float, longer_than_s: float, identity_folder: Path, as_json: bool) -> None:
    """Show what is missing between a meter's readings: its own, or for the operator those of METER_ID."""
    identity = load_identity(identity_folder, Role.METER, Role.OPERATOR)
    if (identity.role is Role.OPERATOR) is (meter_id is None):
        raise click.UsageError("The operator names a METER_ID; a meter asks for itself.")
    until_ms = now_ms()
    found = run(_gaps(identity, meter_id, until_ms - int(hours * _HOUR_MS), until_ms, int(longer_than_s * 1000)))
    if as_json:
        print_json({"gaps": [_gap_json(gap) for gap in found]})
        return
    click.echo(f"{len(found)} gaps")
    for gap in found:
        between = f"{time_text(gap.from_ms)} to {time_text(gap.until_ms)}"
        if gap.first_sequence:
            click.echo(f"  {between}: {safe(gap.spool_id)} lacks {gap.first_sequence} to {gap.last_sequence}")
        else:
            click.echo(f"  {between}: no reading")


async def _record(identity: Identity, meter_id: str) -> GetMeterRecordResponse:
    async with OperatorClient(identity) as client:
        return await client.meter_record(meter_id)


async def _gaps(
    identity: Identity, meter_id: str | None, from_ms: int, until_ms: int, longer_than_ms: int
) -> Sequence[Gap]:
    if identity.role is Role.METER:
        async with MeterClient(identity) as meter:
            return await meter.gaps(from_ms, until_ms, longer_than_ms)
    async with OperatorClient(identity) as operator:
        return await operator.meter_gaps(meter_id or "", from_ms, until_ms, longer_than_ms)


def _json(record: GetMeterRecordResponse) -> dict[str, Any]:
    return {
        "meter_id": record.meter.meter_id,
        "household_id": record.meter.household_id,
        "readings": record.readings,
        "readings_today": record.readings_today,
        "newest_ms": record.newest_ms,
        "received_ms": record.received_ms,
        "delay_ms_min": record.delay_ms_min if record.HasField("delay_ms_min") else None,
        "marks": dict(record.marks),
        "refused": dict(record.refused),
        "spools": [
            {"spool_id": spool.spool_id, "last_sequence": spool.last_sequence, "received_ms": spool.received_ms}
            for spool in record.spools
        ],
    }


def _gap_json(gap: Gap) -> dict[str, Any]:
    return {
        "spool_id": gap.spool_id,
        "first_sequence": gap.first_sequence,
        "last_sequence": gap.last_sequence,
        "from_ms": gap.from_ms,
        "until_ms": gap.until_ms,
    }
