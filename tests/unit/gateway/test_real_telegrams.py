from __future__ import annotations

from typing import TYPE_CHECKING

from edge.gateway.framing import Telegram, TelegramFramer
from edge.gateway.p1 import reading_from_telegram
from edge.gateway.rejections import Rejections
from edge.gateway.sources import readings
from edge.gateway.trial import Trial, trial

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from zoneinfo import ZoneInfo

CHUNK_BYTES = 1000


async def dry_run(chunks: AsyncIterator[bytes], zone: ZoneInfo) -> Trial:
    rejections = Rejections()
    return await trial(readings(chunks, zone, None, rejections.add), rejections)


async def chunks(recording: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(recording), CHUNK_BYTES):
        yield recording[start : start + CHUNK_BYTES]


async def test_recording_is_understood(recording: bytes, amsterdam: ZoneInfo) -> None:
    """Of a recording with LF line ends whose first telegram is cut, all 566 whole telegrams become readings."""
    report = await dry_run(chunks(recording), amsterdam)
    assert (report.telegrams, report.readings) == (566, 566)
    assert [(piece.position_bytes, piece.reason) for piece in report.rejected.listed] == [(0, "TELEGRAM_CUT")]


def test_recorded_times_are_one_second_apart(recording: bytes, amsterdam: ZoneInfo) -> None:
    """The readings of a recording ascend in time, about a second apart, and each has a power."""
    framer = TelegramFramer()
    frames = framer.feed(recording) + framer.finish()
    readings = [reading_from_telegram(frame.data, amsterdam) for frame in frames if isinstance(frame, Telegram)]
    times_ms = [reading.time_ms for reading in readings]
    assert times_ms == sorted(set(times_ms))
    assert times_ms[-1] - times_ms[0] <= 570_000
    assert all(reading.HasField("power_import_w") for reading in readings)
