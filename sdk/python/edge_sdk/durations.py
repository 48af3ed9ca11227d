"""Durations as people write them in a manifest, a whole number and a unit such as `15m`, and as they read them."""

from __future__ import annotations

import re

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_WORDS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_PATTERN = re.compile(r"([1-9][0-9]{0,5})([smhd])")


def parse_duration_s(text: str) -> int:
    """Returns the seconds that `text` stands for.

    Raises:
        ValueError: `text` is not a whole number followed by s, m, h or d.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write a whole number and s, m, h or d, such as 15m")
    return int(match[1]) * _UNIT_S[match[2]]


def in_words(duration_s: int) -> str:
    """Returns a duration for a person, in the largest unit that it is a whole number of: `15 minutes`, `1 hour`."""
    word, unit_s = next((word, unit_s) for word, unit_s in _WORDS if duration_s % unit_s == 0)
    count = duration_s // unit_s
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def every_in_words(interval_s: int) -> str:
    """Returns how often, for a person: `every 15 minutes`, `every hour`."""
    return f"every {in_words(interval_s).removeprefix('1 ')}"
