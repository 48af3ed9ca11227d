from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edge.gateway.rejections import Rejections
from edge.gateway.sources import readings
from edge.gateway.trial import Trial, trial

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from zoneinfo import ZoneInfo


async def dry_run(chunks: AsyncIterator[bytes], zone: ZoneInfo) -> Trial:
    rejections = Rejections()
    return await trial(readings(chunks, zone, None, rejections.add), rejections)


async def chunked(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_counts_whole_and_broken(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """Whole telegrams are counted, usable or not; cut ones and noise are not. Each piece is listed where it stands."""
    good = telegrams.dsmr5()
    damaged = good.replace(b"003432.827", b"003432.828")
    report = await dry_run(chunked(good[30:], good, damaged, b"noise", good[:30]), amsterdam)
    assert (report.telegrams, report.readings) == (2, 1)
    assert [(piece.position_bytes, piece.reason) for piece in report.rejected.listed] == [
        (0, "TELEGRAM_CUT"),
        (2 * len(good) - 30, "TELEGRAM_CRC"),
        (3 * len(good) - 30, "TELEGRAM_GARBAGE"),
        (3 * len(good) - 25, "TELEGRAM_CUT"),
    ]


async def test_a_file_of_nothing_but_damage_fits_into_memory(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """Rejected pieces beyond a thousand are counted and not listed."""
    damaged = telegrams.dsmr5(lines=["1-0:1.8.0(1*kWh)"]).replace(b"(1*", b"(2*")
    report = await dry_run(chunked(*[damaged] * 1500), amsterdam)
    assert (report.telegrams, report.readings) == (1500, 0)
    assert len(report.rejected.listed) == 1000
    assert report.to_json_dict()["rejected_counts"] == {"TELEGRAM_CRC": 1500}


async def test_undated_telegrams_are_rejected(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """In a file, nothing dates a telegram without a time."""
    report = await dry_run(chunked(telegrams.dsmr22()), amsterdam)
    assert (report.telegrams, report.readings) == (1, 0)
    assert [piece.reason for piece in report.rejected.listed] == ["TELEGRAM_NO_TIME"]


async def test_empty_source(amsterdam: ZoneInfo) -> None:
    """Nothing in, nothing found."""
    report = await dry_run(chunked(), amsterdam)
    assert (report.telegrams, report.readings, report.rejected.listed) == (0, 0, [])


async def test_json(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """The report is plain JSON with exactly the keys that others script against."""
    report = await dry_run(chunked(telegrams.dsmr5()[30:]), amsterdam)
    rejected = report.rejected.listed[0]
    assert json.loads(json.dumps(report.to_json_dict())) == {
        "telegrams": 0,
        "readings": 0,
        "rejected": [{"position_bytes": 0, "reason": "TELEGRAM_CUT", "message": rejected.message}],
        "rejected_counts": {"TELEGRAM_CUT": 1},
    }
