from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.domain.meter import Meter, MeterKind
from edge.domain.reading import Quality, SubMeterKind
from edge.domain.slot import DAY_MS
from edge.domain.spool import Spool
from edge.domain.window import WindowSpec
from edge_sdk.catalogue import CATALOGUE
from tests.rows import Phase, Reading, StoredReading, SubReading, as_batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.store.store import Store

    Rows = list[list[float]]

NAN = float("nan")
MINUTE_MS = 60_000
MIDNIGHT_MS = 20_001 * DAY_MS
NOON_MS = MIDNIGHT_MS - DAY_MS // 2
ELECTRICITY, GAS, SUB = MeterKind.ELECTRICITY, MeterKind.GAS, MeterKind.SUB
NUMBERS = itertools.count()


class Street:
    """Meters of one test, with what they said, in a store that other tests use too."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._name = f"street-{next(NUMBERS)}"
        self._rows: list[StoredReading] = []
        self.meters: list[Meter] = []

    def meter(self, household: str, kind: MeterKind = ELECTRICITY) -> str:
        """Enrols a meter and returns its id."""
        meter = Meter(f"{self._name}-{len(self.meters)}", household, kind, 0)
        self.meters.append(meter)
        return meter.meter_id

    def say(self, meter_id: str, time_ms: int, **registers: Any) -> None:
        """Notes a reading; each meter's are numbered as they come."""
        sequence = 1 + sum(row.spool.meter_id == meter_id for row in self._rows)
        self._rows.append(
            StoredReading(Spool(meter_id, ""), time_ms, Reading(sequence, time_ms, **registers), Quality.GOOD)
        )

    def window(
        self,
        series: str,
        samples: int,
        resolution_ms: int = MINUTE_MS,
        *,
        slot_ms: int = NOON_MS,
        households: Sequence[str] = ("h1",),
        group_min: int = 2,
    ) -> Rows:
        """Returns the window of one series, after storing what was said."""
        asyncio.run(self._store.append_readings(as_batches(self._rows)))
        self._rows.clear()
        spec = WindowSpec(CATALOGUE[series], samples, resolution_ms)
        found = self._store.windows.matrix([spec], slot_ms, households, self.meters, group_min)
        return found[0].tolist()  # type: ignore[no-any-return]


@pytest.fixture
def street(shared_store: Store) -> Street:
    """A street of its own for each test."""
    return Street(shared_store)


def same(found: Rows, expected: Rows) -> bool:
    """Says whether two windows are equal, NaN where the other is."""
    return np.array_equal(np.array(found), np.array(expected), equal_nan=True)


def gas(time_ms: int, volume_l: int, channel: int = 1) -> tuple[SubReading, ...]:
    """Returns what a gas meter on the M-Bus said, at its own time."""
    return (SubReading(channel, SubMeterKind.GAS, time_ms, volume_l=volume_l),)


def test_mean(street: Street) -> None:
    """A mean is over the readings from a sample's start up to, not including, its end."""
    meter = street.meter("h1")
    for second, power_w in [(-121, 7_000), (-120, 100), (-61, 200), (-60, 1_000), (0, 9_000)]:
        street.say(meter, NOON_MS + second * 1000, power_import_w=power_w)
    assert street.window("power_import", 2) == [[150, 1_000]]


def test_absent_is_not_zero(street: Street) -> None:
    """A register that was not reported is passed over, not counted as zero; a sample without any is NaN."""
    meter = street.meter("h1")
    street.say(meter, NOON_MS - 150_000, power_import_w=None)
    street.say(meter, NOON_MS - 30_000, power_import_w=300)
    street.say(meter, NOON_MS - 20_000, power_export_w=100)
    assert same(street.window("power_import", 3), [[NAN, NAN, 300]])
    assert same(street.window("power_export", 3), [[NAN, NAN, 100]])
    assert same(street.window("energy_import", 3), [[NAN] * 3])


def test_net_power(street: Street) -> None:
    """Net power is import less export; a meter that reports no export exports nothing, one without import is silent."""
    meter = street.meter("h1")
    street.say(meter, NOON_MS - 150_000, power_import_w=500, power_export_w=2_000)
    street.say(meter, NOON_MS - 90_000, power_import_w=500)
    street.say(meter, NOON_MS - 30_000, power_export_w=500)
    assert same(street.window("power_net", 3), [[-1_500, 500, NAN]])


def test_difference(street: Street) -> None:
    """Energy is the counter at the sample's end less that at its start, each by the newest reading until then."""
    meter = street.meter("h1")
    for second, counter_wh in [(-130, 90), (-121, 100), (-100, 150), (-60, 170), (-30, 180), (0, 200), (1, 999)]:
        street.say(meter, NOON_MS + second * 1000, energy_import_wh=counter_wh)
    assert street.window("energy_import", 2) == [[70, 30]]


def test_no_difference_across_a_gap(street: Street) -> None:
    """Where an edge has no reading in the resolution before it, the samples on both sides are NaN, never bridged."""
    meter = street.meter("h1")
    for minute, counter_wh in [(-4, 100), (-3, 110), (-1, 130), (0, 140)]:
        street.say(meter, NOON_MS + minute * MINUTE_MS, energy_import_wh=counter_wh)
    assert same(street.window("energy_import", 4), [[10, NAN, NAN, 10]])


def test_tariff_registers_add_up(street: Street) -> None:
    """A meter that counts by tariff has the sum as its counter, also while only one of them moves."""
    meter = street.meter("h1")
    street.say(meter, NOON_MS - MINUTE_MS, energy_import_t1_wh=100, energy_import_t2_wh=50, energy_export_t2_wh=5)
    street.say(meter, NOON_MS, energy_import_t1_wh=100, energy_import_t2_wh=57, energy_export_t2_wh=9)
    assert street.window("energy_import", 1) == [[7]]
    assert street.window("energy_export", 1) == [[4]]


@pytest.mark.parametrize("counters_wh", [(100, 20, 30), (100, 20, 130), (100, 150, 120)])
def test_exchanged_meter(street: Street, counters_wh: tuple[int, int, int]) -> None:
    """Where the counter fell the sample is NaN, though the new one may have passed the old; the next one is whole."""
    meter = street.meter("h1")
    last_wh = counters_wh[-1] + 5
    for half_minute, counter_wh in zip((-4, -3, -2, 0), (*counters_wh, last_wh), strict=True):
        street.say(meter, NOON_MS + half_minute * MINUTE_MS // 2, energy_import_wh=counter_wh)
    assert same(street.window("energy_import", 2), [[NAN, 5]])


def test_order_of_arrival_makes_no_difference(street: Street) -> None:
    """Late readings stand where their time puts them; of several at one time the last sent is the newest."""
    meter = street.meter("h1")
    for second, counter_wh, tariff in [(0, 50, 1), (-60, 9, 1), (-60, 10, 2), (0, 60, 2)]:
        street.say(meter, NOON_MS + second * 1000, energy_import_wh=counter_wh, tariff=tariff)
    assert street.window("energy_import", 1) == [[50]]
    assert street.window("tariff", 1) == [[2]]


def test_tariff_is_the_last(street: Street) -> None:
    """The tariff of a sample is the newest within it; it is not carried on into a sample without one."""
    meter = street.meter("h1")
    for second, tariff in [(-180, 1), (-121, 2), (-60, 1), (0, 2)]:
        street.say(meter, NOON_MS + second * 1000, tariff=tariff)
    assert same(street.window("tariff", 3), [[2, NAN, 1]])


def test_units(street: Street) -> None:
    """Voltage is in volts, current in amperes, gas in cubic metres."""
    meter = street.meter("h1")
    phases = (Phase(voltage_dv=2_301, current_ma=1_500), Phase(), Phase(current_ma=0))
    street.say(meter, NOON_MS - MINUTE_MS, phases=phases, sub_readings=gas(NOON_MS - MINUTE_MS, 1_000))
    street.say(meter, NOON_MS - 1, sub_readings=gas(NOON_MS, 1_250))
    assert street.window("voltage_l1", 1) == [[230.1]]
    assert street.window("current_l1", 1) == [[1.5]]
    assert same(street.window("voltage_l2", 1), [[NAN]])
    assert street.window("current_l3", 1) == [[0]]
    assert street.window("gas", 1) == [[0.25]]


def test_household_without_readings(street: Street) -> None:
    """A household whose meter is silent, or that has none, is NaN in its own row; others are not touched by it."""
    street.meter("silent")
    street.say(street.meter("h1"), NOON_MS - 1, power_import_w=5)
    found = street.window("power_import", 2, households=["silent", "h1", "nobody"])
    assert same(found, [[NAN, NAN], [NAN, 5], [NAN, NAN]])


def test_two_meters(street: Street) -> None:
    """A household with two electricity meters has their sum where both have a value, else NaN."""
    first, second = street.meter("h1"), street.meter("h1")
    street.say(first, NOON_MS - 90_000, power_import_w=5)
    street.say(first, NOON_MS - 1, power_import_w=5)
    street.say(second, NOON_MS - 1, power_import_w=70)
    assert same(street.window("power_import", 2), [[NAN, 75]])
    street.meter("h1")
    assert same(street.window("power_import", 2), [[NAN, NAN]])


def test_what_does_not_add_up(street: Street) -> None:
    """The voltage of two meters is their mean, their tariff the one they agree on."""
    for tariffs, voltage_dv in [((1, 2), 2_300), ((1, 1), 2_320)]:
        meter = street.meter("h1")
        for second, tariff in zip((-90, -1), tariffs, strict=True):
            street.say(meter, NOON_MS + second * 1000, tariff=tariff, phases=(Phase(voltage_dv=voltage_dv),))
    assert street.window("voltage_l1", 2) == [[231, 231]]
    assert same(street.window("tariff", 2), [[1, NAN]])


def test_sub_meter_is_not_added(street: Street) -> None:
    """What a sub-meter measures, the meter before it has measured: it neither adds to the household nor silences it."""
    meter, sub = street.meter("h1"), street.meter("h1", SUB)
    for minute in (-2, -1, 0):
        time_ms = NOON_MS + minute * MINUTE_MS
        street.say(meter, time_ms, power_import_w=500, sub_readings=gas(time_ms, 100 + minute))
        if minute:
            street.say(sub, time_ms, power_import_w=300, sub_readings=gas(time_ms, 200 + 5 * minute, channel=2))
    assert street.window("power_import", 2) == [[500, 500]]
    assert street.window("neighbourhood.power_import", 1, group_min=1) == [[500]]
    assert street.window("gas", 2) == [[0.001, 0.001]]


def test_gas_meter_is_no_electricity_meter(street: Street) -> None:
    """A household's gas meter, which measures no power, does not silence its electricity, nor the other way round."""
    electricity, gas_meter = street.meter("h1"), street.meter("h1", GAS)
    street.say(electricity, NOON_MS - 1, power_import_w=500)
    for minute in (-1, 0):
        street.say(gas_meter, NOON_MS, sub_readings=gas(NOON_MS + minute * MINUTE_MS, 50 + minute))
    assert street.window("power_import", 1) == [[500]]
    assert street.window("gas", 1) == [[0.001]]


def test_gas_has_its_own_time(street: Street) -> None:
    """Gas counts at the gas meter's own time, whenever the reading that carries it, repeated or over midnight, came."""
    meter = street.meter("h1")
    hour_ms = 60 * MINUTE_MS
    for sent_ms, own_ms, volume_l in [
        (MIDNIGHT_MS - 2 * hour_ms + 5_000, MIDNIGHT_MS - 2 * hour_ms, 1_000),
        (MIDNIGHT_MS - 2 * hour_ms + 15_000, MIDNIGHT_MS - 2 * hour_ms, 1_000),
        (MIDNIGHT_MS - hour_ms + 5_000, MIDNIGHT_MS - hour_ms, 1_500),
        (MIDNIGHT_MS + 5_000, MIDNIGHT_MS, 1_700),
        (MIDNIGHT_MS + hour_ms - 1_000, MIDNIGHT_MS + hour_ms, 2_000),
    ]:
        street.say(meter, sent_ms, sub_readings=gas(own_ms, volume_l))
    assert street.window("gas", 3, hour_ms, slot_ms=MIDNIGHT_MS + hour_ms) == [[0.5, 0.2, 0.3]]


def test_exchanged_gas_meter(street: Street) -> None:
    """A new gas meter on another channel is another counter: neither one is read as the other."""
    meter = street.meter("h1")
    for minute, volume_l, channel in [(-4, 900, 1), (-3, 901, 1), (-2, 3, 2), (-1, 5, 2), (0, 8, 2)]:
        time_ms = NOON_MS + minute * MINUTE_MS
        street.say(meter, time_ms, sub_readings=gas(time_ms, volume_l, channel))
    assert same(street.window("gas", 2), [[0.002, 0.003]])


def test_two_gas_meters(street: Street) -> None:
    """Two gas meters of one household are added up, NaN where one that is heard in the window says nothing."""
    meter = street.meter("h1")
    for minute in (-2, -1, 0):
        time_ms = NOON_MS + minute * MINUTE_MS
        subs = gas(time_ms, 10 + minute) + (gas(time_ms, 1_000 + 5 * minute, channel=2) if minute else ())
        street.say(meter, time_ms, sub_readings=subs)
    assert same(street.window("gas", 2), [[0.006, NAN]])


def test_neighbourhood(street: Street) -> None:
    """A neighbourhood sample is the sum over all households that have a value, whoever is asked for."""
    meters = {household: street.meter(household) for household in ("h1", "h2", "h3")}
    for household, minute, power_w in [("h1", -3, 1), ("h1", -2, 2), ("h2", -2, 20), ("h2", -1, 30), ("h3", -1, 300)]:
        street.say(meters[household], NOON_MS + minute * MINUTE_MS, power_import_w=power_w)
    street.say(meters["h1"], NOON_MS - MINUTE_MS, power_import_w=3)
    for households in ((), ("h1",), ("h1", "h2", "h3")):
        assert same(
            street.window("neighbourhood.power_import", 3, households=households, group_min=2), [[NAN, 22, 333]]
        )
    assert same(street.window("neighbourhood.power_import", 3, group_min=3), [[NAN, NAN, 333]])
    assert same(street.window("neighbourhood.power_import", 3, group_min=4), [[NAN, NAN, NAN]])


def test_one_silent_meter_in_the_street(street: Street) -> None:
    """A household that one of its meters keeps from having a value is left out of the sum, not counted in part."""
    for household in ("h1", "h2", "h3", "h3"):
        street.meter(household)
    for meter in street.meters[:3]:
        street.say(meter.meter_id, NOON_MS - 1, power_import_w=100)
    assert street.window("neighbourhood.power_import", 1, group_min=2) == [[200]]


def test_over_midnight(street: Street) -> None:
    """A window that begins yesterday is read from both days' files, without a seam."""
    meter = street.meter("h1")
    for minute in range(-3, 3):
        street.say(meter, MIDNIGHT_MS + minute * MINUTE_MS, energy_import_wh=100 + minute, power_import_w=minute + 10)
    slot_ms = MIDNIGHT_MS + 2 * MINUTE_MS
    assert street.window("energy_import", 4, slot_ms=slot_ms) == [[1, 1, 1, 1]]
    assert street.window("power_import", 4, slot_ms=slot_ms) == [[8, 9, 10, 11]]
