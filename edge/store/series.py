"""How each base series of the catalogue is made of the tables."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from edge.domain.reading import SubMeterKind
from edge.store.readings import READING_ORDER
from edge.store.schema import TOTAL_EXPORT_WH, TOTAL_IMPORT_WH


class Together(Enum):
    """What the meters of one household, or the households of a neighbourhood, make together."""

    SUM = auto()
    MEAN = auto()
    AGREEMENT = auto()


@dataclass(frozen=True, slots=True)
class Family:
    """Series that are made of one table in one way, so that one query serves several of them.

    Attributes:
        name: for a person.
        table: of a day's file, which holds the readings.
        rollup: the table of the roll-ups, without the length of its buckets.
        shift_ms: 0 if a bucket is from its start up to, not including, its end; 1 if it is from after its start up to
            and including its end.
        channels: how many counters of one meter the table tells apart.
    """

    name: str
    table: str
    rollup: str
    shift_ms: int
    channels: int = 1

    @property
    def is_of_sub_meters(self) -> bool:
        """Whether it is about meters on the M-Bus, which may hang on any of a household's meters."""
        return self.channels > 1

    @property
    def channel(self) -> str:
        """Which of a meter's counters a row is about, as an expression."""
        return "channel" if self.is_of_sub_meters else "1"


MEAN = Family("mean", "readings", "means", 0)
LAST = Family("last", "readings", "means", 0)
COUNTER = Family("counter", "readings", "counters", 1)
SUB_COUNTER = Family("sub-meter's counter", "sub_readings", "sub_counters", 1, channels=4)


@dataclass(frozen=True, slots=True)
class Column:
    """An integer expression over a row, and what to divide by for the series' unit."""

    family: Family
    expression: str
    divisor: int = 1
    together: Together = Together.SUM


COLUMNS = {
    "power_import": Column(MEAN, "power_import_w"),
    "power_export": Column(MEAN, "power_export_w"),
    "power_net": Column(MEAN, "power_import_w - coalesce(power_export_w, 0)"),
    **{f"voltage_l{n}": Column(MEAN, f"l{n}_voltage_dv", 10, Together.MEAN) for n in (1, 2, 3)},
    **{f"current_l{n}": Column(MEAN, f"l{n}_current_ma", 1000) for n in (1, 2, 3)},
    "tariff": Column(LAST, "tariff", together=Together.AGREEMENT),
    "energy_import": Column(COUNTER, TOTAL_IMPORT_WH),
    "energy_export": Column(COUNTER, TOTAL_EXPORT_WH),
    "gas": Column(SUB_COUNTER, f"CASE WHEN kind = {int(SubMeterKind.GAS)} THEN volume_l END", 1000),
}

NEWEST = "{'time_ms': time_ms, 'sequence': sequence, 'spool_id': spool_id}"
"""`READING_ORDER` with names, as roll-ups of sub-meters keep it: a meter's own time says nothing of its file's day."""


def of_family(family: Family) -> list[str]:
    """Returns the names of a family's series."""
    return [name for name, column in COLUMNS.items() if column.family is family]


def parts(family: Family, name: str) -> dict[str, str]:
    """Returns what is kept of a series over a bucket: by name of the part, an aggregate over the rows.

    Parts of several buckets make up those of a longer one exactly: sums and counts of integers add up, the newest of
    the newest is the newest, the lowest of the lowest the lowest.
    """
    value = COLUMNS[name].expression
    if family is MEAN:
        return {f"{name}_sum": f"coalesce(sum({value}), 0)::BIGINT", f"{name}_count": f"count({value})::INTEGER"}
    newest = {f"{name}_last": f"arg_max({value}, {READING_ORDER})"}
    if family is LAST:
        return newest
    range_of = {f"{name}_lowest": f"min({value})", f"{name}_highest": f"max({value})"}
    if family is COUNTER:
        return newest | range_of
    return newest | range_of | {f"{name}_newest": f"max({NEWEST}) FILTER (WHERE {value} IS NOT NULL)"}
