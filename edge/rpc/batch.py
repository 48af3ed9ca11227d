"""Readings from the wire, in either form. Both come from outside: what does not agree is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.domain.batch import Column, Integers, RawRegisters, ReadingBatch, SubReadings
from edge.domain.reading import OF_PHASE, PHASES_MAX, REGISTERS, SUB_METERS_MAX, SubMeterKind, phase_register
from edge.errors import InvalidRequestError
from edge_sdk.columns import Sparse, transpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge_sdk.columns import Transposed
    from edge_sdk.wire.v1 import meter_pb2 as pb

_KINDS = [int(kind) for kind in SubMeterKind]
_PLAIN = tuple(name for name in REGISTERS if not name.startswith(("l1_", "l2_", "l3_")))


def size_of(request: pb.ReportReadingsRequest) -> int:
    """Returns how many readings a request says to hold."""
    return request.columns.count if request.HasField("columns") else len(request.readings)


def batch_from_wire(request: pb.ReportReadingsRequest, raw_registers_max: int) -> ReadingBatch:
    """Returns the readings of a request; what is absent on the wire is absent.

    Args:
        request: of so many readings as there may be in a batch.
        raw_registers_max: of one reading; 0 leaves them all out.

    Raises:
        InvalidRequestError: its columns do not agree.
    """
    if not request.HasField("columns"):
        return _from_rows(transpose(request.readings, raw_registers_max=raw_registers_max))
    if request.readings:
        raise _malformed("It holds both readings and columns")
    return _from_columns(request.columns, raw_registers_max)


def _from_rows(rows: Transposed) -> ReadingBatch:
    count = len(rows.sequences)
    registers = {name: _scattered(column, count) for name, column in rows.registers.items()}
    for number, of_phase in enumerate(rows.phases, start=1):
        registers |= {phase_register(number, name): _scattered(column, count) for name, column in of_phase.items()}
    subs = rows.sub_meters
    return ReadingBatch(
        # A number of 2^63 or more becomes negative here, which no sequence may be.
        np.array(rows.sequences, np.uint64).view(np.int64),
        _integers(rows.times_ms),
        registers,
        SubReadings(
            _integers(rows.sub_rows),
            _integers([sub.channel for sub in subs]),
            _known_kinds(_integers([sub.kind for sub in subs])),
            _integers([sub.time_ms for sub in subs]),
            _scattered(_optional(subs, "volume_l"), len(subs)),
            _scattered(_optional(subs, "energy_wh"), len(subs)),
        )
        if subs
        else None,
        _raw(_integers(rows.raw_rows), rows.raw_registers) if rows.raw_rows else None,
        rows.overfull,
    )


def _optional(subs: Sequence[pb.SubMeter], name: str) -> Sparse:
    rows = [row for row, sub in enumerate(subs) if sub.HasField(name)]
    return Sparse(rows, [getattr(subs[row], name) for row in rows])


def _scattered(column: Sparse, count: int) -> Column:
    if len(column.rows) == count:
        return Column(_integers(column.values))
    values, present = np.zeros(count, np.int64), np.zeros(count, np.bool_)
    values[column.rows], present[column.rows] = column.values, True
    return Column(values, present)


def _integers(values: Sequence[int]) -> Integers:
    return np.array(values, np.int64)


def _known_kinds(kinds: Integers) -> Integers:
    # A kind that this release does not know is kept as unspecified rather than lost.
    return np.where(np.isin(kinds, _KINDS), kinds, int(SubMeterKind.UNSPECIFIED))


def _raw(row: Integers, registers: Iterable[pb.RawRegister]) -> RawRegisters:
    return RawRegisters(row, tuple((register.code, register.value, register.unit) for register in registers))


def _from_columns(columns: pb.ReadingColumns, raw_registers_max: int) -> ReadingBatch:
    count = columns.count
    if len(columns.phases) > PHASES_MAX:
        raise _malformed(f"It has {len(columns.phases)} phases, more than {PHASES_MAX}")
    registers = {name: _column(name, getattr(columns, name), count) for name in _PLAIN if columns.HasField(name)}
    for number, phase in enumerate(columns.phases, start=1):
        for name in OF_PHASE:
            if phase.HasField(name):
                registers[phase_register(number, name)] = _column(f"L{number} {name}", getattr(phase, name), count)
    keep_raw = raw_registers_max and columns.HasField("raw_registers")
    return ReadingBatch(
        _full("sequence", columns.sequence, count),
        _full("time_ms", columns.time_ms, count),
        registers,
        _sub_readings(columns.sub_meters, count) if columns.HasField("sub_meters") else None,
        _raw_registers(columns.raw_registers, count, raw_registers_max) if keep_raw else None,
    )


def _sub_readings(columns: pb.SubMeterColumns, readings: int) -> SubReadings:
    row = _rows("sub_meters.row", columns.row, readings, SUB_METERS_MAX)
    return SubReadings(
        row,
        _full("sub_meters.channel", columns.channel, row.size),
        _known_kinds(_full("sub_meters.kind", columns.kind, row.size)),
        _full("sub_meters.time_ms", columns.time_ms, row.size),
        _column_or_none("sub_meters.volume_l", columns, "volume_l", row.size),
        _column_or_none("sub_meters.energy_wh", columns, "energy_wh", row.size),
    )


def _raw_registers(columns: pb.RawRegisterColumns, readings: int, each_max: int) -> RawRegisters:
    row = _rows("raw_registers.row", columns.row, readings, each_max)
    if row.size != len(columns.registers):
        raise _malformed(f"raw_registers has {len(columns.registers)} registers for {row.size} rows")
    return _raw(row, columns.registers)


def _rows(name: str, column: pb.Column, readings: int, each_max: int) -> Integers:
    """Returns which reading each member stands in; of one reading one more than it may have, on the whole."""
    count = max(len(column.values), len(column.differences))
    if count > readings * (each_max + 1):
        raise _malformed(f"{name} has {count} rows, too many for {readings} readings")
    row = _full(name, column, count)
    if count and (row[0] < 0 or row[-1] >= readings or (np.diff(row) < 0).any()):
        raise _malformed(f"{name} descends, or names a reading that is not there")
    return row


def _column_or_none(name: str, columns: pb.SubMeterColumns, field: str, count: int) -> Column:
    if not columns.HasField(field):
        return Column(np.zeros(count, np.int64), np.zeros(count, np.bool_))
    return _column(name, getattr(columns, field), count)


def _full(name: str, column: pb.Column, count: int) -> Integers:
    if column.presence:
        raise _malformed(f"{name} is absent from some rows")
    return _column(name, column, count).values


def _column(name: str, column: pb.Column, count: int) -> Column:
    present = None
    expected = count
    if column.presence:
        if len(column.presence) != -(-count // 8):
            raise _malformed(f"{name} has {len(column.presence)} bytes of presence for {count} rows")
        bits = np.unpackbits(np.frombuffer(column.presence, np.uint8), bitorder="little")
        if bits[count:].any():
            raise _malformed(f"The presence of {name} has bits beyond the last of {count} rows")
        present = bits[:count].astype(np.bool_)
        expected = int(present.sum())
    if column.values and column.differences:
        raise _malformed(f"{name} has both values and differences")
    found = len(column.values) or len(column.differences)
    if found != expected:
        raise _malformed(f"{name} has {found} values for {expected} rows")
    values = np.array(column.values, np.int64)
    if column.differences:
        values = _summed(name, np.array(column.differences, np.int64))
    if present is None:
        return Column(values)
    scattered = np.zeros(count, np.int64)
    scattered[present] = values
    return Column(scattered, present)


def _summed(name: str, differences: Integers) -> Integers:
    sums = np.cumsum(differences)
    before = np.concatenate(([0], sums[:-1]))
    # A sum that wrapped has another sign than both of what was added.
    if (((sums ^ before) & (sums ^ differences)) < 0).any():
        raise _malformed(f"The differences of {name} add up to more than 64 bits hold")
    return sums


def _malformed(what: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"The batch cannot be understood: {what}.",
        advice="Correct the gateway: proto/edge/v1/meter.proto says what its columns must be.",
        reason="BATCH_MALFORMED",
    )
