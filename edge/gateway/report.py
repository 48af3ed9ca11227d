"""What a file of telegrams holds, without sending any of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.gateway.rejections import Rejections
from edge.gateway.sources import readings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from zoneinfo import ZoneInfo

_NOT_WHOLE = ("TELEGRAM_CUT", "TELEGRAM_OVERSIZE", "TELEGRAM_GARBAGE")


@dataclass(frozen=True, slots=True)
class P1Report:
    """What was found.

    Attributes:
        telegrams: the whole ones, from `/` to the checksum's line.
        readings: those of them that can be used.
        rejected: the others, what is left of telegrams that were cut, and bytes that belong to none.
    """

    telegrams: int
    readings: int
    rejected: Rejections

    def to_json_dict(self) -> dict[str, Any]:
        """Returns what `edge meter p1 --dry-run --json` prints."""
        return {"telegrams": self.telegrams, "readings": self.readings, **self.rejected.to_json_dict()}


async def dry_run(chunks: AsyncIterator[bytes], timezone: ZoneInfo) -> P1Report:
    """Reads a source to its end and reports. Telegrams without a time are rejected: nothing dates them."""
    rejections = Rejections()
    count = 0
    async for _ in readings(chunks, timezone, None, rejections.add):
        count += 1
    whole = count + sum(number for reason, number in rejections.counts.items() if reason not in _NOT_WHOLE)
    return P1Report(telegrams=whole, readings=count, rejected=rejections)
