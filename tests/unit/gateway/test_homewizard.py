"""Answers in the shape of HomeWizard's documentation (`/api/v1/data`, `/api/measurement`), with values of our own."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Fault
from edge.gateway.homewizard import reading_from_homewizard
from edge.gateway.http_get import DeviceError
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading, SubMeter, SubMeterKind

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

GAS, WATER, HEAT = (
    SubMeterKind.SUB_METER_KIND_GAS,
    SubMeterKind.SUB_METER_KIND_WATER,
    SubMeterKind.SUB_METER_KIND_HEAT,
)


def utc_ms(when: str) -> int:
    return int(datetime.fromisoformat(f"{when}+00:00").timestamp()) * 1000


NOON_MS = utc_ms("2026-11-23T11:00:07")


def read(timezone: ZoneInfo, answer: Any, received_ms: int = NOON_MS) -> Reading:
    return reading_from_homewizard(json.dumps(answer).encode(), timezone, received_ms)


def test_a_p1_meter_of_version_1(amsterdam: ZoneInfo) -> None:
    """Every number of a three-phase P1 meter arrives as an integer in its unit, at the gateway's time.

    Net power becomes import or export, and a gas meter that is also in the list is there once.
    """
    answer = {
        "wifi_ssid": "home",
        "wifi_strength": 86,
        "smr_version": 50,
        "meter_model": "ISKRA  2M550T-101",
        "active_tariff": 2,
        "total_power_import_kwh": 8_123.457,
        "total_power_import_t1_kwh": 4_000.001,
        "total_power_import_t2_kwh": 4_123.456,
        "total_power_export_kwh": 0,
        "total_power_export_t1_kwh": 0,
        "total_power_export_t2_kwh": 0,
        "active_power_w": -321,
        "active_power_l1_w": -498,
        "active_power_l2_w": 177,
        "active_power_l3_w": 0,
        "active_voltage_l1_v": 231.4,
        "active_voltage_l2_v": 229.8,
        "active_voltage_l3_v": 230.1,
        "active_current_l1_a": -2,
        "active_current_l2_a": 1,
        "active_current_l3_a": 0,
        "voltage_sag_l1_count": 3,
        "voltage_swell_l1_count": 0,
        "any_power_fail_count": 6,
        "long_power_fail_count": 2,
        "active_power_average_w": 123.0,
        "montly_power_peak_w": 2_345.0,
        "montly_power_peak_timestamp": 261103181500,
        "total_gas_m3": 1_234.567,
        "gas_timestamp": 261123115500,
        "gas_unique_id": "BB",
        "external": [
            {"unique_id": "BB", "type": "gas_meter", "timestamp": 261123115500, "value": 1_234.567, "unit": "m3"},
            {"unique_id": "AA", "type": "water_meter", "timestamp": 261123114000, "value": 77.001, "unit": "m3"},
            {"unique_id": "CC", "type": "heat_meter", "timestamp": 261123110000, "value": 1.8, "unit": "GJ"},
            {"unique_id": "DD", "type": "heat_meter", "timestamp": 261123110000, "value": 1.8, "unit": "therm"},
        ],
    }
    noon_ms = utc_ms("2026-11-23T11:00")
    assert read(amsterdam, answer) == Reading(
        time_ms=NOON_MS,
        energy_import_wh=8_123_457,
        energy_import_t1_wh=4_000_001,
        energy_import_t2_wh=4_123_456,
        energy_export_wh=0,
        energy_export_t1_wh=0,
        energy_export_t2_wh=0,
        tariff=2,
        power_import_w=0,
        power_export_w=321,
        phases=[
            Phase(
                power_import_w=0,
                power_export_w=498,
                voltage_dv=2_314,
                current_ma=2_000,
                voltage_sags=3,
                voltage_swells=0,
            ),
            Phase(power_import_w=177, power_export_w=0, voltage_dv=2_298, current_ma=1_000),
            Phase(power_import_w=0, power_export_w=0, voltage_dv=2_301, current_ma=0),
        ],
        power_failures=6,
        long_power_failures=2,
        demand_w=123,
        peak_demand_w=2_345,
        sub_meters=[
            SubMeter(channel=1, kind=WATER, time_ms=noon_ms - 1_200_000, volume_l=77_001),
            SubMeter(channel=2, kind=GAS, time_ms=noon_ms - 300_000, volume_l=1_234_567),
            SubMeter(channel=3, kind=HEAT, time_ms=noon_ms - 3_600_000, energy_wh=500_000),
        ],
    )


def test_a_single_phase_kwh_meter(amsterdam: ZoneInfo) -> None:
    """A device with one phase names none: its voltage and current are L1's. Tenths of watts are rounded."""
    answer = {
        "total_power_import_kwh": 30.511,
        "total_power_export_kwh": 85.951,
        "active_power_w": -1_543.6,
        "active_voltage_v": 231.539,
        "active_current_a": -6.713,
        "active_power_l1_w": None,
    }
    assert read(amsterdam, answer) == Reading(
        time_ms=NOON_MS,
        energy_import_wh=30_511,
        energy_export_wh=85_951,
        power_import_w=0,
        power_export_w=1_544,
        phases=[Phase(voltage_dv=2_315, current_ma=6_713)],
    )


def test_a_p1_meter_of_version_2(amsterdam: ZoneInfo) -> None:
    """Version 2 has other names for the same, and the meter's own local time, which is the reading's."""
    answer = {
        "protocol_version": 50,
        "timestamp": "2026-11-23T12:00:05",
        "tariff": 1,
        "energy_import_kwh": 8_123.457,
        "energy_import_t1_kwh": 4_000.001,
        "energy_export_t2_kwh": 5.5,
        "power_w": 456,
        "power_l1_w": 456,
        "voltage_l1_v": 230,
        "current_l1_a": 1.98,
        "average_power_15m_w": 400,
        "monthly_power_peak_w": 5_000,
        "external": [
            {"unique_id": "G", "type": "gas_meter", "timestamp": "2026-11-23T11:55:00", "value": 3.25, "unit": "m3"}
        ],
    }
    assert read(amsterdam, answer) == Reading(
        time_ms=utc_ms("2026-11-23T11:00:05"),
        energy_import_wh=8_123_457,
        energy_import_t1_wh=4_000_001,
        energy_export_t2_wh=5_500,
        tariff=1,
        power_import_w=456,
        power_export_w=0,
        phases=[Phase(power_import_w=456, power_export_w=0, voltage_dv=2_300, current_ma=1_980)],
        demand_w=400,
        peak_demand_w=5_000,
        sub_meters=[SubMeter(channel=1, kind=GAS, time_ms=utc_ms("2026-11-23T10:55"), volume_l=3_250)],
    )


def test_old_firmware_has_gas_beside_the_list(amsterdam: ZoneInfo) -> None:
    """Without a list of other meters, gas comes from its own two fields; without its time it is absent."""
    answer = {"active_power_w": 1, "total_gas_m3": 2.5, "gas_timestamp": 261123110000}
    assert list(read(amsterdam, answer).sub_meters) == [
        SubMeter(channel=1, kind=GAS, time_ms=utc_ms("2026-11-23T10:00"), volume_l=2_500)
    ]
    assert not read(amsterdam, {"active_power_w": 1, "total_gas_m3": 2.5, "gas_timestamp": None}).sub_meters


@pytest.mark.parametrize(
    ("received", "gas"),
    [("2026-10-25T00:40", "2026-10-25T00:30"), ("2026-10-25T01:40", "2026-10-25T01:30")],
)
def test_the_repeated_hour(amsterdam: ZoneInfo, received: str, gas: str) -> None:
    """A local time that October has twice is the last one that is not after the answer's arrival."""
    for stamp in (261025023000, "2026-10-25T02:30:00"):
        meter = {"type": "gas_meter", "timestamp": stamp, "value": 1, "unit": "m3"}
        reading = read(amsterdam, {"active_power_w": 1, "external": [meter]}, utc_ms(received))
        assert reading.sub_meters[0].time_ms == utc_ms(gas)


@given(st.integers(0, 10**9))
def test_energy_is_exact(amsterdam: ZoneInfo, energy_wh: int) -> None:
    """KWh with three decimals become Wh without the loss of one: no binary fraction is between."""
    answer = f'{{"total_power_import_kwh": {Decimal(energy_wh).scaleb(-3)}}}'.encode()
    assert reading_from_homewizard(answer, amsterdam, NOON_MS).energy_import_wh == energy_wh


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html></html>",
        b"[]",
        b"{}",
        b'{"error": {"id": 202, "description": "API not enabled"}}',
        b'{"wifi_strength": 80}',
        b'{"active_power_w": "12"}',
        b'{"active_power_w": true}',
        b'{"active_power_w": NaN}',
        b'{"active_power_w": 1e999999999}',
        b'{"active_power_w": [1]}',
        b'{"total_power_import_kwh": -1.5}',
        b'{"voltage_sag_l1_count": 5000000000}',
        b'{"active_power_w": 1, "external": 3}',
        b'{"active_power_w": 1, "external": [{"timestamp": 261123110000, "value": -1, "unit": "m3"}]}',
        b"[" * 60_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_reading_is_refused(amsterdam: ZoneInfo, answer: bytes) -> None:
    """Other documents, and numbers that no meter has, are refused; what is refused is not quoted."""
    with pytest.raises(DeviceError) as caught:
        reading_from_homewizard(answer, amsterdam, NOON_MS)
    assert (caught.value.reason, caught.value.fault) == ("DEVICE_ANSWER_INVALID", Fault.METER)
    assert "1.5" not in str(caught.value)


@pytest.mark.parametrize("meter", [3, {}, {"value": 1, "unit": "m3", "timestamp": "soon"}, {"timestamp": 261123110000}])
def test_an_odd_other_meter_is_left_out(amsterdam: ZoneInfo, meter: Any) -> None:
    """What says not how much or not when is no sub-meter, and costs nothing else."""
    reading = read(amsterdam, {"active_power_w": 5, "external": [meter]})
    assert (reading.power_import_w, len(reading.sub_meters)) == (5, 0)
