"""Telegrams as meters of each kind send them, made here from the published registers, with correct checksums."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

REAL_FILE = Path(__file__).parents[4] / "shared" / "data" / "dsmr" / "dsmr5-566-telegrams.txt"


def _crc16(data: bytes) -> int:
    """CRC-16/ARC bit by bit, unlike the table under test."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return crc


class Telegrams:
    """Writes telegrams. Each is whole, with CRLF line ends."""

    @staticmethod
    def sealed(header: str, lines: Iterable[str]) -> bytes:
        """`lines` below `header`, closed with their checksum."""
        body = "\r\n".join([header, "", *lines, "!"]).encode("ascii")
        return body + f"{_crc16(body):04X}\r\n".encode("ascii")

    @classmethod
    def dsmr5(cls, time: str = "261123120000W", lines: Iterable[str] | None = None) -> bytes:
        """One like the three-phase meter of the real file, with gas and water; or with only `lines`."""
        registers = [
            "0-0:96.1.1(4530303434303037313331363530363138)",
            "1-0:1.8.1(003432.827*kWh)",
            "1-0:1.8.2(003224.632*kWh)",
            "1-0:2.8.1(000000.000*kWh)",
            "1-0:2.8.2(000001.005*kWh)",
            "0-0:96.14.0(0002)",
            "1-0:1.7.0(00.378*kW)",
            "1-0:2.7.0(00.000*kW)",
            "0-0:96.7.21(00005)",
            "0-0:96.7.9(00003)",
            "1-0:99.97.0(1)(0-0:96.7.19)(180417201458S)(0000000236*s)",
            *(f"1-0:{phase}2.32.0(0000{count})" for phase, count in ((3, 1), (5, 2), (7, 3))),
            *(f"1-0:{phase}2.36.0(0000{count})" for phase, count in ((3, 4), (5, 5), (7, 6))),
            "0-0:96.13.0()",
            *(f"1-0:{phase}2.7.0({volts}*V)" for phase, volts in ((3, "237.1"), (5, "235.2"), (7, "236.0"))),
            *(f"1-0:{phase}1.7.0({amperes}*A)" for phase, amperes in ((3, "000"), (5, "001"), (7, "002"))),
            *(f"1-0:{phase}1.7.0({power}*kW)" for phase, power in ((2, "00.045"), (4, "00.010"), (6, "00.322"))),
            *(f"1-0:{phase}2.7.0({power}*kW)" for phase, power in ((2, "00.000"), (4, "00.000"), (6, "00.001"))),
            "0-1:24.1.0(003)",
            "0-1:96.1.0(4730303339303031363532303530323136)",
            "0-1:24.2.1(261123115500W)(00981.443*m3)",
            "0-2:24.1.0(007)",
            "0-2:96.1.0(4730303339303031363532303530323137)",
            "0-2:24.2.1(261123114000W)(00012.001*m3)",
        ]
        content = registers if lines is None else lines
        return cls.sealed("/ISK5\\2M550T-1012", ["1-3:0.2.8(50)", f"0-0:1.0.0({time})", *content])

    @classmethod
    def dsmr4(cls) -> bytes:
        """A single-phase meter with whole amperes, a supply limit and gas."""
        lines = [
            "1-3:0.2.8(42)",
            "0-0:1.0.0(260701120000S)",
            "0-0:96.1.1(4530303235303030303633343933363133)",
            "1-0:1.8.1(001234.567*kWh)",
            "1-0:1.8.2(000765.432*kWh)",
            "1-0:2.8.1(000000.001*kWh)",
            "1-0:2.8.2(000000.010*kWh)",
            "0-0:96.14.0(0001)",
            "1-0:1.7.0(0000.12*kW)",
            "1-0:2.7.0(0000.00*kW)",
            "0-0:17.0.0(0999.00*kW)",
            "0-0:96.3.10(1)",
            "0-0:96.7.21(00006)",
            "0-0:96.7.9(00002)",
            "1-0:99.97.0()",
            "1-0:32.32.0(00000)",
            "1-0:32.36.0(00000)",
            "0-0:96.13.1()",
            "0-0:96.13.0()",
            "1-0:31.7.0(001*A)",
            "1-0:21.7.0(00.123*kW)",
            "1-0:22.7.0(00.000*kW)",
            "0-1:24.1.0(003)",
            "0-1:96.1.0(4730303131303033303937393938363133)",
            "0-1:24.2.1(260701110000S)(00246.138*m3)",
            "0-1:24.4.0(1)",
        ]
        return cls.sealed("/KFM5KAIFA-METER", lines)

    @staticmethod
    def dsmr22(gas_time: str = "121030140000") -> bytes:
        """A meter without time and checksum, whose gas register takes two lines."""
        lines = [
            "/ISk5\\2MT382-1000",
            "",
            "0-0:96.1.1(4B384547303034303436333935353037)",
            "1-0:1.8.1(00001.001*kWh)",
            "1-0:1.8.2(00002.002*kWh)",
            "1-0:2.8.1(00003.003*kWh)",
            "1-0:2.8.2(00004.004*kWh)",
            "0-0:96.14.0(0002)",
            "1-0:1.7.0(0001.01*kW)",
            "1-0:2.7.0(0000.00*kW)",
            "0-0:17.0.0(0999.00*kW)",
            "0-0:96.3.10(1)",
            "0-0:96.13.1()",
            "0-0:96.13.0()",
            "0-1:24.1.0(3)",
            "0-1:96.1.0(3238313031453631373038389930337131)",
            f"0-1:24.3.0({gas_time})(00)(60)(1)(0-1:24.2.1)(m3)",
            "(00001.001)",
            "0-1:24.4.0(1)",
            "!",
            "",
        ]
        return "\r\n".join(lines).encode("ascii")

    @classmethod
    def belgian(cls) -> bytes:
        """A meter of Fluvius: capacity tariff, a peak of an earlier month, gas not corrected for temperature, heat."""
        lines = [
            "0-0:96.1.4(50217)",
            "0-0:96.1.1(3153414733313030323630303332)",
            "0-0:1.0.0(261123120000W)",
            "1-0:1.8.1(000000.034*kWh)",
            "1-0:1.8.2(000015.758*kWh)",
            "1-0:2.8.1(000000.000*kWh)",
            "1-0:2.8.2(000000.011*kWh)",
            "1-0:1.4.0(02.351*kW)",
            "1-0:1.6.0(261109134558W)(02.589*kW)",
            "0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(261001000000S)(260912101500S)(03.695*kW)",
            "0-0:96.14.0(0001)",
            "1-0:1.7.0(00.000*kW)",
            "1-0:2.7.0(00.115*kW)",
            "1-0:32.7.0(234.7*V)",
            "1-0:31.7.0(000.51*A)",
            "0-0:96.3.10(1)",
            "0-0:17.0.0(999.9*kW)",
            "1-0:31.4.0(999*A)",
            "0-0:96.13.0()",
            "0-1:24.1.0(003)",
            "0-1:96.1.1(37464C4F32313139303333373333)",
            "0-1:24.4.0(1)",
            "0-1:24.2.3(261123115502W)(00112.384*m3)",
            "0-2:24.1.0(004)",
            "0-2:24.2.1(261123110000W)(00001.800*GJ)",
        ]
        return cls.sealed("/FLU5\\253769484_A", lines)

    @classmethod
    def luxembourg(cls) -> bytes:
        """A Smarty in clear text: totals only, a supply limit in kVA."""
        lines = [
            "1-3:0.2.8(42)",
            "0-0:1.0.0(261123120000W)",
            "0-0:42.0.0(53414731303330373030303030303131)",
            "1-0:1.8.0(000012.345*kWh)",
            "1-0:2.8.0(000006.789*kWh)",
            "1-0:3.8.0(000000.005*kvarh)",
            "1-0:1.7.0(00.512*kW)",
            "1-0:2.7.0(00.000*kW)",
            "1-0:3.7.0(00.000*kvar)",
            "0-0:17.0.0(27.600*kVA)",
            "1-0:32.7.0(230.0*V)",
            "1-0:31.7.0(002*A)",
        ]
        return cls.sealed("/Lux5\\253663629_D", lines)

    @classmethod
    def swedish(cls) -> bytes:
        """A three-phase meter with totals and tenths of amperes, which keeps winter time all year."""
        lines = [
            "0-0:1.0.0(260701120000W)",
            "1-0:1.8.0(00006678.394*kWh)",
            "1-0:2.8.0(00000000.000*kWh)",
            "1-0:3.8.0(00000021.988*kvarh)",
            "1-0:4.8.0(00001020.971*kvarh)",
            "1-0:1.7.0(0001.727*kW)",
            "1-0:2.7.0(0000.000*kW)",
            "1-0:21.7.0(0001.023*kW)",
            "1-0:41.7.0(0000.350*kW)",
            "1-0:61.7.0(0000.353*kW)",
            "1-0:32.7.0(240.3*V)",
            "1-0:52.7.0(240.1*V)",
            "1-0:72.7.0(241.3*V)",
            "1-0:31.7.0(004.2*A)",
            "1-0:51.7.0(001.6*A)",
            "1-0:71.7.0(001.7*A)",
        ]
        return cls.sealed("/ELL5\\253833635_A", lines)

    @classmethod
    def file(cls, count: int) -> bytes:
        """A file with the defects of the real one: LF for CRLF, the beginning of the first telegram missing."""
        start = datetime(2026, 3, 24, 15, 5, 18)  # noqa: DTZ001 - as the meter writes it
        times = [f"{start + timedelta(seconds=second):%y%m%d%H%M%S}W" for second in range(count + 1)]
        lines = [["1-0:1.8.0(000001.000*kWh)", f"1-0:1.7.0(00.{power % 1000:03}*kW)"] for power in range(count + 1)]
        stream = b"".join(cls.dsmr5(time, registers) for time, registers in zip(times, lines, strict=True))
        return stream[65:].replace(b"\r\n", b"\n")


@pytest.fixture(scope="session")
def telegrams() -> type[Telegrams]:
    """The writer of telegrams."""
    return Telegrams


@pytest.fixture(scope="session")
def amsterdam() -> ZoneInfo:
    return ZoneInfo("Europe/Amsterdam")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives `recording` each file of 566 telegrams there is: one made here, and the real one where it is at hand."""
    if "recording" in metafunc.fixturenames:
        recordings = {"made": Telegrams.file(566)}
        if REAL_FILE.exists():
            recordings["real"] = REAL_FILE.read_bytes()
        metafunc.parametrize("recording", recordings.values(), ids=recordings.keys())
