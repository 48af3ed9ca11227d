from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Fault
from edge.gateway.framing import Telegram
from edge.gateway.sml import reading_from_sml
from edge.gateway.sml_framing import SmlFramer
from edge.gateway.sources import decoded, frames
from edge.gateway.telegram import TelegramError
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading
from tests.unit.gateway.sml_writer import (
    AMPERE,
    NOTHING,
    VOLT,
    WATT,
    WATT_HOUR,
    entry,
    listed,
    message,
    octets,
    signed,
    telegram,
    transmission,
    unsigned,
    values,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge.gateway.rejections import Rejected

ARRIVAL_MS = 1_790_000_000_000
IMPORT = entry("1-0:1.8.0*255", unsigned(79_139, 4), WATT_HOUR, 0)


def read(*entries: bytes) -> Reading:
    return reading_from_sml(telegram(*entries), ARRIVAL_MS)


def refusal(data: bytes) -> str:
    with pytest.raises(TelegramError) as caught:
        reading_from_sml(data, ARRIVAL_MS)
    assert caught.value.fault is Fault.METER
    return caught.value.reason


def test_a_three_phase_meter() -> None:
    """Every register of a modern meter with its PIN arrives as an integer in its unit.

    Net power becomes import or export, tenths of Wh are rounded, and the time is that of arrival.
    """
    status = unsigned(0x1C0104, 4)
    reading = read(
        entry("1-0:96.50.1*1", octets(b"TST")),
        entry("1-0:96.1.0*255", octets(b"\x0a\x01TST\x00\x01\x02\x03\x04")),
        entry("1-0:1.8.0*255", unsigned(12_345_678, 8), WATT_HOUR, -1, status),
        entry("1-0:2.8.0*255", unsigned(90_005, 8), WATT_HOUR, -1),
        entry("1-0:16.7.0*255", signed(-463, 8), WATT),
        entry("1-0:36.7.0*255", signed(160, 8), WATT),
        entry("1-0:56.7.0*255", signed(-100, 8), WATT),
        entry("1-0:76.7.0*255", signed(-523, 8), WATT),
        entry("1-0:32.7.0*255", unsigned(2_321, 8), VOLT, -1),
        entry("1-0:52.7.0*255", unsigned(2_309, 8), VOLT, -1),
        entry("1-0:72.7.0*255", unsigned(23_144, 8), VOLT, -2),
        entry("1-0:31.7.0*255", unsigned(71, 8), AMPERE, -2),
        entry("1-0:51.7.0*255", unsigned(43, 8), AMPERE, -2),
        entry("1-0:71.7.0*255", signed(-227, 8), AMPERE, -2),
        entry("1-0:81.7.1*255", unsigned(120, 8)),
    )
    assert reading == Reading(
        time_ms=ARRIVAL_MS,
        energy_import_wh=1_234_568,
        energy_export_wh=9_000,
        power_import_w=0,
        power_export_w=463,
        phases=[
            Phase(power_import_w=160, power_export_w=0, voltage_dv=2_321, current_ma=710),
            Phase(power_import_w=0, power_export_w=100, voltage_dv=2_309, current_ma=430),
            Phase(power_import_w=0, power_export_w=523, voltage_dv=2_314, current_ma=2_270),
        ],
    )


def test_a_meter_with_two_tariffs() -> None:
    """An EasyMeter counts in units of 10 Wh by tariff and 0.1 mWh in all, and has the signed power in 1.7.0."""
    reading = read(
        entry("1-0:1.8.0*255", unsigned(86_038_387_975, 8), WATT_HOUR, -4),
        entry("1-0:1.8.1*255", unsigned(860_247, 4), WATT_HOUR, 1),
        entry("1-0:1.8.2*255", unsigned(136, 4), WATT_HOUR, 1),
        entry("1-0:2.8.1*255", unsigned(12, 4), WATT_HOUR, 1),
        entry("1-0:2.8.2*255", unsigned(34, 4), WATT_HOUR, 1),
        entry("1-0:1.7.0*255", signed(-10_952, 4), WATT, -2),
    )
    assert reading == Reading(
        time_ms=ARRIVAL_MS,
        energy_import_wh=8_603_839,
        energy_import_t1_wh=8_602_470,
        energy_import_t2_wh=1_360,
        energy_export_t1_wh=120,
        energy_export_t2_wh=340,
        power_import_w=0,
        power_export_w=110,
    )


def test_a_meter_with_a_register_each_way() -> None:
    """Where a meter has import and export of their own, each goes to its field; one that is not sent is absent."""
    reading = read(
        IMPORT,
        entry("1-0:1.7.0*255", unsigned(250, 2), WATT),
        entry("1-0:2.7.0*255", unsigned(0, 2), WATT),
        entry("1-0:21.7.0*255", unsigned(250, 2), WATT),
    )
    assert reading.power_import_w == 250
    assert reading.HasField("power_export_w")
    assert list(reading.phases) == [Phase(power_import_w=250)]


def test_a_meter_without_pin_tells_only_counters() -> None:
    """Before the household has entered its PIN a meter sends counters in Wh and no power: that is absent, not zero."""
    assert read(IMPORT) == Reading(time_ms=ARRIVAL_MS, energy_import_wh=79_139)


@pytest.mark.parametrize(
    ("serial", "value", "expected"),
    [
        (44_000_000, signed(0x8025 - 0x10000, 2), (328, 0)),
        (44_000_000, signed(0x90 - 0x100, 1), (1, 0)),
        (44_000_000, signed(0x802500 - 0x1000000, 3), (83_981, 0)),
        (44_000_000, signed(32_805, 3), (328, 0)),
        (44_000_000, signed(-126_061, 4), (0, 1_261)),
        (57_000_000, signed(0x8025 - 0x10000, 2), (328, 0)),
        (60_000_000, signed(0x8025 - 0x10000, 2), (0, 327)),
    ],
)
def test_a_meter_that_signs_wrongly(serial: int, value: bytes, expected: tuple[int, int]) -> None:
    """A DZG DVS74 of the faulty series calls positive powers signed that have no room for a sign; later ones do not."""
    reading = read(
        entry("1-0:96.1.0*255", octets(b"\x0a\x01DZG\x00" + serial.to_bytes(4, "big"))),
        entry("1-0:16.7.0*255", value, WATT, -2),
    )
    assert (reading.power_import_w, reading.power_export_w) == expected


def test_escapes_within_values() -> None:
    """A value of four 0x1B is written twice as long and comes out as it is."""
    reading = read(entry("1-0:1.8.0*255", b"\x65\x1b\x1b\x1b\x1b", WATT_HOUR, -1))
    assert reading.energy_import_wh == round(0x1B1B1B1B / 10)


@given(st.data())
def test_any_damage_is_noticed(data: st.DataObject) -> None:
    """Whichever byte of a transmission changes, no reading comes of it."""
    whole = telegram(IMPORT)
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    framer = SmlFramer()
    for frame in framer.feed(bytes(damaged)) + framer.finish():
        if isinstance(frame, Telegram):
            assert refusal(frame.data) == "TELEGRAM_CRC"


@pytest.mark.parametrize(
    "data",
    [
        transmission(),
        transmission(b"\x00" * 8),
        telegram(),
        telegram(entry("1-0:1.8.0*255", NOTHING, WATT_HOUR)),
        telegram(entry("1-0:1.8.0*255", unsigned(5, 4), WATT)),
        telegram(entry("1-0:1.8.0*255", unsigned(5, 4))),
        telegram(entry("1-0:1.8.0*255", signed(-5, 4), WATT_HOUR)),
        telegram(entry("1-0:1.8.0*255", unsigned(5, 4), WATT_HOUR, 127)),
        telegram(entry("1-0:32.7.0*255", unsigned(2**63, 8), VOLT)),
        telegram(entry("1-0:1.8.0*255", octets(b"12345"), WATT_HOUR)),
        telegram(listed([NOTHING] * 3)),
        transmission(values([IMPORT])[:-8]),
        transmission(message(1, 0xFF01, listed([NOTHING]))),
        transmission(b"\x71" * 8_000),
        transmission(b"\xff" + b"\x8f" * 60 + b"\x0f"),
        transmission(b"\x76\xff\xff\xff\x0f" + b"\x01" * 40),
        transmission(b"\x8f\x8f\x8f"),
    ],
    ids=range(17),
)
def test_nonsense_is_refused(data: bytes) -> None:
    """Below a right checksum too: no registers, wrong units, values no meter has, lists longer than memory."""
    assert refusal(data) == "TELEGRAM_MALFORMED"


async def chunked(data: bytes, size_bytes: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size_bytes):
        yield data[start : start + size_bytes]


async def test_a_stream_with_damage() -> None:
    """Good telegrams become readings; cut and damaged ones are told by place and cost no other."""
    good = telegram(IMPORT)
    damaged = good[:60] + bytes([good[60] ^ 1]) + good[61:]
    stream = good[100:] + good + damaged + good[:50] + good + good
    rejected: list[Rejected] = []
    found = decoded(
        frames(chunked(stream, 7), SmlFramer()), lambda data: reading_from_sml(data, ARRIVAL_MS), rejected.append
    )
    assert [reading.energy_import_wh async for reading in found] == [79_139] * 3
    size = len(good)
    assert [(piece.position_bytes, piece.reason) for piece in rejected] == [
        (0, "TELEGRAM_CUT"),
        (size - 100 + size, "TELEGRAM_CRC"),
        (size - 100 + 2 * size, "TELEGRAM_CUT"),
    ]
