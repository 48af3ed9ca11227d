"""What a meter has delivered, to the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.record import GapQuery
from edge_sdk.wire.v1 import meter_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.domain.record import Gap


def gap_query(query: meter_pb2.GapQuery) -> GapQuery:
    """Returns the domain's query."""
    return GapQuery(query.from_ms, query.until_ms, query.longer_than_ms)


def gaps_to_wire(gaps: Iterable[Gap]) -> list[meter_pb2.Gap]:
    """Returns the wire's gaps."""
    return [
        meter_pb2.Gap(
            spool_id=gap.spool_id,
            first_sequence=gap.first_sequence,
            last_sequence=gap.last_sequence,
            from_ms=gap.from_ms,
            until_ms=gap.until_ms,
        )
        for gap in gaps
    ]
