"""Spans: the quarter-hours that roll-ups are made for, and which of a day's file have them.

A file of roll-ups says in `spans` which spans it has right. Whatever is added to a span takes the mark away, on disk,
before it is added; the mark comes back in the transaction that rolls the span up anew. So a crash at any moment leaves
right roll-ups, or none that anybody looks at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

BUCKETS_MS = (900_000, 60_000)
"""Lengths of buckets, the longest first. Slots are whole minutes, so that the shortest fits every window whose
resolution is minutes; the longest is for most of them, and four to fifteen times quicker."""

SPAN_MS = BUCKETS_MS[0]


def touched(times_ms: NDArray[np.int64]) -> set[int]:
    """Returns the spans that readings of these times count in: at the seam between two it is both."""
    return {span for shift_ms in (0, 1) for span in np.unique((times_ms - shift_ms) // SPAN_MS).tolist()}


def runs(spans: Collection[int]) -> list[tuple[int, int]]:
    """Returns spans as runs of neighbours: the first of each, and the one after its last."""
    found: list[tuple[int, int]] = []
    for span in sorted(spans):
        if found and found[-1][1] == span:
            found[-1] = (found[-1][0], span + 1)
        else:
            found.append((span, span + 1))
    return found


def bounds(spans: Collection[int], unit_ms: int, expression: str, offset: int = 0) -> str:
    """Returns a condition that holds where `expression`, in units of `unit_ms` and less `offset`, is in a span."""
    each = SPAN_MS // unit_ms
    ranges = [
        f"({expression} >= {first * each + offset} AND {expression} < {end * each + offset})"
        for first, end in runs(spans)
    ]
    return f"({' OR '.join(ranges)})" if ranges else "false"
