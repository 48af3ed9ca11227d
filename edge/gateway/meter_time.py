"""The local time of a meter, and what instant it is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_TIMESTAMP = re.compile(r"([0-9]{12})([SW]?)")
_YEAR_MIN = 2000


def meter_time_ms(text: str | None, timezone: ZoneInfo, not_after_ms: int | None) -> int | None:
    """Returns the unix time of `YYMMDDhhmmssX`, or None if it is no date, as before a meter's clock is set.

    X, not the date, decides between summer and winter time: it settles the hour that October has twice, and there are
    meters that keep winter time all year. Without X, `not_after_ms` settles that hour.
    """
    match = _TIMESTAMP.fullmatch(text or "")
    if match is None:
        return None
    try:
        local = datetime.strptime(match[1], "%y%m%d%H%M%S").replace(tzinfo=timezone)
    except ValueError:
        return None
    # 1970 is where a counter of seconds begins, and no P1 port is older than this.
    if local.year < _YEAR_MIN:
        return None
    if not match[2]:
        return unmarked_time_ms(local, not_after_ms)
    offsets = [local.replace(month=month, day=1).utcoffset() or timedelta() for month in (1, 7)]
    time = local.replace(tzinfo=UTC) - min(offsets) - timedelta(hours=1 if match[2] == "S" else 0)
    return int(time.timestamp()) * 1000


def unmarked_time_ms(local: datetime, not_after_ms: int | None) -> int:
    """Returns the unix time of a local time that says nothing of summer or winter.

    In the hour that October has twice it is the later one, unless that would be after `not_after_ms`.
    """
    earlier_ms, later_ms = (int(local.replace(fold=fold).timestamp()) * 1000 for fold in (0, 1))
    return later_ms if not_after_ms is not None and later_ms <= not_after_ms else earlier_ms
