"""Windows handed in as they are: one row a household, one column a sample.

Columns are named after the manifest's inputs: `power_export.0` is the oldest sample of its only input of that series.
Where a series is declared twice the input's place in the manifest is named too, from 0: `power_export#2.0`. A column
`power_export`, or `power_export#2`, may hold the whole window as a list.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import InvalidRequestError
from edge.services.subjects import Inputs, Subject
from edge_sdk.text import printable

if TYPE_CHECKING:
    from edge.domain.recording import Matrix
    from edge.services.input_table import InputTable
    from edge_sdk.manifest import InputTable as DeclaredInput
    from edge_sdk.manifest import Manifest

HOUSEHOLD = "household"


def inputs_of_windows(table: InputTable, manifest: Manifest) -> Inputs:
    """Returns the input block that a table of windows is.

    Raises:
        InvalidRequestError: a column is missing, unknown or named ambiguously, or a cell is no number.
    """
    times = Counter(item.series for item in manifest.input)
    used = {HOUSEHOLD}
    blocks = []
    for place, declared in enumerate(manifest.input):
        names = [f"{declared.series}#{place}"]
        if times[declared.series] == 1:
            names.append(declared.series)
        blocks.append(_window(table, declared, names, used))
    unknown = sorted(set(table.columns) - used)
    if unknown:
        raise _invalid(table, f"the column {printable(unknown[0])} is no sample of an input of this module", manifest)
    named = HOUSEHOLD in table.columns
    subjects = [Subject(table.text(row, HOUSEHOLD) if named else str(row + 1)) for row in range(len(table))]
    return Inputs(tuple(subjects), np.concatenate(blocks, axis=1))


def _window(table: InputTable, declared: DeclaredInput, names: list[str], used: set[str]) -> Matrix:
    """Returns one input's window of every row, and adds the columns it is made of to `used`."""
    for name in names:
        samples = [f"{name}.{number}" for number in range(declared.samples)]
        if name in table.columns:
            used.add(name)
            return np.array([_listed(table, row, name, declared.samples) for row in range(len(table))])
        if any(sample in table.columns for sample in samples):
            missing = [sample for sample in samples if sample not in table.columns]
            if missing:
                raise InvalidRequestError(
                    f"{printable(table.name, chars_max=None)} has no column {missing[0]}.",
                    advice=f"The window has {declared.samples} samples, numbered from 0. Leave a cell empty where "
                    "nothing was measured.",
                    reason="INPUTS_INVALID",
                )
            used.update(samples)
            cells = [[table.number(row, sample) for sample in samples] for row in range(len(table))]
            return np.array(cells, dtype=np.float64)
    raise InvalidRequestError(
        f"{printable(table.name, chars_max=None)} has no column {names[-1]}.0.",
        advice=f"Give the {declared.samples} samples of {declared.series} as {names[-1]}.0 to "
        f"{names[-1]}.{declared.samples - 1}, oldest first.",
        reason="INPUTS_INVALID",
    )


def _listed(table: InputTable, row: int, name: str, samples: int) -> list[float]:
    cell = table.columns[name][row]
    if cell is None:
        return [float("nan")] * samples
    if not isinstance(cell, list) or len(cell) != samples:
        what = f"a list of {len(cell)}" if isinstance(cell, list) else "no list"
        raise table.problem(row, name, f"it is {what}; the window has {samples} samples")
    return [table.as_number(item, row, name) for item in cell]


def _invalid(table: InputTable, what: str, manifest: Manifest) -> InvalidRequestError:
    wanted = ", ".join(f"{item.series}#{place} ({item.samples})" for place, item in enumerate(manifest.input))
    return InvalidRequestError(
        f"{printable(table.name, chars_max=None)}: {what}.",
        advice=f"Its inputs, with their samples, are {wanted}; readings have a column `time`.",
        reason="INPUTS_INVALID",
    )
