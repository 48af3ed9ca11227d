from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.gateway.meter_model import MeterModel

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from edge_sdk.wire.v1.meter_pb2 import Reading

POWERS_W = st.lists(st.integers(-20_000, 20_000), min_size=1, max_size=60)


def start_ms(timezone: ZoneInfo, *when: int) -> int:
    year, month, day, hour = when
    return int(datetime(year, month, day, hour, tzinfo=timezone).timestamp()) * 1000


def counters_wh(reading: Reading) -> list[int]:
    return [
        reading.energy_import_t1_wh,
        reading.energy_import_t2_wh,
        reading.energy_export_t1_wh,
        reading.energy_export_t2_wh,
    ]


@given(powers_w=POWERS_W, step_s=st.sampled_from([1, 7, 10, 60, 900]), hour=st.integers(0, 23))
def test_counted_energy_is_integrated_power(amsterdam: ZoneInfo, powers_w: list[int], step_s: int, hour: int) -> None:
    """After any powers, each counter shows the integral of the power in its direction and tariff, to the whole Wh."""
    begin_ms = start_ms(amsterdam, 2026, 6, 24, hour)
    meter = MeterModel(amsterdam, energy_offset_wh=1000)
    readings = meter.readings(begin_ms, np.array(powers_w), step_s)
    steps = {tariff: [step for step, reading in enumerate(readings) if reading.tariff == tariff] for tariff in (1, 2)}
    (last,) = meter.readings(begin_ms + len(powers_w) * step_s * 1000, np.array([0]), step_s)
    expected = [
        offset_wh + sum(max(sign * powers_w[step], 0) * step_s for step in steps[tariff]) // 3600
        for sign, offset_wh in ((1, 1000), (-1, 0))
        for tariff in (1, 2)
    ]
    assert counters_wh(last) == expected


@given(powers_w=POWERS_W, cut=st.integers(0, 60))
def test_calls_continue_each_other(amsterdam: ZoneInfo, powers_w: list[int], cut: int) -> None:
    """Two calls give the same readings as one: remainders below 1 Wh are carried, not lost."""
    begin_ms = start_ms(amsterdam, 2026, 6, 24, 6)
    whole = MeterModel(amsterdam).readings(begin_ms, np.array(powers_w), 60)
    meter = MeterModel(amsterdam)
    parts = meter.readings(begin_ms, np.array(powers_w[:cut], dtype=np.int64), 60)
    parts += meter.readings(begin_ms + len(powers_w[:cut]) * 60_000, np.array(powers_w[cut:], dtype=np.int64), 60)
    assert parts == whole


def test_small_powers_are_not_rounded_away(amsterdam: ZoneInfo) -> None:
    """1 W for an hour is 1 Wh, though no single second of it is."""
    readings = MeterModel(amsterdam).readings(start_ms(amsterdam, 2026, 6, 24, 12), np.ones(3601, dtype=np.int64), 1)
    assert [readings[second].energy_import_t2_wh for second in (3599, 3600)] == [0, 1]


@pytest.mark.parametrize(
    ("when", "tariff"),
    [
        ((2026, 6, 24, 6), 1),
        ((2026, 6, 24, 7), 2),
        ((2026, 6, 24, 22), 2),
        ((2026, 6, 24, 23), 1),
        ((2026, 6, 27, 12), 1),
        ((2026, 6, 28, 12), 1),
        ((2026, 1, 14, 7), 2),
    ],
)
def test_tariffs(amsterdam: ZoneInfo, when: tuple[int, ...], tariff: int) -> None:
    """Low tariff is from 23 to 7 local time and at weekends; energy is counted where the indicator points."""
    readings = MeterModel(amsterdam, 10).readings(start_ms(amsterdam, *when), np.array([6000, -6000, 0]), 60)
    assert {reading.tariff for reading in readings} == {tariff}
    assert counters_wh(readings[-1]) == ([110, 10, 100, 0] if tariff == 1 else [10, 110, 0, 100])


def test_power_has_one_direction(amsterdam: ZoneInfo) -> None:
    """Import and export are never both above zero; the current is the power over the voltage."""
    importing, exporting = MeterModel(amsterdam).readings(0, np.array([2300, -1150]), 60)
    assert (importing.power_import_w, importing.power_export_w) == (2300, 0)
    assert (exporting.power_import_w, exporting.power_export_w) == (0, 1150)
    for reading, net_w in ((importing, 2300), (exporting, 1150)):
        (phase,) = reading.phases
        assert phase.current_ma * phase.voltage_dv / 10_000 == pytest.approx(net_w, abs=0.5)


def test_times_and_no_steps(amsterdam: ZoneInfo) -> None:
    """Readings stand at the beginning of their steps; no steps give no readings."""
    meter = MeterModel(amsterdam)
    assert meter.readings(0, np.array([], dtype=np.int64), 10) == []
    assert [reading.time_ms for reading in meter.readings(5000, np.array([1, 2, 3]), 10)] == [5000, 15_000, 25_000]
