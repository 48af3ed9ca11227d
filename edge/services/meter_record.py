"""Tells what a meter has delivered: to itself what is missing, to the operator also how it is doing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edge.errors import InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.domain.meter import Meter
    from edge.domain.record import Gap, GapQuery, MeterRecord
    from edge.store.store import Store

_RANGE_MS_MAX = 366 * 86_400_000
_TIME_MS_MAX = 2**62


class MeterRecords:
    """Answers questions about one meter's readings."""

    def __init__(self, store: Store, clock: Clock, page_gaps_max: int) -> None:
        self._store = store
        self._clock = clock
        self._page_gaps_max = page_gaps_max

    async def record(self, meter_id: str) -> tuple[Meter, MeterRecord]:
        """Returns a meter and what is kept of it.

        Raises:
            NotFoundError: there is no such meter.
            StoreError: the database refused.
        """
        meter = await self._store.read(lambda tables: tables.meters.get(meter_id))
        if meter is None:
            raise NotFoundError(
                f"Meter {meter_id} is not enrolled at this edge.", advice="`edge meter list`", reason="METER_UNKNOWN"
            )
        return meter, await asyncio.to_thread(self._store.records.record, meter_id, self._clock.now_ms())

    async def gaps(self, meter_id: str, query: GapQuery, page_size: int, page_token: str) -> tuple[list[Gap], str]:
        """Returns a page of what is missing between a meter's readings, and the token of the next page or "".

        Raises:
            InvalidRequestError: the range is not one, is too long, or the token is not one of ours.
            StoreError: the database refused.
        """
        if not 0 <= query.from_ms <= query.until_ms <= _TIME_MS_MAX or query.longer_than_ms < 0:
            raise InvalidRequestError("The range of time does not begin before it ends, or is negative.")
        if query.until_ms - query.from_ms > _RANGE_MS_MAX:
            raise InvalidRequestError("The range of time is longer than 366 days.", advice="Ask for less at a time.")
        if page_token and not (page_token.isascii() and page_token.isdigit() and len(page_token) < 18):
            raise InvalidRequestError("The page token is none.", advice="Send the one of the page before.")
        limit = min(page_size or self._page_gaps_max, self._page_gaps_max)
        skip = int(page_token or 0)
        gaps = await asyncio.to_thread(self._store.records.gaps, meter_id, query, limit + 1, skip)
        return gaps[:limit], str(skip + limit) if len(gaps) > limit else ""
