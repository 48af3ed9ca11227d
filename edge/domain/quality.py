"""What is odd about readings, judged by the meter's readings before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.domain.reading import CLOCK_AHEAD_MS, Counters, Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.domain.batch import Flags, Integers, ReadingBatch

_HOUR_MS = 3_600_000
# A counter moves on by whole watt-hours, and a meter's clock is read to the second.
_SLACK_MS = 10_000


def judge(
    batch: ReadingBatch, rows: Integers, before: Counters | None, now_ms: int, power_w_max: int
) -> tuple[NDArray[np.uint8], Counters | None]:
    """Returns the quality of every reading of a batch, and the meter's newest reading after it.

    Args:
        batch: which readings.
        rows: those that are kept, ascending; the others are judged good and compared with nothing.
        before: the meter's newest reading so far, None if it had none.
        now_ms: when they came, by the edge's clock.
        power_w_max: the highest plausible power.
    """
    quality = np.zeros(batch.size, np.uint8)
    if not rows.size:
        return quality, before
    time_ms = batch.time_ms[rows]
    quality[rows[time_ms > now_ms + CLOCK_AHEAD_MS]] |= int(Quality.CLOCK_AHEAD)
    late = time_ms < _newest_before(time_ms, before)
    quality[rows[late]] |= int(Quality.OUT_OF_ORDER)
    ordered = rows[~late]
    if not ordered.size:
        return quality, before
    # Each of these is compared with the one before it in the list, the first with `before`.
    imported = _with_before(*_total(batch, "import", ordered), before.import_wh if before else None)
    exported = _with_before(*_total(batch, "export", ordered), before.export_wh if before else None)
    times_ms = np.concatenate(([before.time_ms if before else batch.time_ms[ordered[0]]], batch.time_ms[ordered]))
    step_ms = np.diff(times_ms)
    repeated = step_ms == 0
    repeated[0] &= before is not None
    quality[ordered[repeated]] |= int(Quality.TIME_REPEATED)
    for values, present in (imported, exported):
        comparable, rise_wh = present[1:] & present[:-1], np.diff(values)
        quality[ordered[comparable & (rise_wh < 0)]] |= int(Quality.COUNTER_BACKWARDS)
        jump = rise_wh * float(_HOUR_MS) > power_w_max * (step_ms + float(_SLACK_MS))
        quality[ordered[comparable & jump]] |= int(Quality.ENERGY_JUMP)
    return quality, Counters(int(times_ms[-1]), _last(*imported), _last(*exported))


def _newest_before(time_ms: Integers, before: Counters | None) -> Integers:
    """Returns the newest time before each reading; of the very first its own."""
    first_ms = before.time_ms if before else time_ms[0]
    return np.maximum.accumulate(np.concatenate(([first_ms], time_ms[:-1])))


def _total(batch: ReadingBatch, way: str, rows: Integers) -> tuple[Integers, Flags]:
    """Returns the counter over all tariffs: the meter's own total, or else the sum of the tariffs that it has."""
    values, present = np.zeros(rows.size, np.int64), np.zeros(rows.size, np.bool_)
    for tariff in ("t1", "t2"):
        if (column := batch.registers.get(f"energy_{way}_{tariff}_wh")) is not None:
            values, present = values + column.values[rows], present | column.has()[rows]
    if (total := batch.registers.get(f"energy_{way}_wh")) is not None:
        known = total.has()[rows]
        values, present = np.where(known, total.values[rows], values), present | known
    return values, present


def _with_before(values: Integers, present: Flags, before: int | None) -> tuple[Integers, Flags]:
    return np.concatenate(([before or 0], values)), np.concatenate(([before is not None], present))


def _last(values: Integers, present: Flags) -> int | None:
    return int(values[-1]) if present[-1] else None
