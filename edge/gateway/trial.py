"""What a source holds, without sending any of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.gateway.framing import PIECES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge.gateway.rejections import Rejections
    from edge_sdk.wire.v1.meter_pb2 import Reading


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found.

    Attributes:
        telegrams: the whole ones, usable or not; of a table its rows.
        readings: those of them that can be used.
        rejected: the others, what is left of telegrams that were cut, and bytes that belong to none.
    """

    telegrams: int
    readings: int
    rejected: Rejections

    def to_json_dict(self) -> dict[str, Any]:
        """Returns what `edge meter p1 --dry-run --json` prints."""
        return {"telegrams": self.telegrams, "readings": self.readings, **self.rejected.to_json_dict()}


async def trial(source: AsyncIterator[Reading], rejections: Rejections) -> Trial:
    """Reads a source to its end and reports; `rejections` are those that the source tells of meanwhile."""
    count = 0
    async for _ in source:
        count += 1
    whole = sum(number for reason, number in rejections.counts.items() if reason not in PIECES)
    return Trial(telegrams=count + whole, readings=count, rejected=rejections)
