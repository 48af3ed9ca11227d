"""Durations as people write them in a manifest: a whole number and a unit, such as `15m`."""

from __future__ import annotations

import re

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
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
