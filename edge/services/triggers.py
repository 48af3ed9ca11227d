"""Which triggers are active: approved, not suspended, not revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.trigger import Trigger, active_trigger

if TYPE_CHECKING:
    from edge.store.store import Tables


def active_triggers(tables: Tables, now_ms: int) -> list[Trigger]:
    """Returns every active trigger, by key. Whether the policy in force lets it run is for `Documents.permitted`."""
    triggers = (active_trigger(module, now_ms) for module in tables.modules.approved())
    return sorted((trigger for trigger in triggers if trigger is not None), key=lambda trigger: trigger.key)


def consenting(tables: Tables, trigger: Trigger, now_ms: int) -> dict[str, str]:
    """Returns the consent of each household that permits the trigger, by household."""
    needed = trigger.terms
    consents = tables.consents.granted(needed.organization, needed.service)
    return {consent.household_id: consent.consent_id for consent in consents if consent.permits(needed, now_ms)}
