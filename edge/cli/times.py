"""Times and durations as people write them, and times as they are shown where the edge stands."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from edge.cli.output import time_text
from edge.services.input_table import parse_time_ms
from edge_sdk.durations import parse_duration_s

if TYPE_CHECKING:
    from collections.abc import Callable


class Time(click.ParamType[int]):
    """A time: unix milliseconds, or ISO 8601 with a zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Returns it as unix ms."""
        try:
            return parse_time_ms(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Duration(click.ParamType[int]):
    """A duration such as 15m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Returns it in seconds."""
        if isinstance(value, int):
            return value
        try:
            return parse_duration_s(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def local_times(timezone: str) -> Callable[[int], str]:
    """Returns what writes a time, unix ms, in a zone of the IANA database; in UTC if this machine does not know it."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return time_text
    return lambda time_ms: datetime.fromtimestamp(time_ms / 1000, tz=zone).strftime("%Y-%m-%d %H:%M:%S %Z")
