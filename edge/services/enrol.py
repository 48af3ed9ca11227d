"""Enrols and retires meters: says which household a meter belongs to, and when it stops counting."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind, household_subject
from edge.domain.meter import Meter, MeterKind
from edge.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.clock import Clock
    from edge.services.audit import AuditLog
    from edge.store.store import Store, Transaction


class Enrolment:
    """The register of meters."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        clock: Clock,
        page_meters_max: int,
        on_changed: Callable[[Meter], None],
    ) -> None:
        """Makes a register.

        Args:
            store: where it is kept.
            audit: where changes are recorded.
            clock: what time it is.
            page_meters_max: meters in one answer of a list.
            on_changed: is told of a meter that was enrolled or retired, in the event loop.
        """
        self._store = store
        self._on_changed = on_changed
        self._page_meters_max = page_meters_max
        self._audit = audit
        self._clock = clock

    async def enrol(self, meter_id: str, household_id: str, kind: MeterKind) -> Meter:
        """Enrols a meter; doing it twice the same way changes nothing.

        Raises:
            ConflictError: the meter is enrolled for another household or as another kind, or was retired.
        """
        meter = Meter(meter_id, household_id, kind, self._clock.now_ms())
        loop = asyncio.get_running_loop()

        def work(transaction: Transaction) -> Meter:
            known = transaction.meters.get(meter_id)
            if known is None:
                transaction.meters.insert(meter)
                detail: dict[str, object] = {"meter": meter_id, "household": household_id, "kind": kind.value}
                subjects = (OPERATOR_SUBJECT, household_subject(household_id))
                event = Event(EventKind.METER_ENROLLED, meter.enrolled_ms, subjects, detail)
                self._audit.record(transaction, [event])
                # With the commit, not with the answer: the caller may have hung up by then.
                transaction.after_commit(lambda: loop.call_soon_threadsafe(self._on_changed, meter))
                return meter
            if (known.household_id, known.kind) != (household_id, kind):
                raise ConflictError(
                    f"Meter {meter_id} is enrolled for household {known.household_id} as {known.kind.value}.",
                    advice="A meter that moves needs a new id, so that its readings are never mixed up.",
                    reason="METER_ENROLLED_OTHERWISE",
                )
            if known.retired_ms is not None:
                raise ConflictError(
                    f"Meter {meter_id} was retired.",
                    advice="Retired is for good; issue an identity of a new id and enrol that.",
                    reason="METER_RETIRED",
                )
            return known

        return await self._store.write(work)

    async def retire(self, meter_id: str) -> Meter:
        """Ends what a meter counts for, from now on; doing it twice changes nothing. What it reported stays.

        Raises:
            NotFoundError: no such meter.
        """
        now_ms, loop = self._clock.now_ms(), asyncio.get_running_loop()

        def work(transaction: Transaction) -> Meter:
            known = transaction.meters.get(meter_id)
            if known is None:
                raise NotFoundError(
                    f"Meter {meter_id} is not enrolled.", advice="See `edge meter list`.", reason="METER_UNKNOWN"
                )
            if known.retired_ms is not None:
                return known
            retired = replace(known, retired_ms=now_ms)
            transaction.meters.update(retired)
            detail: dict[str, object] = {"meter": meter_id, "household": known.household_id}
            subjects = (OPERATOR_SUBJECT, household_subject(known.household_id))
            self._audit.record(transaction, [Event(EventKind.METER_RETIRED, now_ms, subjects, detail)])
            transaction.after_commit(lambda: loop.call_soon_threadsafe(self._on_changed, retired))
            return retired

        return await self._store.write(work)

    async def page(self, size: int, after_meter_id: str) -> tuple[list[Meter], bool]:
        """Returns the meters that follow one, by id, and whether there are more.

        Args:
            size: how many at most; 0 for as many as the edge gives at once.
            after_meter_id: the last of the page before; empty for the first.
        """
        size = min(size or self._page_meters_max, self._page_meters_max)
        found = await self._store.read(lambda tables: tables.meters.page(size + 1, after_meter_id))
        return found[:size], len(found) > size
