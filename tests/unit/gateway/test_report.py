from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edge.gateway.report import dry_run
from edge.gateway.sources import Rejected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from zoneinfo import ZoneInfo


async def chunked(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_counts_whole_and_broken(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """Whole and broken telegrams are counted, noise is not, and each rejected piece is listed where it stands."""
    good = telegrams.dsmr5()
    report = await dry_run(chunked(good[30:], good, b"noise", good[:30]), amsterdam)
    assert (report.telegrams, report.readings) == (3, 1)
    assert [(piece.position_bytes, piece.reason) for piece in report.rejected] == [
        (0, "TELEGRAM_CUT"),
        (2 * len(good) - 30, "TELEGRAM_GARBAGE"),
        (2 * len(good) - 25, "TELEGRAM_CUT"),
    ]


async def test_undated_telegrams_are_rejected(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """In a file, nothing dates a telegram without a time."""
    report = await dry_run(chunked(telegrams.dsmr22()), amsterdam)
    assert (report.telegrams, report.readings) == (1, 0)
    assert [piece.reason for piece in report.rejected] == ["TELEGRAM_NO_TIME"]


async def test_empty_source(amsterdam: ZoneInfo) -> None:
    """Nothing in, nothing found."""
    report = await dry_run(chunked(), amsterdam)
    assert (report.telegrams, report.readings, report.rejected) == (0, 0, ())


async def test_json(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """The report is plain JSON with exactly the keys that others script against."""
    report = await dry_run(chunked(telegrams.dsmr5()[30:]), amsterdam)
    rejected = report.rejected[0]
    assert isinstance(rejected, Rejected)
    assert json.loads(json.dumps(report.to_json_dict())) == {
        "telegrams": 1,
        "readings": 0,
        "rejected": [{"position_bytes": 0, "reason": "TELEGRAM_CUT", "message": rejected.message}],
    }
