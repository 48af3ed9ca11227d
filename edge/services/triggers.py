"""Which triggers run: approved, not suspended, not revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.slot import day_of
from edge.domain.trigger import Trigger, running_trigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.store.store import Tables


def running_triggers(tables: Tables, now_ms: int) -> list[Trigger]:
    """Returns every active trigger and every shadow, by key, an active version before its shadow.

    Whether the policy in force lets it run is for `Documents.permitted`. A quarantined one is among them: neither an
    offer nor a leak bound may show that it is.
    """
    triggers = (running_trigger(module, now_ms) for module in tables.modules.approved(now_ms))
    return sorted((trigger for trigger in triggers if trigger is not None), key=lambda trigger: trigger.run_key)


def active_triggers(tables: Tables, now_ms: int) -> list[Trigger]:
    """Returns every active trigger, by key: those whose actions go out."""
    return [trigger for trigger in running_triggers(tables, now_ms) if not trigger.shadow]


def consenting(
    tables: Tables, trigger: Trigger, now_ms: int, households: Sequence[str] | None = None
) -> dict[str, str]:
    """Returns the consent of each household, or of each of `households`, that permits the trigger, by household."""
    needed = trigger.terms
    return {
        household_id: consent_id
        for terms, consents in tables.consents.in_force_of(needed.identity, now_ms, households)
        if terms.cover(needed)
        for household_id, consent_id in consents
    }


def spent(tables: Tables, trigger: Trigger, slot_ms: int) -> dict[str, int]:
    """Returns how many actions each household got of the trigger, over all its versions, on the day of a slot.

    Of a shadow, how many it would have got of this version: counted as if it acted, for otherwise it would decide
    more often than it could.
    """
    if trigger.shadow:
        return tables.shadows.count_by_household(trigger.organization, trigger.module_digest, day_of(slot_ms))
    return tables.actions.count_by_household(trigger.key, day_of(slot_ms))
