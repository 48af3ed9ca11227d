"""What `edge module run` and `bench` evaluate on: a module's file, and a file of windows or readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo

import click

from edge.cli.inspection import read_at_most
from edge.cli.options import EXISTING_FILE, run
from edge.cli.times import Time
from edge.domain.window import LocalTime
from edge.errors import InvalidRequestError
from edge.services.input_table import Format, read_table
from edge.services.local_windows import Street, check_slots, every_slot, inputs_of_readings
from edge.services.reading_table import TIME, readings_of
from edge.services.run_module import ModuleFile, open_module
from edge.services.window_table import inputs_of_windows
from edge.settings import EdgeSection, SandboxLimits

if TYPE_CHECKING:
    from pathlib import Path

    from edge.services.subjects import Inputs

_HOURS = EdgeSection(id="desk")
_Times: TypeAlias = "tuple[int, ...]"


@dataclass(frozen=True, slots=True)
class Data:
    """What `--inputs` names, and how to make windows of it where it holds readings."""

    file: Path
    written_as: Format | None
    at: _Times
    every: bool
    from_ms: int | None
    until_ms: int | None
    timezone: str
    group_min: int


def data_options(command: Any) -> Any:
    """The options that say what inputs are."""
    for option in (
        click.option("--group-min", default=1, show_default=True, type=click.IntRange(1), help="See neighbourhood.*."),
        click.option("--timezone", default=_HOURS.timezone, show_default=True, help="Of the clock series."),
        click.option("--until", "until_ms", type=Time(), help="With --every: no slot after it."),
        click.option("--from", "from_ms", type=Time(), help="With --every: no slot before it."),
        click.option("--every", is_flag=True, help="Readings: at each of the trigger's slots within them."),
        click.option("--at", type=Time(), multiple=True, help="Readings: at this slot. May be given several times."),
        click.option(
            "--format",
            "written_as",
            type=click.Choice([item.value for item in Format]),
            help="Where the suffix does not say.",
        ),
        click.option("--inputs", "file_of_inputs", type=EXISTING_FILE, help="Windows or readings: CSV, JSON, Parquet."),
    ):
        command = option(command)
    return command


def read_module(file: Path, limits: SandboxLimits) -> ModuleFile:
    """Returns the module in a file."""
    return open_module(read_at_most(file, limits.module_bytes_max), limits)


def read_inputs(data: Data, module: ModuleFile) -> Inputs:
    """Returns the input block that a file of windows or of readings is."""
    table = read_table(data.file, None if data.written_as is None else Format(data.written_as))
    if TIME not in table.columns:
        if data.at or data.every:
            raise InvalidRequestError(
                f"{data.file} has no column {TIME}: it holds windows, which are at no slot.",
                advice="Leave out --at and --every.",
                reason="INPUTS_INVALID",
            )
        return inputs_of_windows(table, module.manifest)
    readings = readings_of(table)
    if bool(data.at) == data.every:
        raise click.UsageError("Readings need a slot: give --at, or --every.")
    slots = every_slot(module.manifest, readings, data.from_ms, data.until_ms) if data.every else sorted(set(data.at))
    check_slots(module.manifest, slots)
    try:
        zone = ZoneInfo(data.timezone)
    except (ValueError, OSError, LookupError) as error:
        raise click.UsageError(f"{data.timezone} is no time zone such as Europe/Amsterdam.") from error
    local = LocalTime(zone, _HOURS.tariff_normal_from_hour, _HOURS.tariff_normal_until_hour)
    return run(inputs_of_readings(readings, module.manifest, slots, Street(local, data.group_min)))
