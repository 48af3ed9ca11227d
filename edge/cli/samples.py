"""Samples as lines for people and as a table with commas, a part at a time."""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TextIO

import click

from edge.cli.output import safe
from edge.cli.times import local_times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_sdk.wire.v1.household_pb2 import ReadSeriesResponse

_CELL_CHARS = 14


class SampleWriter(Protocol):
    """What writes samples."""

    def write(self, part: ReadSeriesResponse) -> None:
        """Writes the next part."""
        ...


class SampleLines:
    """A line for each sample, with its start in the edge's local time; `-` was not measured."""

    def __init__(self) -> None:
        self._begun = False

    def write(self, part: ReadSeriesResponse) -> None:
        """Writes the next part."""
        if not self._begun:
            self._begun = True
            names = [f"{item.name} {item.unit}".strip() for item in part.series]
            click.echo(safe(f"from ({part.timezone})".ljust(26) + "".join(name.rjust(_wide(name)) for name in names)))
        show = local_times(part.timezone)
        widths = [_wide(f"{item.name} {item.unit}".strip()) for item in part.series]
        for time_ms, values in _rows(part):
            cells = ["-" if math.isnan(value) else f"{value:,.3f}".rstrip("0").rstrip(".") for value in values]
            click.echo(show(time_ms).ljust(26) + "".join(map(str.rjust, cells, widths)))


class CsvSamples:
    """A table with a head: unix ms, ISO 8601 in UTC, and a column for each series."""

    def __init__(self, out: TextIO) -> None:
        self._writer = csv.writer(out, lineterminator="\n")
        self._begun = False

    def write(self, part: ReadSeriesResponse) -> None:
        """Writes the next part."""
        if not self._begun:
            self._begun = True
            self._writer.writerow(["time_ms", "time", *(item.name for item in part.series)])
        for time_ms, values in _rows(part):
            time = datetime.fromtimestamp(time_ms / 1000, tz=UTC).isoformat(timespec="seconds")
            self._writer.writerow([time_ms, time, *("" if math.isnan(value) else repr(value) for value in values)])


def _wide(name: str) -> int:
    return max(_CELL_CHARS, len(name)) + 2


def _rows(part: ReadSeriesResponse) -> Iterator[tuple[int, tuple[float, ...]]]:
    columns = [item.values for item in part.series]
    for place, values in enumerate(zip(*columns, strict=True)):
        yield part.from_ms + place * part.resolution_s * 1000, values
