from __future__ import annotations

import pytest

from edge_sdk.catalogue import APPLIANCES, CATALOGUE, Aggregation, Extent, in_words

PHASES = (1, 2, 3)
UNITS = {
    "power_import": "W",
    "power_export": "W",
    "power_net": "W",
    "energy_import": "Wh",
    "energy_export": "Wh",
    "gas": "m3",
    **{f"voltage_l{phase}": "V" for phase in PHASES},
    **{f"current_l{phase}": "A" for phase in PHASES},
}
COUNTED = ("energy_import", "energy_export", "gas")


@pytest.mark.parametrize(("name", "unit"), UNITS.items())
def test_household_series(name: str, unit: str) -> None:
    """Power, energy, gas, voltage and current of a household are there, in the contract's units."""
    series = CATALOGUE[name]
    assert (series.extent, series.unit) == (Extent.HOUSEHOLD, unit)
    assert series.aggregation is (Aggregation.DIFFERENCE if name in COUNTED else Aggregation.MEAN)


@pytest.mark.parametrize("name", UNITS)
def test_neighbourhood_series(name: str) -> None:
    """What a household has is there over the neighbourhood too, in the same unit and made in the same way."""
    own, whole = CATALOGUE[name], CATALOGUE[f"neighbourhood.{name}"]
    assert (whole.extent, whole.unit, whole.aggregation) == (Extent.NEIGHBOURHOOD, own.unit, own.aggregation)
    assert whole.base_name == name
    assert ("mean over" in whole.meaning) == (whole.unit == "V")
    assert "neighbourhood.tariff" not in CATALOGUE


@pytest.mark.parametrize("name", ["clock.unix_s", "clock.local_hour", "clock.weekday", "clock.tariff"])
def test_clock_series(name: str) -> None:
    """Unix seconds, local hour, weekday and tariff come from the time alone."""
    assert (CATALOGUE[name].extent, CATALOGUE[name].aggregation) == (Extent.CLOCK, Aggregation.COMPUTED)


def test_entries_are_named_by_their_keys() -> None:
    """Every entry stands under its name and says what it means; only clock series are computed."""
    for name, series in CATALOGUE.items():
        assert series.name == name
        assert series.meaning
        assert (series.aggregation is Aggregation.COMPUTED) == (series.extent is Extent.CLOCK)
        assert (series.base_name != name) == (series.extent is Extent.NEIGHBOURHOOD)
        assert series.base_name in CATALOGUE


def test_appliances() -> None:
    """The appliances of the contract can be commanded."""
    assert {"battery", "ev_charger", "heat_pump"} <= APPLIANCES


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("power_import", "power drawn from the grid (W), every 5 minutes, up to 1 hour back"),
        ("tariff", "the meter's tariff indicator, 1 or 2, every 5 minutes, up to 1 hour back"),
        ("clock.weekday", "the clock: local day of the week, Monday 0 to Sunday 6"),
        ("of_a_later_release", "of_a_later_release, every 5 minutes, up to 1 hour back"),
    ],
)
def test_in_words(name: str, words: str) -> None:
    """What is read of a household is said in words, with unit, resolution and window; the time is nobody's."""
    assert in_words(name, 3_600, 300) == words
