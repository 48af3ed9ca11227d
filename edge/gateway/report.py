"""What a file of telegrams holds, without sending any of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edge.gateway.sources import Rejected, readings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class P1Report:
    """What was found.

    Attributes:
        telegrams: whole and broken ones.
        readings: telegrams that can be used.
        rejected: the others, and bytes that belong to no telegram.
    """

    telegrams: int
    readings: int
    rejected: tuple[Rejected, ...]

    def to_json_dict(self) -> dict[str, Any]:
        """Returns what `edge meter p1 --dry-run --json` prints."""
        return {
            "telegrams": self.telegrams,
            "readings": self.readings,
            "rejected": [asdict(rejected) for rejected in self.rejected],
        }


async def dry_run(chunks: AsyncIterator[bytes], timezone: ZoneInfo) -> P1Report:
    """Reads a source to its end and reports. Telegrams without a time are rejected: nothing dates them."""
    rejected: list[Rejected] = []
    count = 0
    async for _ in readings(chunks, timezone, None, rejected.append):
        count += 1
    broken = sum(piece.reason != "TELEGRAM_GARBAGE" for piece in rejected)
    return P1Report(telegrams=count + broken, readings=count, rejected=tuple(rejected))
