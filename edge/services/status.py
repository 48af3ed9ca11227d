"""How the edge is doing, in numbers."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.domain.health import ModuleHealth
from edge.domain.module import RUNNING, Module, ModuleState

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.services.audit import AuditLog
    from edge.services.documents import Documents
    from edge.store.store import Store, Tables


@dataclass(frozen=True, slots=True)
class Status:
    """Counts since the edge was set up, except where they say otherwise."""

    time_ms: int
    started_ms: int
    households: int
    meters: int
    readings: int
    readings_refused: int
    evaluations: int
    faults: int
    actions: int
    actions_delivered: int
    releases: int
    consents_in_force: int
    modules_active: int
    modules_shadow: int
    modules_quarantined: int
    organizations_suspended: int
    audit_entries: int
    policy_version: int
    store_bytes: int
    store_full: bool
    days_of_readings: int
    days_of_rollups: int
    files_set_aside: int
    days_unusable: int


class StatusReport:
    """Counts what there is."""

    def __init__(self, store: Store, audit: AuditLog, documents: Documents, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._documents = documents
        self._clock = clock
        self._started_ms = clock.now_ms()

    async def troubled(self) -> list[tuple[Module, ModuleHealth]]:
        """Returns the modules that would run but for their faults, and their health: quarantined, or with bad slots."""

        def work(tables: Tables) -> list[tuple[Module, ModuleHealth]]:
            now_ms, health = self._clock.now_ms(), tables.health.all()
            running = [module for module in tables.modules.approved(now_ms) if module.state(now_ms) in RUNNING]
            known = [(module, health.get((module.organization, module.digest))) for module in running]
            return [(module, found) for module, found in known if found is not None and found.bad_slots]

        return await self._store.read(work)

    async def status(self) -> Status:
        """Returns the counts as of now."""
        readings, refused = await asyncio.to_thread(self._store.readings.count)
        return await self._store.read(lambda tables: self._status(tables, readings, refused))

    def _status(self, tables: Tables, readings: int, refused: int) -> Status:
        now_ms = self._clock.now_ms()
        meters = [meter for meter in tables.meters.all() if meter.counts_at(now_ms)]
        modules = tables.modules.approved(now_ms)
        health = tables.health.all()
        states = Counter(
            module.state_for_operator(now_ms, health.get((module.organization, module.digest), ModuleHealth()))
            for module in modules
        )
        totals = tables.evaluations.totals()
        files, days = self._store.files, self._store.files.days()
        actions, delivered = tables.actions.totals()
        return Status(
            time_ms=now_ms,
            started_ms=self._started_ms,
            households=len({meter.household_id for meter in meters}),
            meters=len(meters),
            readings=readings,
            readings_refused=refused,
            evaluations=totals.evaluations,
            faults=totals.faults,
            actions=actions,
            actions_delivered=delivered,
            releases=0,  # nothing makes one yet
            consents_in_force=tables.consents.in_force(now_ms),
            modules_active=states[ModuleState.ACTIVE],
            modules_shadow=states[ModuleState.SHADOW],
            modules_quarantined=states[ModuleState.QUARANTINED],
            organizations_suspended=len(tables.organizations.suspended()),
            audit_entries=len(self._audit),
            policy_version=self._documents.policy_version,
            store_bytes=files.total_bytes(),
            store_full=files.is_full,
            days_of_readings=sum(day.readings_bytes > 0 for day in days),
            days_of_rollups=sum(not day.readings_bytes for day in days),
            files_set_aside=len(files.set_aside()),
            days_unusable=sum(bool(day.problem) for day in days),
        )
