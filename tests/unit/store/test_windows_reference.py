"""`windows.matrix` against a reference that goes through the readings one by one."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.domain.meter import Meter, MeterKind
from edge.domain.reading import Quality, SubMeterKind
from edge.domain.slot import DAY_MS
from edge.domain.spool import Spool
from edge.domain.window import WindowSpec
from edge_sdk.catalogue import CATALOGUE, Aggregation, Extent
from tests.rows import Phase, Reading, StoredReading, SubReading, as_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.store.store import Store

RESOLUTION_MS = 60_000
# One midnight in all examples: their meters keep them apart.
MIDNIGHT_MS = 20_001 * DAY_MS
SLOT_MS = MIDNIGHT_MS + 2 * RESOLUTION_MS
NAN = float("nan")
T = TypeVar("T")

# Six households: one meter, two, one and its sub-meter, electricity and gas, only gas, none; and one not asked for.
KINDS = {
    "one": [MeterKind.ELECTRICITY],
    "two": [MeterKind.ELECTRICITY, MeterKind.ELECTRICITY],
    "sub": [MeterKind.ELECTRICITY, MeterKind.SUB],
    "gas": [MeterKind.GAS, MeterKind.ELECTRICITY],
    "only-gas": [MeterKind.GAS],
    "other": [MeterKind.ELECTRICITY],
}
ASKED = ("two", "none", "one", "only-gas", "gas", "sub")


def meters_of(example: int) -> list[Meter]:
    """Returns the meters of an example, whose ids no other example has; households may be the same."""
    return [
        Meter(f"{example}-{name}-{place}", name, kind, 0)
        for name, kinds in KINDS.items()
        for place, kind in enumerate(kinds)
    ]


@dataclass(frozen=True)
class Said:
    """One value of one counter or register: where, when and in which order it was said."""

    source: tuple[str, int]
    time_ms: int
    sequence: int
    value: float


def said(base_name: str, rows: Sequence[StoredReading]) -> list[Said]:
    """Returns every value of a series that is in the readings, in the units they are stored in."""
    if base_name == "gas":
        return [
            Said((row.spool.meter_id, sub.channel), sub.time_ms, row.reading.sequence, sub.volume_l)
            for row in rows
            for sub in row.reading.sub_readings
            if sub.kind is SubMeterKind.GAS and sub.volume_l is not None
        ]
    values = [(row, REGISTERS[base_name](row.reading)) for row in rows]
    return [
        Said((row.spool.meter_id, 0), row.reading.time_ms, row.reading.sequence, value)
        for row, value in values
        if value is not None
    ]


def net_w(reading: Reading) -> int | None:
    """Returns the power drawn less the power fed in, which a meter that cannot measure it does not report."""
    return None if reading.power_import_w is None else reading.power_import_w - (reading.power_export_w or 0)


def of_phase(name: str, number: int) -> Callable[[Reading], int | None]:
    """Returns what reads a register of a phase."""
    return lambda reading: getattr(reading.phases[number - 1], name) if len(reading.phases) >= number else None


REGISTERS: dict[str, Callable[[Reading], int | None]] = {
    "power_import": lambda reading: reading.power_import_w,
    "power_export": lambda reading: reading.power_export_w,
    "power_net": net_w,
    "energy_import": lambda reading: reading.total_import_wh,
    "energy_export": lambda reading: reading.total_export_wh,
    "tariff": lambda reading: reading.tariff,
    **{f"voltage_l{number}": of_phase("voltage_dv", number) for number in (1, 2, 3)},
    **{f"current_l{number}": of_phase("current_ma", number) for number in (1, 2, 3)},
}
DIVISORS = {"gas": 1000, **{f"voltage_l{n}": 10 for n in (1, 2, 3)}, **{f"current_l{n}": 1000 for n in (1, 2, 3)}}


def counter_at(values: list[Said], time_ms: int) -> float:
    """Returns the newest value of the resolution before an instant, NaN if there is none."""
    recent = [item for item in values if time_ms - RESOLUTION_MS < item.time_ms <= time_ms]
    return max(recent, key=lambda item: (item.time_ms, item.sequence)).value if recent else NAN


def sample_of(values: list[Said], how: Aggregation, start_ms: int) -> float:
    """Returns one sample of one meter."""
    end_ms = start_ms + RESOLUTION_MS
    if how is Aggregation.DIFFERENCE:
        before, after = counter_at(values, start_ms), counter_at(values, end_ms)
        between = [item.value for item in values if start_ms < item.time_ms <= end_ms]
        return NAN if any(not before <= value <= after for value in between) else after - before
    within = [item for item in values if start_ms <= item.time_ms < end_ms]
    if not within:
        return NAN
    if how is Aggregation.LAST:
        return max(within, key=lambda item: (item.time_ms, item.sequence)).value
    return sum(item.value for item in within) / len(within)


def household_window(
    name: str, household: str, meters: list[Meter], rows: list[StoredReading], samples: int
) -> list[float]:
    """Returns a household's window of a base series."""
    own = [meter for meter in meters if meter.household_id == household and meter.kind is not MeterKind.SUB]
    values = said(name, rows)
    if name == "gas":
        sources = sorted({item.source for item in values if item.source[0] in {meter.meter_id for meter in own}})
    else:
        sources = [(meter.meter_id, 0) for meter in own if meter.kind is MeterKind.ELECTRICITY]
    starts_ms = [SLOT_MS - (samples - place) * RESOLUTION_MS for place in range(samples)]
    how = CATALOGUE[name].aggregation
    windows = [
        [sample_of([item for item in values if item.source == source], how, start_ms) for start_ms in starts_ms]
        for source in sources
    ]
    if name == "gas":
        windows = [window for window in windows if not all(math.isnan(sample) for sample in window)]
    return [together(name, list(parts)) / DIVISORS.get(name, 1) for parts in zip(*windows, strict=True)] or [
        NAN
    ] * samples


def together(name: str, parts: list[float]) -> float:
    """Returns what several meters of one household come to."""
    if name == "tariff":
        return parts[0] if len(set(parts)) == 1 else NAN
    return sum(parts) / (len(parts) if name.startswith("voltage") else 1)


def expected(spec: WindowSpec, meters: list[Meter], rows: list[StoredReading], group_min: int) -> list[list[float]]:
    """Returns a window of every household asked for, or the one of the neighbourhood."""
    everyone = sorted(KINDS)
    asked = ASKED if spec.series.extent is Extent.HOUSEHOLD else everyone
    windows = [household_window(spec.series.base_name, household, meters, rows, spec.samples) for household in asked]
    if spec.series.extent is Extent.HOUSEHOLD:
        return windows
    measured = [[sample for sample in column if not math.isnan(sample)] for column in zip(*windows, strict=True)]
    mean = spec.series.base_name.startswith("voltage")
    return [[sum(values) / (len(values) if mean else 1) if len(values) >= group_min else NAN for values in measured]]


# Multiples of half the resolution, and what is just before and after an edge: edges are where mistakes are.
OFFSETS_MS = [half * RESOLUTION_MS // 2 + off for half in range(-12, 6) for off in ([0] if half % 2 else [0, 0, -1, 1])]
# Counters rise with time; these are what is odd about them. Now and then one is that of another meter.
NOISE = [0, 0, 0, 0, 0, 1, 2, 3, -40, 40]
POWERS_W = [None, 0, 1, 700, 5_555]
GAS, WATER = SubMeterKind.GAS, SubMeterKind.WATER


def reading_of(sequence: int, choices: bytes) -> Reading:
    """Returns a reading that differs in everything that may matter; each choice is made by one byte."""
    left = iter(choices)

    def choose(options: Sequence[T]) -> T:
        return options[next(left) % len(options)]

    def count(offset_ms: int) -> int:
        return 100 + offset_ms // 10_000 + choose(NOISE)

    offset_ms = choose(OFFSETS_MS)
    by_tariff = choose([True, False])
    total = choose([None, count(offset_ms), count(offset_ms)])
    phases = [
        Phase(voltage_dv=choose([None, 2_301, 2_355]), current_ma=choose([None, 0, 4_321]))
        for _ in range(choose(range(4)))
    ]
    subs = [(choose([1, 2]), choose([GAS, GAS, WATER]), choose(OFFSETS_MS)) for _ in range(choose([0, 1, 1, 2]))]
    return Reading(
        sequence,
        MIDNIGHT_MS + offset_ms,
        energy_import_wh=None if by_tariff else total,
        energy_import_t1_wh=total if by_tariff else None,
        energy_import_t2_wh=choose([None, 7, 7, 7]) if by_tariff else None,
        energy_export_wh=choose([None, count(offset_ms), count(offset_ms)]),
        power_import_w=choose(POWERS_W),
        power_export_w=choose(POWERS_W),
        tariff=choose([None, 1, 2]),
        phases=tuple(phases),
        sub_readings=tuple(
            SubReading(channel, kind, MIDNIGHT_MS + own_ms, volume_l=count(own_ms)) for channel, kind, own_ms in subs
        ),
    )


CHOICES = st.lists(st.binary(min_size=40, max_size=40), max_size=12)
EXAMPLES = iter(range(2**31))
METERS = sum(len(kinds) for kinds in KINDS.values())


@settings(max_examples=40, deadline=None)
@given(
    choices=st.lists(CHOICES, min_size=METERS, max_size=METERS), samples=st.integers(1, 5), group_min=st.integers(2, 5)
)
def test_equals_the_reference(shared_store: Store, choices: list[list[bytes]], samples: int, group_min: int) -> None:
    """Every series, of households and of the neighbourhood, is what its definition says, over midnight too.

    From readings and from their roll-ups alike.
    """
    meters = meters_of(next(EXAMPLES))
    rows = [
        StoredReading(Spool(meter.meter_id, ""), 0, reading_of(sequence, choice), Quality.GOOD)
        for meter, own in zip(meters, choices, strict=True)
        for sequence, choice in enumerate(own, start=1)
    ]
    asyncio.run(shared_store.append_readings(as_batches(rows)))
    specs = [
        WindowSpec(series, samples, RESOLUTION_MS) for series in CATALOGUE.values() if series.extent is not Extent.CLOCK
    ]
    for _ in ("of readings", "of roll-ups"):
        found = shared_store.windows.matrix(specs, SLOT_MS, ASKED, meters, group_min)
        assert sorted(found) == list(range(len(specs)))
        for place, spec in enumerate(specs):
            np.testing.assert_allclose(
                found[place], expected(spec, meters, rows, group_min), rtol=1e-12, err_msg=spec.series.name
            )
        while asyncio.run(shared_store.roll_up(MIDNIGHT_MS + 4 * DAY_MS)):
            pass
