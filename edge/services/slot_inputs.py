"""What there is to see at one slot: windows are computed once, however many triggers look at the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from edge.domain.window import clock_window, window_specs
from edge_sdk.catalogue import Extent

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from edge.domain.meter import Meter
    from edge.domain.recording import Matrix
    from edge.domain.window import LocalTime, WindowSpec
    from edge.store.windows import WindowReader
    from edge_sdk.manifest import Manifest

    _Key: TypeAlias = "tuple[tuple[WindowSpec, ...], tuple[str, ...], tuple[str, ...], int]"

_KEPT_MAX: Final = 8
"""Sets of windows; ten thousand households with a day of quarter-hours take 8 MB for each input."""


class SlotInputs:
    """The windows that end at one slot. Used by one thread at a time."""

    def __init__(self, windows: WindowReader, meters: Sequence[Meter], local: LocalTime, slot_ms: int) -> None:
        self._windows = windows
        self._local = local
        self.slot_ms = slot_ms
        self.meters = tuple(meter for meter in meters if meter.counts_at(slot_ms))
        self.measured = frozenset(meter.household_id for meter in self.meters)
        self._kept: dict[_Key, dict[int, Matrix]] = {}

    def windows(
        self, manifest: Manifest, households: tuple[str, ...], consenting: Collection[str], group_min: int
    ) -> list[Matrix]:
        """Returns each input's window, in manifest order: a row a household, or one row that all see.

        Args:
            manifest: whose inputs.
            households: the rows.
            consenting: whose meters count in what is of the neighbourhood: who did not consent is in nobody's sum.
            group_min: fewest households that a sample of the neighbourhood may be made of.

        Raises:
            StoreError: the database refused.
        """
        specs = window_specs(manifest)
        key = (specs, households, tuple(sorted(consenting)), group_min)
        if key not in self._kept:
            while len(self._kept) >= _KEPT_MAX:
                del self._kept[next(iter(self._kept))]
            meters = tuple(meter for meter in self.meters if meter.household_id in consenting)
            self._kept[key] = self._windows.matrix(specs, self.slot_ms, households, meters, group_min)
        measured = self._kept[key]
        return [
            np.array([clock_window(spec, self.slot_ms, self._local)])
            if spec.series.extent is Extent.CLOCK
            else measured[place]
            for place, spec in enumerate(specs)
        ]
