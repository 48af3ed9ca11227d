"""Parquet files that somebody hands in, as columns of plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from edge.errors import InvalidRequestError

if TYPE_CHECKING:
    from pathlib import Path


def read_parquet(file: Path, cells_max: int) -> dict[str, list[Any]]:
    """Returns the columns of a Parquet file by name; null is None, a timestamp a `datetime`.

    Raises:
        InvalidRequestError: it is no Parquet file, has two columns of one name, or more cells than `cells_max`.
    """
    try:
        with pq.ParquetFile(file) as parquet:
            cells = parquet.metadata.num_rows * parquet.metadata.num_columns
            if cells > cells_max:
                raise InvalidRequestError(
                    f"{file} has {cells} cells, more than {cells_max}.",
                    advice="Hand in fewer households, or a shorter time, at once.",
                    reason="INPUTS_INVALID",
                )
            names = parquet.schema_arrow.names
            if len(set(names)) < len(names):
                raise InvalidRequestError(f"{file} has two columns of one name.", reason="INPUTS_INVALID")
            table = parquet.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidRequestError(
            f"{file} is not a Parquet file that can be read.",
            advice="Say what it is with --format.",
            reason="INPUTS_INVALID",
        ) from error
    columns: dict[str, list[Any]] = {}
    for name in names:
        column = table.column(name)
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        columns[name] = column.to_pylist()
    return columns
