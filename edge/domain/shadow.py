"""What a shadow would have done: counts for the operator, of actions that nobody got."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Comparison:
    """A shadow's decisions beside those of the active version at the same slot.

    Attributes:
        compared: households that the shadow decided for; none where the active version did not run.
        different: those of them to whom it would have said something else, or nothing where the other said something.
    """

    compared: int
    different: int


def compare(decided: Mapping[str, str | None], acted: Mapping[str, str] | None) -> Comparison:
    """Compares by the names of actions, for two versions may number theirs differently.

    Args:
        decided: by household, the name of the shadow's action, None for nothing.
        acted: by household, the name of the active version's action; None if it did not run at this slot.
    """
    if acted is None:
        return Comparison(0, 0)
    return Comparison(len(decided), sum(name != acted.get(household) for household, name in decided.items()))


@dataclass(frozen=True, slots=True)
class ShadowSlot:
    """One shadow at one slot, or at several together, of which `slot_ms` is the newest.

    Attributes:
        actions: how many households it would have told what, by the action's name.
    """

    slot_ms: int
    evaluations: int
    faults: int
    actions: Mapping[str, int]
    comparison: Comparison


def together(slots: Sequence[ShadowSlot]) -> ShadowSlot:
    """Returns the sum of slots; zeros where there are none."""
    actions: Counter[str] = Counter()
    for slot in slots:
        actions.update(slot.actions)
    return ShadowSlot(
        slot_ms=max((slot.slot_ms for slot in slots), default=0),
        evaluations=sum(slot.evaluations for slot in slots),
        faults=sum(slot.faults for slot in slots),
        actions=actions,
        comparison=Comparison(
            sum(slot.comparison.compared for slot in slots), sum(slot.comparison.different for slot in slots)
        ),
    )
