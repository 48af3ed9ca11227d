"""Telegrams of each country's port. Each is written here after a published layout, with values of our own."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from edge.gateway.framing import Telegram, TelegramFramer
from edge.gateway.p1 import reading_from_telegram
from edge.gateway.sources import SERIAL_LINES
from edge.gateway.telegram import TelegramError
from edge.gateway.variants import VARIANTS
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading, SubMeter, SubMeterKind

if TYPE_CHECKING:
    from collections.abc import Iterable

GAS, WATER = SubMeterKind.SUB_METER_KIND_GAS, SubMeterKind.SUB_METER_KIND_WATER


def utc_ms(when: str) -> int:
    return int(datetime.fromisoformat(f"{when}+00:00").timestamp()) * 1000


def zone_of(variant: str) -> ZoneInfo:
    return ZoneInfo(VARIANTS[variant].timezone)


def read(telegrams: Any, lines: Iterable[str]) -> Reading:
    """A DSMR 5 telegram with these registers, in Dutch time."""
    return reading_from_telegram(telegrams.dsmr5(lines=lines), zone_of("nl5"))


def test_every_variant_has_a_line_and_a_zone() -> None:
    """What a variant stands for exists."""
    for variant in VARIANTS.values():
        assert variant.line in SERIAL_LINES
        assert ZoneInfo(variant.timezone)


def test_dsmr3() -> None:
    """DSMR 3 (P1 companion 3.0): no time, no checksum, NUL padding; gas in two lines with its own time."""
    lines = [
        "/KMP5 KA6U001585654321",
        "",
        "0-0:96.1.1(204B413655303031353835363534333231)",
        "1-0:1.8.1(04321.123*kWh)",
        "1-0:1.8.2(05678.456*kWh)",
        "1-0:2.8.1(00012.000*kWh)",
        "1-0:2.8.2(00034.000*kWh)",
        "0-0:96.14.0(0001)",
        "1-0:1.7.0(0000.52*kW)",
        "1-0:2.7.0(0000.00*kW)",
        "0-0:17.0.0(999*A)",
        "0-0:96.3.10(1)",
        "0-0:96.13.1()",
        "0-0:96.13.0()",
        "0-2:24.1.0(3)",
        "0-2:96.1.0(3238303131303031323332383337343132)",
        "0-2:24.3.0(120715080000)(00)(60)(1)(0-2:24.2.1)(m3)",
        "(01345.678)",
        "0-2:24.4.0(1)",
        "!\0\0",
        "",
    ]
    (frame,) = TelegramFramer().feed("\r\n".join(lines).encode("ascii"))
    assert isinstance(frame, Telegram)
    received_ms = utc_ms("2012-07-15T06:20")
    assert reading_from_telegram(frame.data, zone_of("nl3"), received_ms=received_ms) == Reading(
        time_ms=received_ms,
        energy_import_t1_wh=4_321_123,
        energy_import_t2_wh=5_678_456,
        energy_export_t1_wh=12_000,
        energy_export_t2_wh=34_000,
        tariff=1,
        power_import_w=520,
        power_export_w=0,
        sub_meters=[SubMeter(channel=2, kind=GAS, time_ms=utc_ms("2012-07-15T06:00"), volume_l=1_345_678)],
    )


def test_belgian_channels_in_any_order(telegrams: Any) -> None:
    """e-MUCS 1.7.1 (Fluvius, three phases): water before gas, each with its own time, and gas not converted (24.2.3).

    The quarter hour's demand and the month's peak are read; the peaks of earlier months are not.
    """
    peaks = (
        "(1-0:1.6.0)(1-0:1.6.0)" + "(260201000000W)(260117191500W)(04.512*kW)(260301000000W)(260211080000W)(05.731*kW)"
    )
    lines = [
        "0-0:96.1.4(50221)",
        "0-0:96.1.1(3153414733313030333438393831)",
        "0-0:1.0.0(260814193005S)",
        "1-0:1.8.1(000721.014*kWh)",
        "1-0:1.8.2(000911.370*kWh)",
        "1-0:2.8.1(001304.911*kWh)",
        "1-0:2.8.2(000508.001*kWh)",
        "0-0:96.14.0(0002)",
        "1-0:1.4.0(00.071*kW)",
        "1-0:1.6.0(260803184500S)(03.902*kW)",
        f"0-0:98.1.0(2){peaks}",
        "1-0:1.7.0(00.000*kW)",
        "1-0:2.7.0(01.834*kW)",
        "1-0:21.7.0(00.000*kW)",
        "1-0:41.7.0(00.094*kW)",
        "1-0:61.7.0(00.000*kW)",
        "1-0:22.7.0(00.991*kW)",
        "1-0:42.7.0(00.000*kW)",
        "1-0:62.7.0(00.937*kW)",
        "1-0:32.7.0(233.1*V)",
        "1-0:52.7.0(000.0*V)",
        "1-0:72.7.0(234.0*V)",
        "1-0:31.7.0(004.31*A)",
        "1-0:51.7.0(000.99*A)",
        "1-0:71.7.0(004.02*A)",
        "0-0:96.3.10(1)",
        "0-0:17.0.0(999.9*kW)",
        "1-0:31.4.0(999*A)",
        "0-0:96.13.0()",
        "0-2:24.1.0(007)",
        "0-2:96.1.1(3853455430303030313233343536)",
        "0-2:24.2.1(260814190000S)(00181.204*m3)",
        "0-1:24.1.0(003)",
        "0-1:96.1.1(37464C4F32313233303838303237)",
        "0-1:24.4.0(1)",
        "0-1:24.2.3(260814192459S)(00912.007*m3)",
        "0-3:24.1.0(000)",
    ]
    reading = reading_from_telegram(telegrams.sealed("/FLU5\\253769484_A", lines), zone_of("be"))
    assert reading.time_ms == utc_ms("2026-08-14T17:30:05")
    assert (reading.demand_w, reading.peak_demand_w) == (71, 3_902)
    assert (reading.power_import_w, reading.power_export_w) == (0, 1_834)
    assert reading.phases[1] == Phase(power_import_w=94, power_export_w=0, voltage_dv=0, current_ma=990)
    assert list(reading.sub_meters) == [
        SubMeter(channel=1, kind=GAS, time_ms=utc_ms("2026-08-14T17:24:59"), volume_l=912_007),
        SubMeter(channel=2, kind=WATER, time_ms=utc_ms("2026-08-14T17:00"), volume_l=181_204),
    ]


def test_luxembourg_with_its_own_registers(telegrams: Any) -> None:
    """Luxmetering P1 1.1.3: totals and three phases; reactive and apparent power and breakers are no reading."""
    lines = [
        "1-3:0.2.8(42)",
        "0-0:1.0.0(261123113000W)",
        "0-0:42.0.0(53414731303330373030303030303131)",
        "1-0:1.8.0(004321.987*kWh)",
        "1-0:2.8.0(000321.123*kWh)",
        "1-0:3.8.0(000123.456*kvarh)",
        "1-0:4.8.0(000234.567*kvarh)",
        "1-0:1.7.0(02.018*kW)",
        "1-0:2.7.0(00.000*kW)",
        "1-0:3.7.0(00.000*kvar)",
        "1-0:4.7.0(00.317*kvar)",
        "0-0:17.0.0(27.600*kVA)",
        "1-0:9.7.0(02.043*kVA)",
        "1-0:10.7.0(00.000*kVA)",
        "1-1:31.4.0(200*A)(-200*A)",
        "0-0:96.3.10(1)",
        "0-1:96.3.10(0)",
        "0-0:96.7.21(00012)",
        "1-0:32.32.0(00002)",
        "1-0:52.32.0(00001)",
        "1-0:72.32.0(00000)",
        "0-0:96.13.0()",
        "0-0:96.13.2()",
        "1-0:32.7.0(231.0*V)",
        "1-0:52.7.0(230.0*V)",
        "1-0:72.7.0(232.0*V)",
        "1-0:31.7.0(005*A)",
        "1-0:51.7.0(002*A)",
        "1-0:71.7.0(001*A)",
        "1-0:21.7.0(01.200*kW)",
        "1-0:41.7.0(00.500*kW)",
        "1-0:61.7.0(00.318*kW)",
    ]
    assert reading_from_telegram(telegrams.sealed("/Lux5\\253663629_D", lines), zone_of("lu")) == Reading(
        time_ms=utc_ms("2026-11-23T10:30"),
        energy_import_wh=4_321_987,
        energy_export_wh=321_123,
        power_import_w=2_018,
        power_export_w=0,
        power_failures=12,
        phases=[
            Phase(power_import_w=1_200, voltage_dv=2_310, current_ma=5_000, voltage_sags=2),
            Phase(power_import_w=500, voltage_dv=2_300, current_ma=2_000, voltage_sags=1),
            Phase(power_import_w=318, voltage_dv=2_320, current_ma=1_000, voltage_sags=0),
        ],
    )


def test_finnish_time(telegrams: Any) -> None:
    """The Finnish port (SESKO's P1 after DSMR 5): the Swedish registers, an hour further east, with summer time."""
    lines = [
        "0-0:1.0.0(260701120000S)",
        "1-0:1.8.0(00012345.678*kWh)",
        "1-0:2.8.0(00000000.000*kWh)",
        "1-0:1.7.0(0000.812*kW)",
        "1-0:2.7.0(0000.000*kW)",
        "1-0:23.7.0(0000.000*kvar)",
        "1-0:32.7.0(229.3*V)",
        "1-0:31.7.0(003.7*A)",
    ]
    reading = reading_from_telegram(telegrams.sealed("/ADN9 6534", lines), zone_of("fi"))
    assert reading.time_ms == utc_ms("2026-07-01T09:00")
    assert (reading.energy_import_wh, reading.power_import_w) == (12_345_678, 812)
    assert list(reading.phases) == [Phase(voltage_dv=2_293, current_ma=3_700)]


def test_times_ascend_through_october(telegrams: Any) -> None:
    """A telegram every ten minutes through the repeated hour: ten minutes apart, each of them, by the meter's flag."""
    stamps = [
        f"261025{hour:02d}{minute:02d}00{flag}"
        for hour, flag in ((1, "S"), (2, "S"), (2, "W"), (3, "W"))
        for minute in range(0, 60, 10)
    ]
    times_ms = [
        reading_from_telegram(telegrams.dsmr5(stamp, ["1-0:1.8.0(1*kWh)"]), zone_of("nl5")).time_ms for stamp in stamps
    ]
    assert times_ms[0] == utc_ms("2026-10-24T23:00")
    assert times_ms == [times_ms[0] + 600_000 * number for number in range(24)]


def test_an_export_less_meter(telegrams: Any) -> None:
    """A meter without registers for export leaves it absent; nobody made a zero of it."""
    reading = read(telegrams, ["1-0:1.8.0(1*kWh)", "1-0:1.7.0(00.100*kW)"])
    assert not reading.HasField("energy_export_wh")
    assert not reading.HasField("power_export_w")


@pytest.mark.parametrize("limit", ["0999.00*kW", "27.600*kVA", "016*A", "016.1", ""])
def test_a_supply_limit_is_no_reading(telegrams: Any, limit: str) -> None:
    """0-0:17.0.0 comes in kW, kVA, A or without unit; none of it disturbs, and none of it is taken for power."""
    assert read(telegrams, [f"0-0:17.0.0({limit})", "1-0:1.8.0(1*kWh)"]).ListFields()[1:] == [
        (Reading.DESCRIPTOR.fields_by_name["energy_import_wh"], 1_000)
    ]


def test_signed_power(telegrams: Any) -> None:
    """One signed register, 16.7.0 or an import below zero, becomes import and export, of all phases and of each."""
    net = read(telegrams, ["1-0:16.7.0(-01.250*kW)"])
    assert (net.power_import_w, net.power_export_w) == (0, 1_250)
    lines = ["1-0:1.7.0(-00.115*kW)", "1-0:2.7.0(00.000*kW)", "1-0:21.7.0(-00.115*kW)", "1-0:31.7.0(-00.5*A)"]
    signed = read(telegrams, lines)
    assert (signed.power_import_w, signed.power_export_w) == (0, 115)
    assert list(signed.phases) == [Phase(power_import_w=0, power_export_w=115, current_ma=500)]
    both = read(telegrams, ["1-0:16.7.0(-01.250*kW)", "1-0:1.7.0(00.200*kW)", "1-0:2.7.0(00.000*kW)"])
    assert (both.power_import_w, both.power_export_w) == (200, 0)


@pytest.mark.parametrize(
    "lines",
    [
        ["1-0:1.8.0(-000001.000*kWh)"],
        ["1-0:2.7.0(-00.100*kW)"],
        ["1-0:1.7.0(-00.100*kW)", "1-0:2.7.0(00.200*kW)"],
        ["1-0:32.7.0(-230.0*V)"],
        ["1-0:16.7.0(00.100*kvar)"],
        ["1-0:1.8.0(1*kWh)", "0-1:24.1.0(003)", "0-1:24.2.1(261123110000W)(-00001.000*m3)"],
    ],
)
def test_what_cannot_be_negative_is_refused(telegrams: Any, lines: list[str]) -> None:
    """A counter, a voltage or an export below zero is damage that a checksum does not show."""
    with pytest.raises(TelegramError, match=r"negative|unit"):
        read(telegrams, lines)
