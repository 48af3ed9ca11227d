"""The catalogue: every series an input can name, with unit and meaning. Part of the contract.

A name is a base series of one household, the same over the neighbourhood (`neighbourhood.power_net`), or of the
clock (`clock.local_hour`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge_sdk import durations

NEIGHBOURHOOD_PREFIX = "neighbourhood."


class Extent(StrEnum):
    """Whose values a series holds."""

    HOUSEHOLD = "household"
    NEIGHBOURHOOD = "neighbourhood"
    CLOCK = "clock"


class Aggregation(StrEnum):
    """How a series becomes the one value of a sample."""

    MEAN = "mean"
    """Mean of what was measured within the sample."""
    DIFFERENCE = "difference"
    """Counter at the end of the sample less counter at its start."""
    LAST = "last"
    """The newest value within the sample."""
    COMPUTED = "computed"
    """From the time alone."""


@dataclass(frozen=True, slots=True)
class Series:
    """One entry of the catalogue."""

    name: str
    unit: str
    meaning: str
    extent: Extent
    aggregation: Aggregation

    @property
    def base_name(self) -> str:
        """The household series that a neighbourhood series is made of; otherwise the name itself."""
        return self.name.removeprefix(NEIGHBOURHOOD_PREFIX)


def _household() -> list[Series]:
    mean, difference, last = Aggregation.MEAN, Aggregation.DIFFERENCE, Aggregation.LAST
    rows = [
        ("power_import", "W", "power drawn from the grid", mean),
        ("power_export", "W", "power fed into the grid", mean),
        ("power_net", "W", "power drawn less power fed in", mean),
        ("energy_import", "Wh", "energy drawn from the grid during the sample", difference),
        ("energy_export", "Wh", "energy fed into the grid during the sample", difference),
        ("gas", "m3", "gas used during the sample", difference),
        ("tariff", "", "the meter's tariff indicator, 1 or 2", last),
    ]
    for phase in (1, 2, 3):
        rows.append((f"voltage_l{phase}", "V", f"voltage of phase {phase}", mean))
        rows.append((f"current_l{phase}", "A", f"current of phase {phase}", mean))
    return [Series(name, unit, meaning, Extent.HOUSEHOLD, how) for name, unit, meaning, how in rows]


def _neighbourhood(household: list[Series]) -> list[Series]:
    return [
        Series(
            NEIGHBOURHOOD_PREFIX + series.name,
            series.unit,
            # A sum of voltages means nothing.
            f"{series.meaning}, {'mean' if series.unit == 'V' else 'sum'} over the consenting households that reported",
            Extent.NEIGHBOURHOOD,
            series.aggregation,
        )
        for series in household
        if series.aggregation is not Aggregation.LAST  # A street has no tariff of its own; `clock.tariff` is there.
    ]


def _clock() -> list[Series]:
    rows = [
        ("clock.unix_s", "s", "unix time at the start of the sample"),
        ("clock.local_hour", "h", "local time of day at the start of the sample, 0 up to 24, with fractions"),
        ("clock.weekday", "", "local day of the week, Monday 0 to Sunday 6"),
        ("clock.tariff", "", "the neighbourhood's tariff by the clock: 1 low, 2 normal"),
    ]
    return [Series(name, unit, meaning, Extent.CLOCK, Aggregation.COMPUTED) for name, unit, meaning in rows]


def _build() -> dict[str, Series]:
    household = _household()
    return {series.name: series for series in (*household, *_neighbourhood(household), *_clock())}


CATALOGUE: dict[str, Series] = _build()
"""Every series by name."""

APPLIANCES: frozenset[str] = frozenset(
    {"battery", "boiler", "ev_charger", "heat_pump", "pv_inverter", "washing_machine"}
)
"""Appliances that an action can command."""


def in_words(name: str, window_s: int, resolution_s: int) -> str:
    """Returns what reading a series means, for who is read: what, how finely, how far back.

    A name that is not in the catalogue, as an edge of a newer release may have it, stands for itself.
    """
    series = CATALOGUE.get(name)
    if series is None:
        what = name
    elif series.extent is Extent.CLOCK:
        return f"the clock: {series.meaning}"
    else:
        what = f"{series.meaning} ({series.unit})" if series.unit else series.meaning
    return f"{what}, {durations.every_in_words(resolution_s)}, up to {durations.in_words(window_s)} back"
