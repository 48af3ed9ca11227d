"""What a household sees of its own readings: samples of series, and what its meters said.

Whose they are follows from the caller alone. A meter is enrolled for one household, ever; what it measured before it
was enrolled or since it was retired may be somebody else's, and is shown to nobody.
"""

from __future__ import annotations

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

from edge.domain.meter_reading import MeterReading, Place
from edge.domain.series_query import SeriesPart
from edge.domain.slot import DAY_MS
from edge.errors import InvalidRequestError, LimitError, NotFoundError
from edge_sdk.catalogue import CATALOGUE, Extent, Series
from edge_sdk.text import printable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from edge.clock import Clock
    from edge.domain.meter import Meter
    from edge.domain.series_query import SeriesQuery
    from edge.settings import HouseholdViewSection
    from edge.store.store import Store

T = TypeVar("T")

OWN_SERIES: Final = {name: series for name, series in CATALOGUE.items() if series.extent is Extent.HOUSEHOLD}
_TIME_MS_MAX = 2**53
_RESOLUTION_S_MAX = 86_400
# A part of days touches no more files than an evaluation may, within a few.
_PART_MS_MAX = 32 * DAY_MS
# Of one page, in what has no register: a message has a bound.
_RAW_CHARS_MAX = 500_000
_TOKEN_CHARS_MAX = 1_000


class HouseholdView:
    """Answers a household. Its queries have threads of their own, so that they never take those of evaluations."""

    def __init__(self, store: Store, settings: HouseholdViewSection, clock: Clock) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._threads = ThreadPoolExecutor(settings.queries_max, thread_name_prefix="household-view")

    def close(self) -> None:
        """Ends the queries that wait, and waits for those that run."""
        self._threads.shutdown(cancel_futures=True)

    async def series(self, household_id: str, query: SeriesQuery) -> AsyncGenerator[SeriesPart, None]:
        """Yields the samples that lie wholly in the range and are over, in order, a part at a time; one part at least.

        Raises:
            InvalidRequestError: a series is none of a household, the range is not one, or the resolution is too long.
            LimitError: the range is too long, or has too many samples.
            NotFoundError: the household never had a meter, or retention has removed the range's beginning.
            StoreError: the database refused.
        """
        series = _own_series(query.names)
        if not 1 <= query.resolution_s <= _RESOLUTION_S_MAX:
            raise InvalidRequestError(
                f"The resolution of {query.resolution_s} s is not from 1 second to a day.", advice="Ask for 15m, or 1d."
            )
        self._check_range(query.from_ms, query.until_ms)
        resolution_ms = query.resolution_s * 1000
        first, end = -(-query.from_ms // resolution_ms), min(query.until_ms, self._clock.now_ms()) // resolution_ms
        if end - first > self._settings.samples_max:
            raise LimitError(
                f"The range has {end - first} samples, more than {self._settings.samples_max}.",
                advice="Ask for a shorter range, or a coarser resolution.",
                reason="RANGE_TOO_LONG",
            )
        meters = await self._meters(household_id)
        _check_kept(query.from_ms, self._store.history.kept_from_ms(resolution_ms), meters)
        step = max(1, min(self._settings.part_samples_max, _PART_MS_MAX // resolution_ms))
        for begin in range(first, max(end, first + 1), step):
            count = max(0, min(step, end - begin))
            yield await self._part(series, begin * resolution_ms, count, resolution_ms, meters)

    async def readings(
        self, household_id: str, from_ms: int, until_ms: int, page_size: int, page_token: str
    ) -> tuple[list[MeterReading], str]:
        """Returns a page of what the household's meters said, in order of time, and the token of the next page or "".

        Raises:
            InvalidRequestError: the range is not one, or the token is not one of ours.
            LimitError: the range is too long.
            NotFoundError: the household never had a meter, or retention has removed the range's beginning.
            StoreError: the database refused.
        """
        self._check_range(from_ms, until_ms)
        after = _place_of(page_token) if page_token else None
        limit = min(page_size or self._settings.page_readings_max, self._settings.page_readings_max)
        meters = await self._meters(household_id)
        # What was removed between two pages is not missed by who goes on behind it.
        begin_ms = max(from_ms, after.time_ms) if after else from_ms
        _check_kept(begin_ms, (self._store.files.removed_until + 1) * DAY_MS, meters)
        found = await self._in_thread(lambda: self._store.pages.page(meters, from_ms, until_ms, after, limit + 1))
        page = _within_a_message(found[:limit])
        return page, _token_of(page[-1].place) if len(page) < len(found) else ""

    async def _part(
        self, series: Sequence[Series], from_ms: int, count: int, resolution_ms: int, meters: Sequence[Meter]
    ) -> SeriesPart:
        samples = self._store.history.samples
        values = await self._in_thread(lambda: samples(series, from_ms, count, resolution_ms, meters))
        return SeriesPart(from_ms, values)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _meters(self, household_id: str) -> list[Meter]:
        meters = await self._store.read(lambda tables: tables.meters.of_household(household_id))
        if not meters:
            raise NotFoundError(
                "No meter was ever enrolled for this household.",
                advice="Ask the operator to enrol it (`edge meter enrol`).",
                reason="METER_UNKNOWN",
            )
        return meters

    def _check_range(self, from_ms: int, until_ms: int) -> None:
        if not 0 <= from_ms < until_ms <= _TIME_MS_MAX:
            raise InvalidRequestError("The range of time does not begin before it ends, or is negative.")
        if until_ms - from_ms > self._settings.range_days_max * DAY_MS:
            raise LimitError(
                f"The range of time is longer than {self._settings.range_days_max} days.",
                advice="Ask for less at a time.",
                reason="RANGE_TOO_LONG",
            )


def _own_series(names: Sequence[str]) -> list[Series]:
    unknown = [name for name in names if name not in OWN_SERIES]
    if unknown or not names:
        what = f"{printable(unknown[0])} is no series of a household." if unknown else "No series is named."
        raise InvalidRequestError(what, advice=f"There are {', '.join(OWN_SERIES)}.", reason="SERIES_UNKNOWN")
    return [OWN_SERIES[name] for name in dict.fromkeys(names)]


def _check_kept(from_ms: int, kept_from_ms: int, meters: Sequence[Meter]) -> None:
    """Returns if nothing that was the household's own was removed from the range's beginning.

    Raises:
        NotFoundError: something was; says since when there is data.
    """
    if max(from_ms, min(meter.enrolled_ms for meter in meters)) < kept_from_ms:
        since = datetime.fromtimestamp(kept_from_ms / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%MZ")
        raise NotFoundError(
            f"What the range begins with is not kept any more: there is data since {since}.",
            advice=f"Ask from {since} on. Samples of whole minutes are kept longer than readings.",
            reason="READINGS_REMOVED",
        )


def _within_a_message(page: list[MeterReading]) -> list[MeterReading]:
    """Returns as much of a page as fits into a message, one reading at least."""
    chars = 0
    for place, reading in enumerate(page):
        chars += sum(len(text) for register in reading.raw for text in register)
        if chars > _RAW_CHARS_MAX:
            return page[: max(place, 1)]
    return page


def _token_of(place: Place) -> str:
    written = json.dumps([place.time_ms, place.meter_id, place.spool_id, place.sequence], separators=(",", ":"))
    return base64.urlsafe_b64encode(written.encode()).decode()


def _place_of(token: str) -> Place:
    try:
        if len(token) > _TOKEN_CHARS_MAX:
            raise ValueError  # noqa: TRY301 - as any other that is none
        time_ms, meter_id, spool_id, sequence = json.loads(base64.b64decode(token, b"-_", validate=True))
        if [type(part) for part in (time_ms, meter_id, spool_id, sequence)] != [int, str, str, int]:
            raise ValueError  # noqa: TRY301 - as any other that is none
        if not (0 <= time_ms <= _TIME_MS_MAX and 0 <= sequence < 2**63):
            raise ValueError  # noqa: TRY301 - as any other that is none
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequestError("The page token is none.", advice="Send the one of the page before.") from error
    return Place(time_ms, meter_id, spool_id, sequence)
