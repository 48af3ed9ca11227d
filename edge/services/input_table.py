"""Tables that a person hands in as CSV, JSON or Parquet: read strictly, and every complaint says where."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from edge.errors import InvalidRequestError
from edge.store.parquet import read_parquet
from edge_sdk.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CELLS_MAX: Final = 20_000_000
_FILE_BYTES_MAX: Final = 512 * 1024 * 1024
_CELL_CHARS_MAX: Final = 10_000


class Format(StrEnum):
    """How a table is written."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class InputTable:
    """Columns of equal length, as they were written.

    Attributes:
        unit: what `places` count: lines of a text file from 1, or rows from 1.
        places: of each row.
    """

    name: str
    columns: dict[str, list[Any]]
    unit: str
    places: Sequence[int]

    def __len__(self) -> int:
        return len(self.places)

    def problem(self, row: int, column: str, what: str) -> InvalidRequestError:
        """Returns the error that something is wrong with a cell."""
        where = f"{printable(self.name, chars_max=None)}, {self.unit} {self.places[row]}, column {printable(column)}"
        return _invalid(f"{where}: {what}.")

    def number(self, row: int, column: str) -> float:
        """Returns a cell as a number; NaN where it is empty or null, which stands for "not measured".

        Raises:
            InvalidRequestError: it is something else.
        """
        return self.as_number(self.columns[column][row], row, column)

    def as_number(self, cell: object, row: int, column: str) -> float:
        """Returns what stands in a cell as a number, like `number`."""
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            return float("nan")
        # A boolean is an int to Python, and `float` takes underscores.
        if not isinstance(cell, (bool, str, int, float)) or isinstance(cell, bool) or "_" in str(cell):
            raise self.problem(row, column, f"{_shown(cell)} is not a number")
        try:
            return float(cell)
        except (ValueError, OverflowError) as error:
            raise self.problem(row, column, f"{_shown(cell)} is not a number") from error

    def text(self, row: int, column: str) -> str:
        """Returns a cell as a name.

        Raises:
            InvalidRequestError: it is empty, or no text and no integer.
        """
        cell = self.columns[column][row]
        if isinstance(cell, bool) or not isinstance(cell, (str, int)) or not str(cell).strip():
            raise self.problem(row, column, f"{_shown(cell)} is not a name")
        return str(cell).strip()

    def time_ms(self, row: int, column: str) -> int:
        """Returns a cell as a time, unix ms.

        Raises:
            InvalidRequestError: it is neither unix ms nor ISO 8601 with a zone.
        """
        cell = self.columns[column][row]
        try:
            return parse_time_ms(cell)
        except ValueError as error:
            raise self.problem(row, column, str(error)) from error


def parse_time_ms(value: object) -> int:
    """Returns a time, unix ms, of an integer of that kind, of ISO 8601 text with a zone, or of a `datetime` with one.

    Raises:
        ValueError: it is something else; says what.
    """
    if isinstance(value, str):
        text = value.strip()
        if text.lstrip("-").isdecimal():
            return int(text)
        try:
            value = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError(
                f"{_shown(text)} is neither unix milliseconds nor a time as 2026-06-19T12:00:00Z"
            ) from error
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, datetime):
        raise ValueError(f"{_shown(value)} is no time")  # noqa: TRY004 - of a value, for whoever wrote it
    if value.tzinfo is None:
        raise ValueError(f"the time {value} has no zone: end it with Z or an offset such as +02:00")
    return round(value.timestamp() * 1000)


def read_table(file: Path, written_as: Format | None = None) -> InputTable:
    """Reads a table; by the file's suffix unless `written_as` says otherwise.

    Raises:
        InvalidRequestError: it cannot be read; names file, line or row, and column.
    """
    suffix = file.suffix.lower().lstrip(".")
    if written_as is None and suffix not in set(Format):
        raise _invalid(f"{file} ends in none of .csv, .json and .parquet.", "Say what it is with --format.")
    if file.stat().st_size > _FILE_BYTES_MAX:
        raise _invalid(f"{file} has more than {_FILE_BYTES_MAX} bytes.", "Hand in less at once.")
    match written_as or Format(suffix):
        case Format.CSV:
            table = _csv(file)
        case Format.JSON:
            table = _json(file)
        case Format.PARQUET:
            columns = read_parquet(file, CELLS_MAX)
            table = InputTable(str(file), columns, "row", range(1, len(next(iter(columns.values()), ())) + 1))
    if not table.places:
        raise _invalid(f"{file} has no rows.")
    return table


def _csv(file: Path) -> InputTable:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, strict=True)
            names = [name.strip() for name in next(reader, [])]
            _check_names(file, names)
            rows, places = [], []
            for row in reader:
                if not row:
                    continue
                if len(row) != len(names):
                    raise _invalid(
                        f"{file}, line {reader.line_num}: {len(row)} cells, but the header has {len(names)}."
                    )
                rows.append(row)
                places.append(reader.line_num)
                if len(rows) * len(names) > CELLS_MAX:
                    raise _invalid(f"{file} has more than {CELLS_MAX} cells.", "Hand in less at once.")
    except (csv.Error, UnicodeDecodeError) as error:
        raise _invalid(f"{file} is not CSV in UTF-8: {error}.") from error
    return InputTable(str(file), {name: [row[at] for row in rows] for at, name in enumerate(names)}, "line", places)


def _json(file: Path) -> InputTable:
    try:
        rows = json.loads(file.read_bytes(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"{file} is not JSON: {error}.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _invalid(f"{file} is not a list of objects.", 'Write it as [{"household": "h1", ...}, ...].')
    names = list({name: None for row in rows for name in row})
    if len(rows) * len(names) > CELLS_MAX:
        raise _invalid(f"{file} has more than {CELLS_MAX} cells.", "Hand in less at once.")
    _check_names(file, names)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return InputTable(str(file), columns, "row", range(1, len(rows) + 1))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _check_names(file: Path, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise _invalid(f"{file} has the column {printable(twice[0])} twice.")


def _shown(cell: object) -> str:
    return f"`{printable(str(cell)[:_CELL_CHARS_MAX])}`"


def _invalid(message: str, advice: str = "") -> InvalidRequestError:
    return InvalidRequestError(message, advice=advice or "`docs/replay.md` has both shapes.", reason="INPUTS_INVALID")
