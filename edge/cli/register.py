"""The register of meters, behind `edge meter enrol`, `retire` and `list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge.cli.options import as_identity, as_json, load_identity, run
from edge.cli.output import enum_word, plain, print_json, safe, time_text
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient
from edge_sdk.wire.v1.operator_pb2 import METER_KIND_ELECTRICITY, METER_KIND_GAS, METER_KIND_SUB, Meter, MeterKind

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = {"electricity": METER_KIND_ELECTRICITY, "gas": METER_KIND_GAS, "sub": METER_KIND_SUB}


@click.command()
@click.argument("meter_id")
@click.option("--household", required=True, help="Whose meter it is.")
@click.option("--kind", type=click.Choice(sorted(_KINDS)), default="electricity", show_default=True)
@as_identity()
@as_json
def enrol(meter_id: str, household: str, kind: str, identity_folder: Path, as_json: bool) -> None:
    """Say which household METER_ID belongs to; the edge refuses readings of meters it does not know."""
    identity = load_identity(identity_folder, Role.OPERATOR)
    _show_one(run(_enrol(identity, meter_id, household, _KINDS[kind])), as_json=as_json)


@click.command()
@click.argument("meter_id")
@as_identity()
@as_json
def retire(meter_id: str, identity_folder: Path, as_json: bool) -> None:
    """End what METER_ID counts for, for good: it was exchanged, or enrolled by mistake. What it reported stays."""
    _show_one(run(_retire(load_identity(identity_folder, Role.OPERATOR), meter_id)), as_json=as_json)


@click.command(name="list")
@as_identity()
@as_json
def list_(identity_folder: Path, as_json: bool) -> None:
    """Show every enrolled meter, retired ones too."""
    meters = run(_meters(load_identity(identity_folder, Role.OPERATOR)))
    if as_json:
        print_json({"meters": [plain(item) for item in meters]})
        return
    for item in meters:
        click.echo(_line(item))


async def _enrol(identity: Identity, meter_id: str, household: str, kind: MeterKind) -> Meter:
    async with OperatorClient(identity) as client:
        return await client.enrol_meter(meter_id, household, kind)


async def _retire(identity: Identity, meter_id: str) -> Meter:
    async with OperatorClient(identity) as client:
        return await client.retire_meter(meter_id)


async def _meters(identity: Identity) -> list[Meter]:
    async with OperatorClient(identity) as client:
        return await client.meters()


def _show_one(item: Meter, *, as_json: bool) -> None:
    if as_json:
        print_json(plain(item))
    else:
        click.echo(_line(item))


def _line(item: Meter) -> str:
    kind = enum_word(MeterKind.Name(item.kind), "MeterKind")
    retired = f", retired {time_text(item.retired_ms)}" if item.HasField("retired_ms") else ""
    line = f"{item.meter_id:24} {item.household_id:24} {kind:12} enrolled {time_text(item.enrolled_ms)}{retired}"
    return safe(line)
