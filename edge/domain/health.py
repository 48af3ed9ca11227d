"""A module's health: how often its evaluations fault, and when it has to sit out.

Only the operator may know it, for it depends on what households measured: a module could fault on purpose to signal.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.settings import FaultsSection


@dataclass(frozen=True, slots=True)
class FaultCounts:
    """How many evaluations faulted, by the sandbox's codes."""

    trap: int = 0
    fuel: int = 0
    wall_clock: int = 0
    bad_outcome: int = 0
    bad_inputs_address: int = 0

    @property
    def total(self) -> int:
        """Of every code."""
        return sum(astuple(self))

    def plus(self, other: FaultCounts) -> FaultCounts:
        """Returns the sum of both."""
        return FaultCounts(*map(sum, zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """What the evaluations of one slot came to."""

    slot_ms: int
    evaluations: int
    faults: FaultCounts

    def share(self) -> float | None:
        """Returns the share of faults in what says something of the module; None if nothing does.

        Evaluations that were stopped by the wall clock are left out: on a busy machine good code meets it, on an idle
        one the same code does not. What computes too long, whatever the machine, runs out of fuel.
        """
        telling = self.evaluations - self.faults.wall_clock
        return (self.faults.total - self.faults.wall_clock) / telling if telling else None


@dataclass(frozen=True, slots=True)
class ModuleHealth:
    """What is known of one organization's module since it first ran.

    Attributes:
        evaluations: over all slots; so are `faults`.
        last: the newest slot that it was evaluated at, if there was one.
        last_fault_slot_ms: the newest slot with a fault of whatever code.
        bad_slots: bad slots in a row.
        runs_again_ms: the first slot after those that it sits out; 0 if it sits out none.
        quarantined_ms: the slot after which it was stopped, until the operator resumes it.
    """

    evaluations: int = 0
    faults: FaultCounts = FaultCounts()
    last: SlotCounts | None = None
    last_fault_slot_ms: int | None = None
    bad_slots: int = 0
    runs_again_ms: int = 0
    quarantined_ms: int | None = None

    @property
    def quarantined(self) -> bool:
        """Whether it is stopped until the operator resumes it."""
        return self.quarantined_ms is not None

    def sits_out(self, slot_ms: int) -> bool:
        """Whether it is not evaluated at a slot. Behind a clock that was set back nothing is sat out."""
        return self.last is not None and self.last.slot_ms < slot_ms < self.runs_again_ms

    def resumed(self) -> ModuleHealth:
        """Returns it as it is once the operator lets it run again: what was counted stays, the row begins anew."""
        return replace(self, bad_slots=0, runs_again_ms=0, quarantined_ms=None)


def after_slot(health: ModuleHealth, slot: SlotCounts, every_s: int, rules: FaultsSection) -> ModuleHealth:
    """Returns a module's health after one more slot that it was evaluated at.

    Args:
        health: before.
        slot: what the evaluations came to. A slot that says nothing, as one without evaluations, changes no verdict.
        every_s: from one of its slots to the next.
        rules: from when a slot is bad, and what follows.
    """
    noted = replace(
        health,
        evaluations=health.evaluations + slot.evaluations,
        faults=health.faults.plus(slot.faults),
        last=slot,
        last_fault_slot_ms=slot.slot_ms if slot.faults.total else health.last_fault_slot_ms,
        # It ran, so it has sat out what it had to, whatever the clock did meanwhile.
        runs_again_ms=0,
    )
    share = slot.share()
    if share is None:
        return noted
    if share <= rules.share_max:
        return replace(noted, bad_slots=0)
    bad_slots = health.bad_slots + 1
    if bad_slots >= rules.quarantine_after:
        return replace(noted, bad_slots=bad_slots, quarantined_ms=slot.slot_ms)
    sat_out = min(2 ** (bad_slots - 1), rules.sit_out_slots_max)
    return replace(noted, bad_slots=bad_slots, runs_again_ms=slot.slot_ms + (sat_out + 1) * every_s * 1000)
