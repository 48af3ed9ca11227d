from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Fault
from edge.gateway import p1
from edge.gateway.p1 import reading_from_telegram
from edge.gateway.telegram import TelegramError
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading, SubMeter, SubMeterKind

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

GAS, WATER, HEAT, COLD, ELECTRICITY, UNSPECIFIED = (
    SubMeterKind.SUB_METER_KIND_GAS,
    SubMeterKind.SUB_METER_KIND_WATER,
    SubMeterKind.SUB_METER_KIND_HEAT,
    SubMeterKind.SUB_METER_KIND_COLD,
    SubMeterKind.SUB_METER_KIND_ELECTRICITY,
    SubMeterKind.SUB_METER_KIND_UNSPECIFIED,
)


def utc_ms(when: str) -> int:
    return int(datetime.fromisoformat(f"{when}+00:00").timestamp()) * 1000


def phase(power_import_w: int, power_export_w: int, **values: int) -> Phase:
    return Phase(power_import_w=power_import_w, power_export_w=power_export_w, **values)


def refusal(telegram: bytes, timezone: ZoneInfo) -> str:
    with pytest.raises(TelegramError) as caught:
        reading_from_telegram(telegram, timezone)
    assert caught.value.fault is Fault.METER
    return caught.value.reason


def test_dsmr5(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """Every register of a three-phase DSMR 5 meter arrives, as an integer in its unit; 000*A is 0 mA, not absent."""
    noon_ms = utc_ms("2026-11-23T11:00")
    assert reading_from_telegram(telegrams.dsmr5(), amsterdam) == Reading(
        time_ms=noon_ms,
        energy_import_t1_wh=3_432_827,
        energy_import_t2_wh=3_224_632,
        energy_export_t1_wh=0,
        energy_export_t2_wh=1_005,
        tariff=2,
        power_import_w=378,
        power_export_w=0,
        phases=[
            phase(45, 0, voltage_dv=2371, current_ma=0, voltage_sags=1, voltage_swells=4),
            phase(10, 0, voltage_dv=2352, current_ma=1000, voltage_sags=2, voltage_swells=5),
            phase(
                power_import_w=322, power_export_w=1, voltage_dv=2360, current_ma=2000, voltage_sags=3, voltage_swells=6
            ),
        ],
        power_failures=5,
        long_power_failures=3,
        sub_meters=[
            SubMeter(channel=1, kind=GAS, time_ms=noon_ms - 300_000, volume_l=981_443),
            SubMeter(channel=2, kind=WATER, time_ms=noon_ms - 1_200_000, volume_l=12_001),
        ],
    )


def test_dsmr4(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """A single-phase DSMR 4 meter gives one phase, summer time, and no trace of its supply limit."""
    noon_ms = utc_ms("2026-07-01T10:00")
    assert reading_from_telegram(telegrams.dsmr4(), amsterdam) == Reading(
        time_ms=noon_ms,
        energy_import_t1_wh=1_234_567,
        energy_import_t2_wh=765_432,
        energy_export_t1_wh=1,
        energy_export_t2_wh=10,
        tariff=1,
        power_import_w=120,
        power_export_w=0,
        phases=[Phase(power_import_w=123, power_export_w=0, current_ma=1000, voltage_sags=0, voltage_swells=0)],
        power_failures=6,
        long_power_failures=2,
        sub_meters=[SubMeter(channel=1, kind=GAS, time_ms=noon_ms - 3_600_000, volume_l=246_138)],
    )


def test_dsmr22(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """A DSMR 2.2 meter has no time of its own: the time of arrival stands in, and its gas has its own."""
    received_ms = utc_ms("2012-10-30T13:20")
    assert reading_from_telegram(telegrams.dsmr22(), amsterdam, received_ms=received_ms) == Reading(
        time_ms=received_ms,
        energy_import_t1_wh=1_001,
        energy_import_t2_wh=2_002,
        energy_export_t1_wh=3_003,
        energy_export_t2_wh=4_004,
        tariff=2,
        power_import_w=1_010,
        power_export_w=0,
        sub_meters=[SubMeter(channel=1, kind=GAS, time_ms=utc_ms("2012-10-30T13:00"), volume_l=1_001)],
    )


def test_belgian(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """A Belgian meter gives the demand of the quarter hour and the month's peak; heat in GJ becomes Wh."""
    noon_ms = utc_ms("2026-11-23T11:00")
    assert reading_from_telegram(telegrams.belgian(), amsterdam) == Reading(
        time_ms=noon_ms,
        energy_import_t1_wh=34,
        energy_import_t2_wh=15_758,
        energy_export_t1_wh=0,
        energy_export_t2_wh=11,
        tariff=1,
        power_import_w=0,
        power_export_w=115,
        phases=[Phase(voltage_dv=2347, current_ma=510)],
        demand_w=2_351,
        peak_demand_w=2_589,
        sub_meters=[
            SubMeter(channel=1, kind=GAS, time_ms=noon_ms - 298_000, volume_l=112_384),
            SubMeter(channel=2, kind=HEAT, time_ms=noon_ms - 3_600_000, energy_wh=500_000),
        ],
    )


def test_luxembourg(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """A meter that counts only totals gives only totals; a supply limit in kVA does not disturb."""
    assert reading_from_telegram(telegrams.luxembourg(), amsterdam) == Reading(
        time_ms=utc_ms("2026-11-23T11:00"),
        energy_import_wh=12_345,
        energy_export_wh=6_789,
        power_import_w=512,
        power_export_w=0,
        phases=[Phase(voltage_dv=2300, current_ma=2000)],
    )


def test_swedish(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """A meter that keeps winter time in July is believed: W means UTC+1 whatever the date."""
    reading = reading_from_telegram(telegrams.swedish(), amsterdam)
    assert reading.time_ms == utc_ms("2026-07-01T11:00")
    assert (reading.energy_import_wh, reading.energy_export_wh) == (6_678_394, 0)
    assert [phase.current_ma for phase in reading.phases] == [4200, 1600, 1700]


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("261025015959S", "2026-10-24T23:59:59"),
        ("261025020000S", "2026-10-25T00:00"),
        ("261025025959S", "2026-10-25T00:59:59"),
        ("261025020000W", "2026-10-25T01:00"),
        ("261025025959W", "2026-10-25T01:59:59"),
        ("261025030000W", "2026-10-25T02:00"),
        ("260329015959W", "2026-03-29T00:59:59"),
        ("260329030000S", "2026-03-29T01:00"),
        ("261231235959W", "2026-12-31T22:59:59"),
    ],
)
def test_summer_time_flag_decides(telegrams: Any, amsterdam: ZoneInfo, stamp: str, expected: str) -> None:
    """The hour that October has twice, and the edges of March, come out as the meter's flag says."""
    telegram = telegrams.dsmr5(stamp, ["1-0:1.8.0(1*kWh)"])
    assert reading_from_telegram(telegram, amsterdam).time_ms == utc_ms(expected)


@pytest.mark.parametrize(
    ("received", "gas"),
    [("2026-10-25T00:40", "2026-10-25T00:30"), ("2026-10-25T01:40", "2026-10-25T01:30")],
)
def test_time_without_flag(telegrams: Any, amsterdam: ZoneInfo, received: str, gas: str) -> None:
    """Without a flag, the repeated hour is the last one that is not after the telegram's arrival."""
    telegram = telegrams.dsmr22("261025023000")
    reading = reading_from_telegram(telegram, amsterdam, received_ms=utc_ms(received))
    assert reading.sub_meters[0].time_ms == utc_ms(gas)


@pytest.mark.parametrize(
    "stamp", ["000000000000W", "700101010000W", "261323120000W", "26112312000", "261123120000X", ""]
)
def test_no_usable_time(telegrams: Any, amsterdam: ZoneInfo, stamp: str) -> None:
    """A meter whose clock is not set is refused, unless the time of arrival is known."""
    telegram = telegrams.dsmr5(stamp, ["1-0:1.8.0(1*kWh)"])
    assert refusal(telegram, amsterdam) == "TELEGRAM_NO_TIME"
    assert reading_from_telegram(telegram, amsterdam, received_ms=5).time_ms == 5


def test_dsmr22_without_arrival_is_refused(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """Without a time there is no reading."""
    assert refusal(telegrams.dsmr22(), amsterdam) == "TELEGRAM_NO_TIME"


@given(st.data())
def test_any_damage_is_noticed(telegrams: Any, amsterdam: ZoneInfo, data: st.DataObject) -> None:
    """Whichever byte of a telegram with a checksum changes, the telegram is refused."""
    telegram = telegrams.dsmr4()
    position = data.draw(st.integers(1, len(telegram) - 3))
    damaged = bytearray(telegram)
    damaged[position] = data.draw(st.integers(0, 255).filter(lambda byte: chr(byte).upper() != chr(telegram[position])))
    assert refusal(bytes(damaged), amsterdam) in {"TELEGRAM_CRC", "TELEGRAM_MALFORMED"}


def test_lost_checksum_is_noticed(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """A telegram of a version that sends a checksum is refused without one."""
    assert refusal(telegrams.dsmr5()[:-6], amsterdam) == "TELEGRAM_CRC"
    assert refusal(telegrams.belgian()[:-6], amsterdam) == "TELEGRAM_CRC"


@pytest.mark.parametrize(
    "lines",
    [
        ["1-0:1.8.0(1E999999999*kWh)"],
        ["1-0:1.8.0(1E-999999999*kWh)(2)"],
        ["1-0:1.8.0(NaN*kWh)"],
        ["1-0:1.8.0(Infinity*kWh)"],
        ["1-0:1.8.0(9999999999999999*kWh)"],
        ["1-0:1.8.0(000001.000*kvarh)"],
        ["1-0:1.8.0(000001.000)"],
        ["1-0:1.8.0(000001.0x0*kWh)"],
        ["1-0:1.8.0(000001.000*kWh"],
        ["1-0:32.7.0(999999999*V)"],
        ["0-0:96.7.21(-1)"],
        ["1-0:1.6.0(02.589*kW)"],
        [],
    ],
    ids=lambda lines: "".join(lines) or "no register",
)
def test_nonsense_is_refused(telegrams: Any, amsterdam: ZoneInfo, lines: list[str]) -> None:
    """Values that no register can have, unknown units, and half lines are refused even below a right checksum."""
    assert refusal(telegrams.dsmr5(lines=lines), amsterdam) == "TELEGRAM_MALFORMED"


@pytest.mark.parametrize("telegram", [b"", b"/", b"!", b"nothing", b"/ABC5\r\n!\r\n", b"/ABC5\r\n\xff!\r\n"])
def test_what_is_no_telegram_is_refused(amsterdam: ZoneInfo, telegram: bytes) -> None:
    """Bytes without the shape of a telegram, or without a register, are refused."""
    assert refusal(telegram, amsterdam) == "TELEGRAM_MALFORMED"


def test_empty_registers_are_absent(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """A register without a value was not measured, which is not zero."""
    reading = reading_from_telegram(telegrams.dsmr5(lines=["1-0:1.8.0()", "1-0:2.8.0(2*kWh)"]), amsterdam)
    assert not reading.HasField("energy_import_wh")
    assert reading.energy_export_wh == 2000


def test_phases_keep_their_places(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """In a net without neutral, where L2 measures nothing, L3 stays third."""
    reading = reading_from_telegram(telegrams.dsmr5(lines=["1-0:31.7.0(001*A)", "1-0:71.7.0(003*A)"]), amsterdam)
    assert list(reading.phases) == [Phase(current_ma=1000), Phase(), Phase(current_ma=3000)]


@pytest.mark.parametrize("indicator", ["0000", "0003", "0004", "000A", "T1"])
def test_other_tariffs_are_absent(telegrams: Any, amsterdam: ZoneInfo, indicator: str) -> None:
    """The contract knows tariffs 1 and 2; another indicator, which is text, says neither and costs nothing."""
    lines = ["1-0:1.8.0(1*kWh)", f"0-0:96.14.0({indicator})"]
    assert not reading_from_telegram(telegrams.dsmr5(lines=lines), amsterdam).HasField("tariff")


@pytest.mark.parametrize(
    ("code", "value", "kind", "amount"),
    [
        ("003", "00001.234*m3", GAS, {"volume_l": 1234}),
        ("006", "00001.234*m3", WATER, {"volume_l": 1234}),
        ("007", "00001.234*m3", WATER, {"volume_l": 1234}),
        ("004", "00001.000*GJ", HEAT, {"energy_wh": 277_778}),
        ("012", "00001.000*kWh", HEAT, {"energy_wh": 1000}),
        ("010", "00001.000*MJ", COLD, {"energy_wh": 278}),
        ("002", "00001.000*kWh", ELECTRICITY, {"energy_wh": 1000}),
        ("099", "00001.000*m3", UNSPECIFIED, {"volume_l": 1000}),
    ],
)
def test_kinds_of_sub_meters(
    telegrams: Any, amsterdam: ZoneInfo, code: str, value: str, kind: SubMeterKind, amount: dict[str, int]
) -> None:
    """The device type decides the kind, the unit decides between litres and Wh."""
    lines = ["1-0:1.8.0(1*kWh)", f"0-3:24.1.0({code})", f"0-3:24.2.1(261123110000W)({value})"]
    reading = reading_from_telegram(telegrams.dsmr5(lines=lines), amsterdam)
    expected = SubMeter(channel=3, kind=kind, time_ms=utc_ms("2026-11-23T10:00"), **amount)
    assert list(reading.sub_meters) == [expected]


@pytest.mark.parametrize(
    "register",
    [
        "0-1:24.2.1()",
        "0-1:24.2.1(700101010000W)(00000.000*m3)",
        "0-1:24.2.1(700101010000W)(00000000)",
        "0-1:24.2.1(632525252525S)(00000.000*m3)",
        "0-1:24.2.1(261123110000W)()",
        "0-1:24.1.0(003)",
    ],
)
def test_unconnected_sub_meters_are_left_out(telegrams: Any, amsterdam: ZoneInfo, register: str) -> None:
    """A channel with nothing behind it does not cost the telegram, and is no sub-meter."""
    reading = reading_from_telegram(telegrams.dsmr5(lines=["1-0:1.8.0(1*kWh)", register]), amsterdam)
    assert reading.energy_import_wh == 1000
    assert not reading.sub_meters


@pytest.mark.parametrize(
    "register",
    [
        "1-0:1.7.0(42.873*kX)",
        "1-0:1.7.0(42.8a73*kW)",
        "1-0:1.7.0(42873000000000000000*kW)",
        "1-0:1.7.0(42.873*kW",
        "1-0:1.7.0(42.873*kW)(7)",
    ],
)
def test_what_is_refused_is_not_quoted(telegrams: Any, amsterdam: ZoneInfo, register: str) -> None:
    """Why a telegram is refused goes into logs: it may name a register and never says what stood there."""
    with pytest.raises(TelegramError) as caught:
        reading_from_telegram(telegrams.dsmr5(lines=["1-0:1.8.0(1*kWh)", register]), amsterdam)
    assert "42" not in str(caught.value)
    assert "873" not in str(caught.value)


@given(st.integers(0, 10**12))
def test_energy_is_exact(telegrams: Any, amsterdam: ZoneInfo, energy_wh: int) -> None:
    """KWh with three decimals become Wh without the loss of one."""
    telegram = telegrams.dsmr5(lines=[f"1-0:1.8.0({Decimal(energy_wh).scaleb(-3)}*kWh)"])
    assert reading_from_telegram(telegram, amsterdam).energy_import_wh == energy_wh


def test_parsing_leaves_nothing_behind(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """Telegrams with a log of power failures do not make the parser grow."""

    def formats() -> int:
        return sum(len(item["value_parser"].value_formats) for item in p1._PARSER.telegram_specification["objects"])

    before = formats()
    for _ in range(3):
        reading_from_telegram(telegrams.dsmr5(), amsterdam)
    assert formats() == before
