"""What an evaluation sees: which households, which windows, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from edge_sdk.catalogue import CATALOGUE, Series

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from edge_sdk.manifest import Manifest


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """A series over the `samples * resolution_ms` before a slot, in samples of `resolution_ms`, oldest first."""

    series: Series
    samples: int
    resolution_ms: int

    def start_ms(self, slot_ms: int) -> int:
        """When its first sample begins, for an evaluation at `slot_ms`."""
        return slot_ms - self.samples * self.resolution_ms


def window_specs(manifest: Manifest) -> tuple[WindowSpec, ...]:
    """Returns the windows of the input block, in manifest order."""
    return tuple(WindowSpec(CATALOGUE[item.series], item.samples, item.resolution_s * 1000) for item in manifest.input)


@dataclass(frozen=True, slots=True)
class LocalTime:
    """What the clock series need to know of the neighbourhood."""

    zone: ZoneInfo
    tariff_normal_from_hour: int
    tariff_normal_until_hour: int


def clock_window(spec: WindowSpec, slot_ms: int, local: LocalTime) -> list[float]:
    """Returns the samples of a `clock.*` series, each at its sample's start."""
    start_ms = spec.start_ms(slot_ms)
    value = _CLOCK_VALUES[spec.series.name]
    return [value(start_ms + place * spec.resolution_ms, local) for place in range(spec.samples)]


def _local(time_ms: int, local: LocalTime) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, tz=local.zone)


def _local_hour(time_ms: int, local: LocalTime) -> float:
    there = _local(time_ms, local)
    return there.hour + there.minute / 60 + there.second / 3600


def _tariff(time_ms: int, local: LocalTime) -> float:
    there = _local(time_ms, local)
    working_day = there.weekday() < 5
    normal = working_day and local.tariff_normal_from_hour <= there.hour < local.tariff_normal_until_hour
    return 2.0 if normal else 1.0


_CLOCK_VALUES: dict[str, Callable[[int, LocalTime], float]] = {
    "clock.unix_s": lambda time_ms, _: time_ms / 1000,
    "clock.local_hour": _local_hour,
    "clock.weekday": lambda time_ms, local: float(_local(time_ms, local).weekday()),
    "clock.tariff": _tariff,
}
