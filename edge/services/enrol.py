"""Enrols meters: says which household a meter belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind, household_subject
from edge.domain.meter import Meter, MeterKind
from edge.errors import ConflictError

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.services.audit import AuditLog
    from edge.store.store import Store, Transaction


class Enrolment:
    """The register of meters."""

    def __init__(self, store: Store, audit: AuditLog, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    async def enrol(self, meter_id: str, household_id: str, kind: MeterKind) -> Meter:
        """Enrols a meter; doing it twice the same way changes nothing.

        Raises:
            ConflictError: the meter is enrolled for another household or as another kind.
        """
        meter = Meter(meter_id, household_id, kind, self._clock.now_ms())

        def work(transaction: Transaction) -> Meter:
            known = transaction.meters.get(meter_id)
            if known is None:
                transaction.meters.insert(meter)
                detail: dict[str, object] = {"meter": meter_id, "household": household_id, "kind": kind.value}
                subjects = (OPERATOR_SUBJECT, household_subject(household_id))
                event = Event(EventKind.METER_ENROLLED, meter.enrolled_ms, subjects, detail)
                self._audit.record(transaction, [event])
                return meter
            if (known.household_id, known.kind) != (household_id, kind):
                raise ConflictError(
                    f"Meter {meter_id} is enrolled for household {known.household_id} as {known.kind.value}.",
                    advice="A meter that moves needs a new id, so that its readings are never mixed up.",
                    reason="METER_ENROLLED_OTHERWISE",
                )
            return known

        return await self._store.write(work)

    async def meter(self, meter_id: str) -> Meter | None:
        """Returns a meter, or None if it is not enrolled."""
        return await self._store.read(lambda tables: tables.meters.get(meter_id))

    async def meters(self) -> list[Meter]:
        """Returns every meter, by id."""
        return await self._store.read(lambda tables: tables.meters.all())
