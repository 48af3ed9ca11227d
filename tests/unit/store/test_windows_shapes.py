from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.domain.meter import Meter, MeterKind
from edge.domain.window import WindowSpec
from edge_sdk.catalogue import CATALOGUE, Extent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.store.store import Store

MINUTE_MS = 60_000
NOON_MS = 20_000 * 86_400_000 + 43_200_000
METERS = [Meter("m1", "h1", MeterKind.ELECTRICITY, 0), Meter("m2", "h2", MeterKind.GAS, 0)]


def shapes(store: Store, meters: list[Meter], households: Sequence[str]) -> dict[Extent, set[tuple[int, ...]]]:
    """Returns the shapes of the windows of all series, each of 4 samples, by extent."""
    specs = [WindowSpec(series, 4, MINUTE_MS) for series in CATALOGUE.values()]
    found: dict[int, NDArray[np.float64]] = store.windows.matrix(specs, NOON_MS, households, meters, 2)
    by_extent: dict[Extent, set[tuple[int, ...]]] = {}
    for place, window in found.items():
        assert window.dtype == np.float64
        by_extent.setdefault(specs[place].series.extent, set()).add(window.shape)
    return by_extent


@pytest.mark.parametrize("households", [(), ("h1",), ("h1", "h2", "nobody")])
def test_shapes(shared_store: Store, households: Sequence[str]) -> None:
    """A window has a row for each household, none for none, one for the neighbourhood; the clock's are not here."""
    for enrolled in (METERS, []):
        assert shapes(shared_store, enrolled, households) == {
            Extent.HOUSEHOLD: {(len(households), 4)},
            Extent.NEIGHBOURHOOD: {(1, 4)},
        }


def test_empty_store(store: Store) -> None:
    """Before the first reading every window is NaN."""
    specs = [
        WindowSpec(CATALOGUE[name], 2, MINUTE_MS) for name in ("power_import", "gas", "neighbourhood.gas", "tariff")
    ]
    found = store.windows.matrix(specs, NOON_MS, ["h1"], METERS, 2)
    assert all(np.isnan(window).all() and window.shape == (1, 2) for window in found.values())
