"""Readings and samples as a person, or a table, is shown them."""

from __future__ import annotations

import io
import math

import pytest

from edge.cli.readings import reading_text
from edge.cli.samples import CsvSamples, SampleLines
from edge.cli.times import local_times
from edge.domain.reading import Quality
from edge_sdk.wire.v1.household_pb2 import MeterReading, ReadSeriesResponse, SeriesSamples
from edge_sdk.wire.v1.meter_pb2 import SUB_METER_KIND_GAS, Phase, RawRegister, Reading, SubMeter

# An hour before and an hour after summer time ended in Amsterdam.
SUMMER_MS, WINTER_MS = 1_792_886_400_000, 1_792_893_600_000


def part(*values: float, from_ms: int = SUMMER_MS) -> ReadSeriesResponse:
    series = [SeriesSamples(name="power_import", unit="W", values=values)]
    return ReadSeriesResponse(from_ms=from_ms, resolution_s=3600, series=series, timezone="Europe/Amsterdam")


def test_a_reading_in_words() -> None:
    """Registers with their units, phases, sub-meters at their own times, raw registers, and marks in plain words."""
    said = Reading(
        sequence=1,
        time_ms=WINTER_MS,
        energy_import_wh=1_234_567,
        power_import_w=0,
        phases=[Phase(), Phase(voltage_dv=2305)],
        sub_meters=[SubMeter(channel=1, kind=SUB_METER_KIND_GAS, time_ms=SUMMER_MS, volume_l=12)],
        raw_registers=[RawRegister(code="0-0:96.13.0", value="a\x1b[2Jb")],
    )
    shown = reading_text(
        MeterReading(meter_id="m1", reading=said, marks=["ENERGY_JUMP", "NEWER"]), local_times("Europe/Amsterdam")
    )
    assert shown.splitlines() == [
        "2026-10-25 03:00:00 CET  m1  energy import 1,234,567 Wh, power import 0 W, L2 voltage 230.5 V",
        "    gas on channel 1 at 2026-10-25 02:00:00 CEST: volume 12 L",
        "    0-0:96.13.0: a\\x1b[2Jb",
        "    odd: a counter rose by more than the connection can carry; NEWER",
    ]


@pytest.mark.parametrize("mark", [mark for mark in Quality if mark], ids=lambda mark: str(mark.name))
def test_every_mark_has_words(mark: Quality) -> None:
    """No mark is shown by its name."""
    shown = reading_text(MeterReading(marks=[str(mark.name)], reading=Reading()), local_times("UTC"))
    assert str(mark.name) not in shown


def test_samples_as_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """One head, then a line each with local time and zone, over the seam of parts and of summer time; absent is `-`."""
    lines = SampleLines()
    lines.write(part(1.5, math.nan))
    lines.write(part(1000.0, from_ms=WINTER_MS))
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert shown == [
        ["from", "(Europe/Amsterdam)", "power_import", "W"],
        ["2026-10-25", "02:00:00", "CEST", "1.5"],
        ["2026-10-25", "02:00:00", "CET", "-"],
        ["2026-10-25", "03:00:00", "CET", "1,000"],
    ]


def test_samples_as_a_table() -> None:
    """One head, then UTC and the numbers as they are; absent is an empty cell."""
    out = io.StringIO()
    table = CsvSamples(out)
    table.write(part(0.1, math.nan))
    table.write(part(1000.0, from_ms=WINTER_MS))
    assert out.getvalue().splitlines() == [
        "time_ms,time,power_import",
        f"{SUMMER_MS},2026-10-25T00:00:00+00:00,0.1",
        f"{SUMMER_MS + 3_600_000},2026-10-25T01:00:00+00:00,",
        f"{WINTER_MS},2026-10-25T02:00:00+00:00,1000.0",
    ]


def test_a_zone_that_this_machine_does_not_know() -> None:
    """Times are shown in UTC then, and say so."""
    assert local_times("Nowhere/At_All")(0) == "1970-01-01 00:00:00 UTC"
