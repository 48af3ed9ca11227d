from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.plausible import first_ahead, refusals
from edge.domain.reading import COUNT_MAX, ReadingLimits, SubMeterKind
from edge.errors import Fault, ReadingError
from tests.rows import Phase, Reading, SubReading, batch_of

NOW_MS = 1_000_000
LIMITS = ReadingLimits(
    future_ms_max=2_000,
    ahead_ms_max=9_000,
    past_ms_max=500_000,
    power_w_max=1_000,
    energy_wh_max=10_000,
    voltage_dv_max=5_000,
    current_ma_max=80_000,
    volume_l_max=900,
    raw_registers_max=2,
    raw_chars_max=10,
)
READING = Reading(sequence=1, time_ms=NOW_MS)
SUB = SubReading(channel=1, kind=SubMeterKind.GAS, time_ms=NOW_MS)

ENERGIES = [f"energy_{way}{tariff}_wh" for way in ("import", "export") for tariff in ("", "_t1", "_t2")]
POWERS = ["power_import_w", "power_export_w", "demand_w", "peak_demand_w"]
FIELDS = [
    *((name, LIMITS.energy_wh_max) for name in ENERGIES),
    *((name, LIMITS.power_w_max) for name in POWERS),
    ("power_failures", COUNT_MAX),
    ("long_power_failures", COUNT_MAX),
]
PHASE_FIELDS = [
    ("power_import_w", LIMITS.power_w_max),
    ("power_export_w", LIMITS.power_w_max),
    ("voltage_dv", LIMITS.voltage_dv_max),
    ("current_ma", LIMITS.current_ma_max),
    ("voltage_sags", COUNT_MAX),
    ("voltage_swells", COUNT_MAX),
]


def reason_of(reading: Reading) -> str:
    """Returns the reason for which a reading is refused; nothing if it is not."""
    error = error_of(reading)
    return error.reason if error else ""


def error_of(reading: Reading) -> ReadingError | None:
    """Returns what a reading is refused with, between two that are good."""
    errors = refusals(batch_of([READING, reading, READING]), LIMITS, NOW_MS)
    assert errors.keys() <= {1}, "one reading's fault is not another's"
    return errors.get(1)


def with_field(name: str, value: int, phase: int | None) -> Reading:
    """Returns a reading with one value, of all phases together or of the phase at a place."""
    if phase is None:
        return replace(READING, **{name: value})  # type: ignore[arg-type]
    phases = tuple(Phase(**({name: value} if place == phase else {})) for place in range(3))
    return replace(READING, phases=phases)


def test_nothing_measured() -> None:
    """A reading that measured nothing is one: absent is not zero and not wrong."""
    assert reason_of(READING) == ""
    assert reason_of(replace(READING, phases=(Phase(),) * 3, sub_readings=(SUB,))) == ""


@pytest.mark.parametrize(
    ("name", "maximum", "phase"),
    [
        *((name, maximum, None) for name, maximum in FIELDS),
        *((name, maximum, phase) for name, maximum in PHASE_FIELDS for phase in range(3)),
    ],
)
def test_bounds_of_each_field(name: str, maximum: int, phase: int | None) -> None:
    """Each field is kept from 0 up to its limit; beyond, the refusal names field and phase, never the value."""
    for value in (0, 1, maximum):
        assert reason_of(with_field(name, value, phase)) == ""
    named = name if phase is None else f"L{phase + 1} {name}"
    for value, reason in ((-1, "READING_NEGATIVE"), (maximum + 1, "READING_IMPLAUSIBLE")):
        error = error_of(with_field(name, value, phase))
        assert error is not None
        assert error.message.startswith(f"{named} is ")
        assert (error.reason, error.fault) == (reason, Fault.METER)
        assert str(value) not in error.message


@given(time_ms=st.integers(0, 2 * NOW_MS))
def test_time(time_ms: int) -> None:
    """A reading is kept unless it is further ahead of the edge's clock, or older, than the limits."""
    expected = ""
    if time_ms > NOW_MS + LIMITS.future_ms_max:
        expected = "READING_FROM_FUTURE"
    elif time_ms < NOW_MS - LIMITS.past_ms_max:
        expected = "READING_TOO_OLD"
    assert reason_of(replace(READING, time_ms=time_ms)) == expected


def test_time_bounds() -> None:
    """The limits themselves are within."""
    assert reason_of(replace(READING, time_ms=NOW_MS + LIMITS.future_ms_max)) == ""
    assert reason_of(replace(READING, time_ms=NOW_MS - LIMITS.past_ms_max)) == ""


@pytest.mark.parametrize(("tariff", "kept"), [(0, False), (1, True), (2, True), (3, False), (-1, False)])
def test_tariff(tariff: int, *, kept: bool) -> None:
    """A tariff indicator is 1 or 2, as there are two counters each way."""
    assert (reason_of(replace(READING, tariff=tariff)) == "") is kept


def test_bounded() -> None:
    """A connection has three phases at most, and four meters on its M-Bus."""
    assert reason_of(replace(READING, phases=(Phase(),) * 4)) == "READING_IMPLAUSIBLE"
    assert reason_of(replace(READING, sub_readings=(SUB,) * 4)) == ""
    assert reason_of(replace(READING, sub_readings=(SUB,) * 5)) == "READING_IMPLAUSIBLE"


@pytest.mark.parametrize(
    ("sub", "reason"),
    [
        (replace(SUB, channel=0), "READING_IMPLAUSIBLE"),
        (replace(SUB, channel=5), "READING_IMPLAUSIBLE"),
        (replace(SUB, channel=4, volume_l=900, energy_wh=10_000), ""),
        (replace(SUB, volume_l=901), "READING_IMPLAUSIBLE"),
        (replace(SUB, volume_l=-1), "READING_NEGATIVE"),
        (replace(SUB, energy_wh=10_001), "READING_IMPLAUSIBLE"),
        (replace(SUB, energy_wh=-1), "READING_NEGATIVE"),
        (replace(SUB, time_ms=NOW_MS + 2_001), "READING_FROM_FUTURE"),
        (replace(SUB, time_ms=NOW_MS + 2_000), ""),
        (replace(SUB, time_ms=0), ""),
    ],
)
def test_sub_readings(sub: SubReading, reason: str) -> None:
    """A sub-reading is held to its own limits, and one that is wrong refuses the reading that carries it."""
    assert reason_of(replace(READING, sub_readings=(SUB, sub))) == reason


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ((("1.8.0", "12345", ""),) * 2, True),
        ((("1.8.0", "12345", ""),) * 3, False),
        ((("1.8.0", "12345", "V"),), False),
    ],
)
def test_raw_registers(raw: tuple[tuple[str, str, str], ...], *, kept: bool) -> None:
    """Raw registers are bounded in number and in length; a reading beyond that is refused."""
    assert (reason_of(replace(READING, raw=raw)) == "") is kept


def test_the_first_reason_counts() -> None:
    """Of several things that are wrong with a reading one is told, its time first; refusals come in order."""
    wrong = Reading(1, NOW_MS + 2_001, power_import_w=-1, energy_import_wh=-1)
    readings = [replace(wrong, time_ms=NOW_MS), READING, wrong, Reading(1, NOW_MS, tariff=3, demand_w=1_001)]
    errors = refusals(batch_of(readings), LIMITS, NOW_MS)
    assert list(errors) == [0, 2, 3]
    assert [error.message.split()[0] for error in errors.values()] == ["energy_import_wh", "Its", "demand_w"]


@pytest.mark.parametrize(
    ("ahead_ms", "sub_ahead_ms", "doubted", "waits"),
    [
        (2_000, 0, False, False),
        (2_001, 0, False, True),
        (0, 2_001, False, True),
        (9_000, 0, False, True),
        (9_001, 0, False, False),
        (0, 9_001, False, False),
        (9_001, 0, True, True),
        (2_000, 0, True, False),
    ],
)
def test_what_waits_for_the_clock(ahead_ms: int, sub_ahead_ms: int, *, doubted: bool, waits: bool) -> None:
    """A reading waits that is ahead by more than a meter's clock may be and no more than explains a wrong edge's.

    If that clock is doubted anyway, whatever is ahead waits.
    """
    ahead = Reading(2, NOW_MS + ahead_ms, sub_readings=(SUB, replace(SUB, time_ms=NOW_MS + sub_ahead_ms)))
    batch = batch_of([replace(READING, sub_readings=(SUB,)), ahead, READING])
    assert first_ahead(batch, LIMITS, NOW_MS, clock_doubted=doubted) == (1 if waits else None)
