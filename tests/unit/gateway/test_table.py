from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Fault
from edge.gateway.columns import TableError
from edge.gateway.rejections import Rejections
from edge.gateway.table import TableFormat, table_readings
from edge.gateway.trial import trial
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading, SubMeter, SubMeterKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
PLAIN = TableFormat()
NOON = "2026-11-23T12:00:00+01:00"


def utc_ms(when: str) -> int:
    return int(datetime.fromisoformat(f"{when}+00:00").timestamp()) * 1000


NOON_MS = utc_ms("2026-11-23T11:00")


async def chunked(data: bytes, size_bytes: int = 11) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size_bytes):
        yield data[start : start + size_bytes]


async def read(text: str | bytes, table_format: TableFormat = PLAIN) -> tuple[list[Reading], Rejections]:
    rejections = Rejections()
    data = text if isinstance(text, bytes) else text.encode()
    return [reading async for reading in table_readings(chunked(data), table_format, rejections.add)], rejections


async def read_one(header: str, row: str, table_format: TableFormat = PLAIN) -> Reading:
    (reading,), rejections = await read(f"{header}\n{row}\n", table_format)
    assert not rejections.listed
    return reading


async def refusals(rows: str, table_format: TableFormat = PLAIN, header: str = "time,energy_import_wh") -> list[str]:
    found, rejections = await read(f"{header}\n{rows}\n", table_format)
    assert found == []
    return [piece.reason for piece in rejections.listed]


async def test_every_column() -> None:
    """Each quantity can be named in each of its units and lands in its field; an empty cell is absent."""
    cells = {
        "time": NOON,
        "energy_import_t1_kwh": "1.234",
        "energy_import_t2_wh": "5678",
        "energy_export_kwh": "0",
        "tariff": "2",
        "power_net_kw": "-0.321",
        "power_failures": "3",
        "demand_kw": "1.5",
        "peak_demand_w": "2500",
        "l1_power_import_w": "",
        "l2_power_net_w": "150",
        "l2_voltage_v": "230.14",
        "l2_current_a": "1.02",
        "l3_voltage_dv": "2299",
        "l3_current_ma": "15",
        "l3_voltage_sags": "4",
        "gas_m3": "12.345",
        "water_l": "700",
    }
    assert await read_one(",".join(cells), ",".join(cells.values())) == Reading(
        time_ms=NOON_MS,
        energy_import_t1_wh=1_234,
        energy_import_t2_wh=5_678,
        energy_export_wh=0,
        tariff=2,
        power_import_w=0,
        power_export_w=321,
        power_failures=3,
        demand_w=1_500,
        peak_demand_w=2_500,
        phases=[
            Phase(),
            Phase(power_import_w=150, power_export_w=0, voltage_dv=2_301, current_ma=1_020),
            Phase(voltage_dv=2_299, current_ma=15, voltage_sags=4),
        ],
        sub_meters=[
            SubMeter(channel=1, kind=SubMeterKind.SUB_METER_KIND_GAS, time_ms=NOON_MS, volume_l=12_345),
            SubMeter(channel=2, kind=SubMeterKind.SUB_METER_KIND_WATER, time_ms=NOON_MS, volume_l=700),
        ],
    )


async def test_an_export_of_a_spreadsheet() -> None:
    """Semicolons, decimal commas, a byte order mark, CRLF, quoted cells, other names, columns that nobody wants."""
    text = '\ufeff"Zeitpunkt";"Bezug";"Notiz";power_import_kw\r\n"2026-11-23 12:00:00";"1234,567";"a;b";0,25\r\n'
    names = {"Zeitpunkt": "time", "Bezug": "energy_import_kwh", "Notiz": "-"}
    (reading,), rejections = await read(text, TableFormat(";", ",", AMSTERDAM, None, names))
    assert reading == Reading(time_ms=NOON_MS, energy_import_wh=1_234_567, power_import_w=250)
    assert not rejections.listed


@given(st.integers(0, 10**12), st.sampled_from([".", ","]))
async def test_energy_is_exact(energy_wh: int, decimal: str) -> None:
    """KWh with three decimals become Wh without the loss of one."""
    text = str(Decimal(energy_wh).scaleb(-3)).replace(".", decimal)
    reading = await read_one("time;energy_import_kwh", f"{NOON};{text}", TableFormat(";", decimal))
    assert reading.energy_import_wh == energy_wh


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-11-23T11:00:00Z", "2026-11-23T11:00"),
        ("2026-11-23 12:00+01:00", "2026-11-23T11:00"),
        ("2026-11-23T12:00:00.999+01:00", "2026-11-23T11:00"),
        ("20261123T120000", "2026-11-23T11:00"),
        ("2026-07-01T12:00", "2026-07-01T10:00"),
        ("2026-10-25T01:59:59", "2026-10-24T23:59:59"),
        ("2026-10-25T03:00:00", "2026-10-25T02:00"),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30"),
    ],
)
async def test_times(cell: str, expected: str) -> None:
    """A time with its zone is what it says; one without is local where that was said, in summer and winter."""
    reading = await read_one("time,power_import_w", f"{cell},1", TableFormat(timezone=AMSTERDAM))
    assert reading.time_ms // 1000 * 1000 == utc_ms(expected)


async def test_milliseconds() -> None:
    """A column `time_ms` counts milliseconds since 1970, and ISO times keep theirs."""
    assert (await read_one("time_ms,power_import_w", "1795431600123,1")).time_ms == 1_795_431_600_123
    assert (await read_one("time,power_import_w", "2026-11-23T11:00:00.123Z,1")).time_ms == NOON_MS + 123


async def test_the_repeated_hour_needs_a_rule() -> None:
    """A local time that October has twice is refused until somebody says which one is meant."""
    row = "2026-10-25T02:30:00,1"
    assert await refusals(row, TableFormat(timezone=AMSTERDAM)) == ["CSV_TIME_AMBIGUOUS"]
    times_ms = [
        (await read_one("time,power_import_w", row, TableFormat(timezone=AMSTERDAM, fold=fold))).time_ms
        for fold in (0, 1)
    ]
    assert times_ms == [utc_ms("2026-10-25T00:30"), utc_ms("2026-10-25T01:30")]


@pytest.mark.parametrize(
    "row",
    [
        "2026-03-29T02:30:00,1",
        "23-11-2026 12:00,1",
        "2026-11-31T12:00:00Z,1",
        "0001-01-01T00:00:00,1",
        "1999-12-31T00:00:00Z,1",
        "1795431600,1",
        ",1",
        f"{NOON},1,2",
        f"{NOON}",
        f"{NOON},",
        f"{NOON},-1",
        f"{NOON},1e5",
        f"{NOON},NaN",
        f"{NOON},1_000",
        f"{NOON},٣",
        f"{NOON},0x10",
        f"{NOON},9999999999999999",
        f'{NOON},"1',
    ],
)
async def test_bad_rows_are_refused(row: str) -> None:
    """Times that do not exist or cannot be read, other counts of cells, no values, and what is no number."""
    table_format = TableFormat(timezone=AMSTERDAM)
    assert await refusals(row, table_format) == ["CSV_ROW_INVALID"]


@pytest.mark.parametrize(
    ("header", "cell"),
    [("tariff", "3"), ("power_failures", "5000000000"), ("l1_voltage_v", "-3"), ("power_failures", "-1")],
)
async def test_values_that_no_meter_has(header: str, cell: str) -> None:
    """What does not fit its field is refused, and what is refused is not quoted."""
    _, rejections = await read(f"time,{header}\n{NOON},{cell}\n")
    assert rejections.listed[0].reason == "CSV_ROW_INVALID"
    assert cell not in rejections.listed[0].message


async def test_times_without_a_zone_need_one() -> None:
    """Nothing is guessed: without a zone a local time is refused, and the row says which option helps."""
    _, rejections = await read("time,power_import_w\n2026-11-23T12:00:00,1\n")
    assert "--timezone" in rejections.listed[0].message


async def test_thousands_are_not_guessed() -> None:
    """With a decimal comma, a point in a number is refused: it could be either."""
    header, row = "time;energy_import_wh", f"{NOON};1.234"
    _, rejections = await read(f"{header}\n{row}\n", TableFormat(";", ","))
    assert [piece.reason for piece in rejections.listed] == ["CSV_ROW_INVALID"]


async def test_bad_rows_cost_no_others() -> None:
    """Rejected rows are told by line and byte; blank lines are none; the report counts rows and readings."""
    lines = ["time,power_import_w", f"{NOON},1", "", f"{NOON},x", f"{NOON},2", "\xff", f"{NOON},3"]
    data = "\n".join(lines).encode("latin-1")
    rejections = Rejections()
    report = await trial(table_readings(chunked(data), PLAIN, rejections.add), rejections)
    places = [data.index(b"x"), data.index(b"\xff")]
    assert report.to_json_dict() == {
        "telegrams": 5,
        "readings": 3,
        "rejected": [
            {
                "position_bytes": places[0] - len(NOON) - 1,
                "reason": "CSV_ROW_INVALID",
                "message": "A cell cannot be used: the power_import_w is not a number.",
                "line": 4,
            },
            {
                "position_bytes": places[1],
                "reason": "CSV_ROW_INVALID",
                "message": "It is not UTF-8, or a quotation mark is missing.",
                "line": 6,
            },
        ],
        "rejected_counts": {"CSV_ROW_INVALID": 2},
    }


@pytest.mark.parametrize(
    ("header", "names", "problem"),
    [
        ("", {}, "time"),
        ("energy_import_wh", {}, "time"),
        ("time,time_ms,energy_import_wh", {}, "time"),
        ("time", {}, "nothing that was measured"),
        ("time,energy", {}, "'energy'"),
        ("time;energy_import_wh", {}, "not known"),
        ("time,energy_import_wh,energy_import_kwh", {}, "Two columns hold energy_import_wh"),
        ("time,time,energy_import_wh", {}, "Two columns hold time"),
        ("time,energy_import_wh", {"x": "tariff"}, "no column 'x'"),
        ("time,x", {"x": "y"}, "'y'"),
        ("x,energy_import_wh", {"x": "-"}, "time"),
        ('time,"x', {}, "quotation mark"),
    ],
)
async def test_a_header_has_to_say_what_is_below(header: str, names: dict[str, str], problem: str) -> None:
    """Unknown, doubled and missing columns end the run before a reading is made; whoever calls can mend them."""
    with pytest.raises(TableError, match=problem) as caught:
        await read(f"{header}\n{NOON},1\n", TableFormat(names=names))
    assert (caught.value.reason, caught.value.fault) == ("CSV_INVALID", Fault.CALLER)


async def test_what_is_no_table_ends_the_run() -> None:
    """An empty file, and a line without an end, are no table; memory stays bounded."""
    with pytest.raises(TableError, match="empty"):
        await read("")
    with pytest.raises(TableError, match="not ended"):
        await read(b"\x00" * 200_000)
