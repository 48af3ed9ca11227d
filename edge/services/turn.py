"""A trigger's turn at a slot: whether it comes to that, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.services.faults import health_of
from edge.services.triggers import consenting, running_triggers, spent

if TYPE_CHECKING:
    from edge.domain.trigger import Trigger
    from edge.services.documents import Documents
    from edge.services.slot_inputs import SlotInputs
    from edge.store.store import Tables


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be done.

    Attributes:
        sits_out: nothing, because the module faulted too often.
        agreed: who consents.
        households: who of them is evaluated, by name: is measured, and has actions left for the day.
    """

    sits_out: bool
    agreed: frozenset[str] = frozenset()
    households: tuple[str, ...] = ()


def runnable(tables: Tables, documents: Documents, now_ms: int) -> tuple[list[Trigger], frozenset[str]]:
    """Returns the triggers that run now, and the keys of those that the policy in force does not let run.

    A quarantined one is not among them. But it counts for the leak bound: else quarantine would let others run.
    """
    running = running_triggers(tables, now_ms)
    quarantined = tables.health.quarantined()
    permitted = documents.permitted(running)
    stopped = frozenset(trigger.run_key for trigger in running) - {trigger.run_key for trigger in permitted}
    return [item for item in permitted if (item.organization, item.module_digest) not in quarantined], stopped


def turn_of(tables: Tables, documents: Documents, trigger: Trigger, seen: SlotInputs, now_ms: int) -> Turn | None:
    """Returns what a trigger is to do at a slot; None if it does not run any more."""
    if trigger not in runnable(tables, documents, now_ms)[0]:
        return None
    if health_of(tables, trigger).sits_out(seen.slot_ms):
        return Turn(sits_out=True)
    consents = consenting(tables, trigger, now_ms)
    acted = spent(tables, trigger, seen.slot_ms)
    most = trigger.manifest.trigger.max_actions_per_day
    households = (name for name in consents if name in seen.measured and acted.get(name, 0) < most)
    return Turn(sits_out=False, agreed=frozenset(consents), households=tuple(sorted(households)))
