"""The columns of a table of readings: their names say what they hold and in which unit."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from edge.errors import EdgeError, Fault
from edge.gateway.quantities import integer, set_net_power
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading, SubMeter, SubMeterKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIME, TIME_MS = "time", "time_ms"
LEFT_OUT = "-"
"""What a column is renamed to that is not wanted."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_NET_POWER = "power_net_w"
_KINDS: Final = {"gas_l": (1, SubMeterKind.SUB_METER_KIND_GAS), "water_l": (2, SubMeterKind.SUB_METER_KIND_WATER)}


class TableError(EdgeError):
    """A file is no table, or its first line does not say what its columns hold."""

    reason = "CSV_INVALID"
    fault = Fault.CALLER
    default_advice = (
        "docs/meters.md has the names. --map THEIRS=OURS renames a column, --map THEIRS=- leaves it out, --delimiter "
        "says what stands between two."
    )


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds.

    Attributes:
        field: of a reading, with its unit; or of a phase, if there is one; or a sub-meter's.
        factor: from the column's unit to the field's.
        phase: 0 for L1; None for what is of all phases together.
    """

    field: str
    factor: Decimal
    phase: int | None = None


def columns_of(header: Sequence[str], names: Mapping[str, str]) -> list[Column | str | None]:
    """Returns what each column holds: a value, `TIME`, `TIME_MS`, or None for one that is left out.

    Args:
        header: the first line.
        names: our name by theirs, for columns that have another.

    Raises:
        TableError: a column is not known, two hold the same, or time or values are missing.
    """
    if missing := [name for name in names if name not in header]:
        raise TableError(f"There is no column {missing[0]!r} to rename; there are: {_listed(header)}.")
    ours = [names.get(name, name) for name in header]
    if unknown := [name for name in ours if name not in (TIME, TIME_MS, LEFT_OUT) and name not in _COLUMNS]:
        raise TableError(f"Of these columns it is not known what they hold: {_listed(unknown)}.")
    found = [_COLUMNS.get(name, None if name == LEFT_OUT else name) for name in ours]
    held = Counter(column if isinstance(column, str) else (column.field, column.phase) for column in found if column)
    if twice := [what for what, count in held.items() if count > 1]:
        what = twice[0] if isinstance(twice[0], str) else twice[0][0]
        raise TableError(f"Two columns hold {what}.")
    if (TIME in held) == (TIME_MS in held):
        raise TableError(f"It needs one column {TIME} or {TIME_MS}.")
    if len(held) == 1:
        raise TableError("It has a time and nothing that was measured then.")
    return found


def set_value(reading: Reading, column: Column, text: str) -> None:
    """Puts what a cell says into a reading.

    Args:
        reading: its time has to be set already.
        column: what the cell is of.
        text: a number with a decimal point.

    Raises:
        ValueError: it is no number, or none that a meter can have; says which.
    """
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"the {column.field} is not a number")
    value = integer(Decimal(text), column.factor)
    if column.field in _KINDS:
        channel, kind = _KINDS[column.field]
        reading.sub_meters.append(SubMeter(channel=channel, kind=kind, time_ms=reading.time_ms, volume_l=value))
        return
    message = reading if column.phase is None else _phase(reading, column.phase)
    if column.field == _NET_POWER:
        set_net_power(message, value)
        return
    if value < 0:
        raise ValueError(f"the {column.field} is negative")
    if column.field == "tariff" and value not in (1, 2):
        raise ValueError("the tariff is neither 1 nor 2")
    setattr(message, column.field, value)


def _phase(reading: Reading, place: int) -> Phase:
    while len(reading.phases) <= place:
        reading.phases.append(Phase())
    return reading.phases[place]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:20])


def _columns() -> dict[str, Column]:
    columns = {name: Column(name, Decimal(1)) for name in ("tariff", "power_failures", "long_power_failures")}
    for way in ("import", "export"):
        for tariff in ("", "_t1", "_t2"):
            _add(columns, f"energy_{way}{tariff}", {"wh": 1, "kwh": 1000})
    for power in ("power_import", "power_export", "power_net", "demand", "peak_demand"):
        _add(columns, power, {"w": 1, "kw": 1000})
    for place in range(3):
        for power in ("power_import", "power_export", "power_net"):
            _add(columns, power, {"w": 1, "kw": 1000}, place)
        _add(columns, "voltage", {"dv": 1, "v": 10}, place)
        _add(columns, "current", {"ma": 1, "a": 1000}, place)
        for count in ("voltage_sags", "voltage_swells"):
            columns[f"l{place + 1}_{count}"] = Column(count, Decimal(1), place)
    for sub_meter in ("gas", "water"):
        _add(columns, sub_meter, {"l": 1, "m3": 1000})
    return columns


def _add(columns: dict[str, Column], name: str, factors: Mapping[str, int], phase: int | None = None) -> None:
    """Adds a column for each unit; the first one is the field's own."""
    prefix = "" if phase is None else f"l{phase + 1}_"
    own_unit = next(iter(factors))
    for unit, factor in factors.items():
        columns[f"{prefix}{name}_{unit}"] = Column(f"{name}_{own_unit}", Decimal(factor), phase)


_COLUMNS: Final = _columns()
"""Every column there is, by its name."""
