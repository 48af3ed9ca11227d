"""Turns the lines of a CSV file into readings.

Nothing about the file is guessed: delimiter, decimal sign and time zone are said by whoever knows it, and the first
line names what each column holds.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from edge.errors import EdgeError, Fault
from edge.gateway.columns import TIME, TIME_MS, TableError, columns_of, set_value
from edge.gateway.rejections import Rejected
from edge_sdk.wire.v1.meter_pb2 import Reading

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
    from zoneinfo import ZoneInfo

    from edge.gateway.columns import Column

_LINE_BYTES_MAX = 65_536
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Before this no meter was read; a number below it is a count of seconds.
_TIME_MS_MIN = 946_684_800_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How a file is written.

    Attributes:
        delimiter: between two cells.
        decimal: `.` or `,`.
        timezone: of times that do not say theirs; None refuses those.
        fold: which one is meant of a time that October has twice, 0 or 1; None refuses it.
        names: our name of a column by the file's, where they differ.
    """

    delimiter: str = ","
    decimal: str = "."
    timezone: ZoneInfo | None = None
    fold: int | None = None
    names: Mapping[str, str] = field(default_factory=dict)


class RowError(EdgeError):
    """A line is no reading."""

    reason = "CSV_ROW_INVALID"
    fault = Fault.CALLER

    def __init__(self, message: str, *, reason: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.reason = reason or type(self).reason


async def table_readings(
    chunks: AsyncIterator[bytes], table_format: TableFormat, on_rejected: Callable[[Rejected], None]
) -> AsyncGenerator[Reading, None]:
    """Yields a reading for each good line below the first; `on_rejected` is told of the others.

    Raises:
        TableError: the first line does not say what the columns hold, or a line has no end.
    """
    columns: list[Column | str | None] | None = None
    number = position_bytes = 0
    async for line in _lines(chunks):
        number, begin_bytes = number + 1, position_bytes
        position_bytes += len(line)
        if columns is None:
            columns = columns_of(_header(line, table_format), table_format.names)
            continue
        if not line.strip():
            continue
        try:
            reading = _reading(_cells(line, table_format), columns, table_format)
        except RowError as error:
            on_rejected(Rejected(begin_bytes, error.reason, error.message, line=number))
        else:
            yield reading
    if columns is None:
        raise TableError("The file is empty.")


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yields the lines of a source, each with its end."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(rest) > _LINE_BYTES_MAX:
            raise TableError(f"A line has not ended after {_LINE_BYTES_MAX} bytes.", advice="Is it a table at all?")
    if rest:
        yield rest


def _header(line: bytes, table_format: TableFormat) -> list[str]:
    try:
        return [cell.strip() for cell in _cells(line.removeprefix(_BYTE_ORDER_MARK), table_format)]
    except RowError as error:
        raise TableError(f"The first line cannot be read: {error.message}") from error


def _cells(line: bytes, table_format: TableFormat) -> list[str]:
    """Returns the cells of one line. A reading has no text that could hold a line end, so a line is a row."""
    try:
        return next(csv.reader([line.decode("utf-8").rstrip("\r\n")], delimiter=table_format.delimiter, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise RowError("It is not UTF-8, or a quotation mark is missing.") from error


def _reading(cells: list[str], columns: list[Column | str | None], table_format: TableFormat) -> Reading:
    if len(cells) != len(columns):
        raise RowError(f"It has {len(cells)} cells, the first line has {len(columns)}.")
    reading, values = Reading(), 0
    pairs = [(column, cell.strip()) for column, cell in zip(columns, cells, strict=True) if column is not None]
    reading.time_ms = next(_time_ms(column, cell, table_format) for column, cell in pairs if isinstance(column, str))
    for column, cell in pairs:
        if isinstance(column, str) or not cell:
            continue
        try:
            set_value(reading, column, _number(cell, table_format))
        except ValueError as error:
            # What protobuf says of a number that is too large would quote it.
            problem = str(error) if str(error).startswith(("the ", "a ")) else f"the {column.field} is too large"
            raise RowError(f"A cell cannot be used: {problem}.") from error
        values += 1
    if not values:
        raise RowError("It has a time and no value.")
    return reading


def _number(cell: str, table_format: TableFormat) -> str:
    if table_format.decimal == ".":
        return cell
    # With a comma a point could only part thousands, which nobody said.
    return cell.replace(".", "?").replace(table_format.decimal, ".")


def _time_ms(name: str, cell: str, table_format: TableFormat) -> int:
    if name == TIME_MS:
        if not cell.isascii() or not cell.isdigit() or len(cell) > len(str(_TIME_MS_MIN)) + 1:
            raise RowError(f"The {TIME_MS} is no count of milliseconds since 1970.")
        time_ms = int(cell)
    else:
        time_ms = (_instant(cell, table_format) - _EPOCH) // timedelta(milliseconds=1)
    if time_ms < _TIME_MS_MIN:
        raise RowError(f"The {name} is before the year 2000: a count of milliseconds has thirteen digits.")
    return time_ms


def _instant(cell: str, table_format: TableFormat) -> datetime:
    try:
        time = datetime.fromisoformat(cell)
    except ValueError as error:
        raise RowError(f"The {TIME} is not one of ISO 8601, such as 2026-11-23T12:00:00+01:00.") from error
    if time.tzinfo is not None:
        return time
    zone, fold = table_format.timezone, table_format.fold
    if zone is None:
        raise RowError(f"The {TIME} does not say of which zone it is. Give --timezone.")
    try:
        earlier, later = (time.replace(tzinfo=zone, fold=number).astimezone(UTC) for number in (0, 1))
    except OverflowError as error:
        raise RowError(f"The {TIME} is beyond the calendar.") from error
    if earlier.astimezone(zone).replace(tzinfo=None) != time:
        raise RowError(f"The {TIME} does not exist: the clock was set forward over it.")
    if earlier != later and fold is None:
        raise RowError(
            f"The {TIME} exists twice, for the clock was set back. Give --fold, which says which one is meant.",
            reason="CSV_TIME_AMBIGUOUS",
        )
    return later if fold else earlier
