"""What a household asks of its past, and what it is answered with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """Samples of some series over a range of time, unix ms UTC."""

    names: tuple[str, ...]
    from_ms: int
    until_ms: int
    resolution_s: int


@dataclass(frozen=True, slots=True, eq=False)
class SeriesPart:
    """A run of samples.

    Attributes:
        from_ms: start of the first one.
        values: by name of the series; NaN where nothing was measured.
    """

    from_ms: int
    values: Mapping[str, NDArray[np.float64]]
