from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.reading import (
    Counters,
    Phase,
    Quality,
    Reading,
    ReadingLimits,
    SubMeterKind,
    SubReading,
    check_reading,
    judge_quality,
)
from edge.errors import Fault, ReadingError

NOW_MS = 1_000_000
LIMITS = ReadingLimits(
    future_ms_max=2_000,
    past_ms_max=500_000,
    power_w_max=1_000,
    energy_wh_max=10_000,
    voltage_dv_max=5_000,
    current_ma_max=80_000,
    volume_l_max=900,
)
READING = Reading(sequence=1, time_ms=NOW_MS)
SUB = SubReading(channel=1, kind=SubMeterKind.GAS, time_ms=NOW_MS)

ENERGIES = [f"energy_{way}{tariff}_wh" for way in ("import", "export") for tariff in ("", "_t1", "_t2")]
POWERS = ["power_import_w", "power_export_w", "demand_w", "peak_demand_w"]
FIELDS = [
    *((name, LIMITS.energy_wh_max) for name in ENERGIES),
    *((name, LIMITS.power_w_max) for name in POWERS),
]
PHASE_FIELDS = [
    ("power_import_w", LIMITS.power_w_max),
    ("power_export_w", LIMITS.power_w_max),
    ("voltage_dv", LIMITS.voltage_dv_max),
    ("current_ma", LIMITS.current_ma_max),
]
WATT_HOURS = st.none() | st.integers(0, 20)


def reason_of(reading: Reading) -> str:
    """Returns the reason for which a reading is refused; nothing if it is not."""
    try:
        check_reading(reading, LIMITS, NOW_MS)
    except ReadingError as error:
        return error.reason
    return ""


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
        with pytest.raises(ReadingError, match=f"^{named} is ") as caught:
            check_reading(with_field(name, value, phase), LIMITS, NOW_MS)
        assert (caught.value.reason, caught.value.fault) == (reason, Fault.METER)
        assert str(value) not in caught.value.message


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


@given(total=WATT_HOURS, first=WATT_HOURS, second=WATT_HOURS)
def test_totals(total: int | None, first: int | None, second: int | None) -> None:
    """The total is the meter's own, else the sum of the tariffs it counts, else nothing: never zero for absent."""
    counted = [value for value in (first, second) if value is not None]
    expected = total if total is not None else sum(counted) if counted else None
    imported = replace(READING, energy_import_wh=total, energy_import_t1_wh=first, energy_import_t2_wh=second)
    exported = replace(READING, energy_export_wh=total, energy_export_t1_wh=first, energy_export_t2_wh=second)
    assert (imported.total_import_wh, imported.total_export_wh) == (expected, None)
    assert (exported.total_import_wh, exported.total_export_wh) == (None, expected)


@given(
    before=st.builds(Counters, st.integers(0, 3), WATT_HOURS, WATT_HOURS),
    time_ms=st.integers(0, 3),
    import_wh=WATT_HOURS,
    export_wh=WATT_HOURS,
)
def test_quality(before: Counters, time_ms: int, import_wh: int | None, export_wh: int | None) -> None:
    """Older than the newest is out of order; else a counter that both have and that fell went backwards."""
    reading = Reading(2, time_ms, energy_import_wh=import_wh, energy_export_wh=export_wh)
    pairs = [(import_wh, before.import_wh), (export_wh, before.export_wh)]
    fell = any(new is not None and old is not None and new < old for new, old in pairs)
    if time_ms < before.time_ms:
        assert judge_quality(reading, before) is Quality.OUT_OF_ORDER
    else:
        assert judge_quality(reading, before) is (Quality.COUNTER_BACKWARDS if fell else Quality.GOOD)


def test_first_reading_is_good() -> None:
    """There is nothing odd about a meter's first reading."""
    assert judge_quality(READING, None) is Quality.GOOD
