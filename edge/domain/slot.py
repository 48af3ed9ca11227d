"""Slots and days.

Slots are aligned to UTC, and so are the days in which actions are counted: a UTC day always has the same number of
slots, so the leak bound holds on every day, also on those when the local clock changes.
"""

from __future__ import annotations

DAY_MS = 86_400_000


def slot_at_or_before(time_ms: int, every_s: int) -> int:
    """Returns the newest slot that is not after `time_ms`, unix ms."""
    every_ms = every_s * 1000
    return time_ms - time_ms % every_ms


def slots_between(after_ms: int, until_ms: int, every_s: int) -> range:
    """Returns every slot after `after_ms` up to and including `until_ms`, ascending."""
    every_ms = every_s * 1000
    return range(slot_at_or_before(after_ms, every_s) + every_ms, until_ms + 1, every_ms)


def day_of(time_ms: int) -> int:
    """Returns the UTC day that `time_ms` is in, as days since 1970-01-01."""
    return time_ms // DAY_MS
