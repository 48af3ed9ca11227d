"""The agenda: which slots each trigger has yet to be evaluated at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.slot import slots_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.domain.trigger import Trigger
    from edge.store.store import Store


class Agenda:
    """Remembers how far each trigger has come. Used by one evaluator, a round at a time."""

    def __init__(self, store: Store, started_ms: int) -> None:
        self._store = store
        self._started_ms = started_ms
        self._newest: dict[str, int] = {}
        self._settled_ahead: dict[str, list[tuple[int, int]]] = {}
        self._last_round_ms: int | None = None
        self._in_last_round: frozenset[str] = frozenset()

    async def open_slots(self, triggers: Sequence[Trigger], until_ms: int) -> list[tuple[Trigger, list[int]]]:
        """Begins a round: returns the slots up to `until_ms` that each of the triggers that run now owes, ascending.

        Raises:
            StoreError: the database refused.
        """
        if self._last_round_ms is None or until_ms < self._last_round_ms:
            await self._recall(until_ms)
        slots = [(trigger, self._slots(trigger, until_ms)) for trigger in triggers]
        self._last_round_ms = until_ms
        self._in_last_round = frozenset(trigger.run_key for trigger in triggers)
        return slots

    def note_done(self, trigger: Trigger, slot_ms: int) -> None:
        """Notes that a trigger owes no slot up to and including `slot_ms`."""
        self._newest[trigger.run_key] = slot_ms

    def _slots(self, trigger: Trigger, until_ms: int) -> list[int]:
        since_ms = self._newest.get(trigger.run_key, max(trigger.approval.not_before_ms, self._started_ms))
        if self._last_round_ms is not None and trigger.run_key not in self._in_last_round:
            # It was stopped, or is new: it owes nothing from before it ran (again).
            since_ms = max(since_ms, self._last_round_ms)
        self._newest[trigger.run_key] = since_ms
        settled = self._settled_ahead.get(trigger.run_key, ())
        return [
            slot
            for slot in slots_between(since_ms, until_ms, trigger.manifest.trigger.every_s)
            if not any(first <= slot <= last for first, last in settled)
        ]

    async def _recall(self, now_ms: int) -> None:
        """Learns from the store what was done before the start, or before the clock was set back.

        A clock that once ran ahead does not keep triggers from running until it is there again, nor does a slot that
        was evaluated or noted as missed then get a run.
        """
        self._newest, self._settled_ahead = await self._store.read(
            lambda tables: (tables.evaluations.newest_slots(now_ms), tables.evaluations.settled_after(now_ms))
        )
        if self._last_round_ms is not None:
            self._started_ms = min(self._started_ms, now_ms)
            self._last_round_ms = None
