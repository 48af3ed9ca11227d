"""Readings as columns: from rows to columns, and from there to the wire.

Nothing here needs more than the protocol, for a gateway may be a small machine.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge_sdk.wire.v1.meter_pb2 import (
    Column,
    PhaseColumns,
    RawRegister,
    RawRegisterColumns,
    ReadingColumns,
    SubMeterColumns,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from google.protobuf.message import Message

    from edge_sdk.wire.v1.meter_pb2 import Phase, Reading, SubMeter

PHASES_MAX = 3
SUB_METERS_MAX = 4
_INT64_MAX = 2**63 - 1
# These columns have a place of their own.
_APART = ("sequence", "time_ms", "phases", "sub_meters", "raw_registers")


@dataclass(slots=True)
class Sparse:
    """The values of one field, and the rows that have one."""

    rows: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Transposed:
    """Readings by field. What nobody has is not there.

    Attributes:
        phases: of each phase its fields, L1 first.
        sub_rows: which reading each sub-meter stands in; so `raw_rows`.
        overfull: rows with more phases than there are; only the first three of them are in `phases`.
    """

    sequences: list[int]
    times_ms: list[int]
    registers: Mapping[str, Sparse]
    phases: Sequence[Mapping[str, Sparse]]
    sub_rows: list[int]
    sub_meters: list[SubMeter]
    raw_rows: list[int]
    raw_registers: list[RawRegister]
    overfull: tuple[int, ...]


def transpose(readings: Sequence[Reading], *, raw_registers_max: int) -> Transposed:
    """Returns `readings` by field.

    One sub-meter and one raw register more than a reading may have are looked at, and no further: a message can hold
    a million, and the rule that refuses the reading needs no more.

    Args:
        readings: which.
        raw_registers_max: of one reading; 0 leaves them all out.
    """
    registers = _by_field(enumerate(readings))
    phased = registers.pop("phases", Sparse())
    phases: list[Mapping[str, Sparse]] = []
    for number in range(PHASES_MAX):
        of_number: Iterable[tuple[int, Phase]] = (
            (row, of_row[number])
            for row, of_row in zip(phased.rows, phased.values, strict=True)
            if number < len(of_row)
        )
        phases.append(_by_field(of_number))
    sub_rows, sub_meters = _flat(registers.get("sub_meters"), SUB_METERS_MAX)
    raw_rows, raw_registers = _flat(registers.get("raw_registers") if raw_registers_max else None, raw_registers_max)
    return Transposed(
        [reading.sequence for reading in readings],
        [reading.time_ms for reading in readings],
        {name: column for name, column in registers.items() if name not in _APART},
        phases,
        sub_rows,
        sub_meters,
        raw_rows,
        raw_registers,
        tuple(row for row, of_row in zip(phased.rows, phased.values, strict=True) if len(of_row) > PHASES_MAX),
    )


def _by_field(messages: Iterable[tuple[int, Message]]) -> dict[str, Sparse]:
    columns: defaultdict[Any, Sparse] = defaultdict(Sparse)
    for row, message in messages:
        # One call lists all that is set, zero or not: asking for field after field costs several times as much.
        for descriptor, value in message.ListFields():
            column = columns[descriptor]
            column.rows.append(row)
            column.values.append(value)
    return {descriptor.name: column for descriptor, column in columns.items()}


def _flat(column: Sparse | None, each_max: int) -> tuple[list[int], list[Any]]:
    """Returns the members of repeated fields one after the other, and the row that each stands in."""
    rows: list[int] = []
    members: list[Any] = []
    for row, of_row in zip(column.rows, column.values, strict=True) if column else ():
        some = of_row[: each_max + 1]
        rows += [row] * len(some)
        members += some
    return rows, members


def encode(readings: Sequence[Reading], *, raw_registers_max: int = 1_000) -> ReadingColumns | None:
    """Returns `readings` as columns; None if they do not fit, which the edge would not take in any form.

    That is a reading of more than three phases, and a sequence of 2^63 or more.
    """
    rows = transpose(readings, raw_registers_max=raw_registers_max)
    count = len(readings)
    if rows.overfull or max(rows.sequences, default=0) > _INT64_MAX:
        return None
    phases = [
        PhaseColumns(**{name: _column(column, count) for name, column in of_phase.items()}) for of_phase in rows.phases
    ]
    # A phase is known by its place, so one without values stays where a later one has some.
    while phases and not phases[-1].ListFields():
        phases.pop()
    return ReadingColumns(
        count=count,
        sequence=_full(rows.sequences),
        time_ms=_full(rows.times_ms),
        phases=phases,
        sub_meters=_sub_meters(rows) if rows.sub_rows else None,
        raw_registers=(
            RawRegisterColumns(row=_full(rows.raw_rows), registers=rows.raw_registers) if rows.raw_rows else None
        ),
        **{name: _column(column, count) for name, column in rows.registers.items()},
    )


def _sub_meters(rows: Transposed) -> SubMeterColumns:
    members = rows.sub_meters
    optional = _by_field(enumerate(members))
    none = Sparse()
    return SubMeterColumns(
        row=_full(rows.sub_rows),
        channel=_full([sub.channel for sub in members]),
        kind=_full([sub.kind for sub in members]),
        time_ms=_full([sub.time_ms for sub in members]),
        volume_l=_column(optional.get("volume_l", none), len(members)),
        energy_wh=_column(optional.get("energy_wh", none), len(members)),
    )


def _column(column: Sparse, count: int) -> Column | None:
    if not column.rows:
        return None
    message = _full(column.values)
    if len(column.rows) < count:
        bits = sum(1 << row for row in column.rows)
        message.presence = bits.to_bytes(-(-count // 8), "little")
    return message


def _full(values: Sequence[int]) -> Column:
    """Returns a column of every row's value, in whichever form is likely to be the shorter."""
    differences = list(map(operator.sub, values, [0, *values[:-1]]))
    sizes = list(map(abs, differences))
    # A difference of two numbers of 64 bits may need 65.
    if sum(sizes) < sum(map(abs, values)) and max(sizes) <= _INT64_MAX:
        return Column(differences=differences)
    return Column(values=values)
