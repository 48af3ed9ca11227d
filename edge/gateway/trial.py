"""What a source holds, without sending any of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.gateway.framing import PIECES
from edge.gateway.report import P1Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge.gateway.rejections import Rejections
    from edge_sdk.wire.v1.meter_pb2 import Reading


async def trial(source: AsyncIterator[Reading], rejections: Rejections) -> P1Report:
    """Reads a source to its end and reports; `rejections` are those that the source tells of meanwhile."""
    count = 0
    async for _ in source:
        count += 1
    whole = sum(number for reason, number in rejections.counts.items() if reason not in PIECES)
    return P1Report(telegrams=count + whole, readings=count, rejected=rejections)
