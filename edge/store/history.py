"""A household's past, as windows over the time that each of its meters was its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.domain.meter import MeterKind
from edge.domain.slot import DAY_MS
from edge.domain.tenure import tenures
from edge.domain.window import WindowSpec
from edge.store.series import COLUMNS, Family
from edge.store.spans import BUCKETS_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.domain.meter import Meter
    from edge.store.engine import Engine
    from edge.store.windows import WindowReader
    from edge_sdk.catalogue import Series


class HistoryReader:
    """Makes the samples that `WindowReader` makes, of one household, and knows how far back there are any."""

    def __init__(self, engine: Engine, windows: WindowReader) -> None:
        self._engine = engine
        self._windows = windows

    def samples(
        self, series: Sequence[Series], from_ms: int, samples: int, resolution_ms: int, meters: Sequence[Meter]
    ) -> dict[str, NDArray[np.float64]]:
        """Returns samples of some series of the household that the meters belong to.

        A sample is made of the meters that were the household's own throughout it. One within which a meter came or
        went is NaN: it is neither the old meters' nor the new ones'.

        Args:
            series: of households, each once.
            from_ms: start of the first sample, unix ms UTC.
            samples: how many.
            resolution_ms: of each; roll-ups serve where `from_ms` is a multiple of it.
            meters: all that ever were the household's own, at least one.

        Returns:
            By name of the series; NaN where nothing was measured.

        Raises:
            StoreError: the database refused.
        """
        found = {item.name: np.full(samples, np.nan) for item in series}
        for family in dict.fromkeys(COLUMNS[item.name].family for item in series):
            specs = [item for item in series if COLUMNS[item.name].family is family]
            for tenure in tenures([meter for meter in meters if _counts(meter, family)]):
                first, end = _whole(family, (tenure.from_ms - from_ms, tenure.until_ms - from_ms), resolution_ms)
                first, end = max(first, 0), min(end, samples)
                if first < end:
                    windows = self._windows.matrix(
                        [WindowSpec(item, end - first, resolution_ms) for item in specs],
                        from_ms + end * resolution_ms,
                        [tenure.meters[0].household_id],
                        tenure.meters,
                        group_min=1,
                    )
                    for place, item in enumerate(specs):
                        found[item.name][first:end] = windows[place][0]
        return found

    def kept_from_ms(self, resolution_ms: int) -> int:
        """Returns since when there is what samples of a resolution are made of; 0 if nothing was ever removed."""
        readings_from = self._engine.removed_until + 1
        if resolution_ms % min(BUCKETS_MS):
            return readings_from * DAY_MS
        return min([readings_from, *self._engine.rollups.known()]) * DAY_MS


def _counts(meter: Meter, family: Family) -> bool:
    """Whether a meter takes part: one that does not must not break a series where it comes or goes."""
    return meter.kind is MeterKind.ELECTRICITY or (family.is_of_sub_meters and meter.kind is MeterKind.GAS)


def _whole(family: Family, tenure_ms: tuple[int, int], resolution_ms: int) -> tuple[int, int]:
    """Returns the samples, from the first up to the end, that are made of nothing outside a tenure."""
    from_ms, until_ms = tenure_ms
    # A counter at a sample's start is a reading in the resolution before it, at its end one of that very instant.
    before_ms = family.shift_ms * resolution_ms
    return -(-(from_ms + before_ms) // resolution_ms), (until_ms - family.shift_ms) // resolution_ms
