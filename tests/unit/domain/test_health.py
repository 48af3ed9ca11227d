from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.health import FaultCounts, ModuleHealth, SlotCounts, after_slot
from edge.sandbox.evaluation import FaultCode
from edge.settings import FaultsSection

EVERY_S = 900
EVERY_MS = 900_000
RULES = FaultsSection()
COUNTS = st.builds(FaultCounts, *[st.integers(0, 50)] * len(fields(FaultCounts)))


def slot(number: int, evaluations: int, **faults: int) -> SlotCounts:
    return SlotCounts(number * EVERY_MS, evaluations, FaultCounts(**faults))


def after(health: ModuleHealth, counts: SlotCounts, rules: FaultsSection = RULES) -> ModuleHealth:
    return after_slot(health, counts, EVERY_S, rules)


def test_every_code_is_counted() -> None:
    """Each code of the sandbox but NONE has its count."""
    assert [field.name for field in fields(FaultCounts)] == [code.name.lower() for code in FaultCode if code]


@pytest.mark.parametrize(
    ("counts", "bad"),
    [
        (slot(1, 100, trap=10), False),
        (slot(1, 100, trap=5, fuel=3, bad_outcome=2, bad_inputs_address=1), True),
        (slot(1, 1, trap=1), True),
        (slot(1, 1), False),
        (slot(1, 100, wall_clock=100), False),
        (slot(1, 100, wall_clock=91, trap=1), True),
        (slot(1, 100, wall_clock=90, trap=1), False),
    ],
)
def test_bad_slots(counts: SlotCounts, *, bad: bool) -> None:
    """A slot is bad where more than the share faulted, of those evaluations that the machine did not stop."""
    health = after(ModuleHealth(), counts)
    assert (health.bad_slots, health.runs_again_ms) == ((1, 3 * EVERY_MS) if bad else (0, 0))
    assert health.faults == counts.faults, "whatever it weighs, it is counted"


@pytest.mark.parametrize("counts", [slot(9, 0), slot(9, 3, wall_clock=3)])
def test_slots_that_say_nothing(counts: SlotCounts) -> None:
    """A slot without evaluations, or where the machine stopped all of them, neither adds to the row nor ends it; what
    was to be sat out before it has been.
    """
    ill = ModuleHealth(bad_slots=3, runs_again_ms=7)
    assert (after(ill, counts).bad_slots, after(ill, counts).runs_again_ms) == (3, 0)


def test_sits_out_longer_and_longer() -> None:
    """After bad slots in a row it sits out 1, 2, 4, ... slots, up to the bound; a good one ends it."""
    rules = FaultsSection(quarantine_after=1_000, sit_out_slots_max=6)
    health, number, sat_out = ModuleHealth(), 1, list[int]()
    for _ in range(5):
        health = after(health, slot(number, 1, trap=1), rules)
        sat_out.append(sum(health.sits_out((number + more) * EVERY_MS) for more in range(1, 20)))
        number += sat_out[-1] + 1
        assert not health.sits_out(number * EVERY_MS)
    assert sat_out == [1, 2, 4, 6, 6]
    well = after(health, slot(number, 1), rules)
    assert (well.bad_slots, well.sits_out((number + 1) * EVERY_MS)) == (0, False)


def test_clock_that_was_set_back() -> None:
    """Slots before the one that was bad are not sat out: a clock that ran ahead stops nothing once it is right."""
    health = after(ModuleHealth(), slot(100, 1, trap=1))
    assert health.sits_out(101 * EVERY_MS)
    assert not health.sits_out(50 * EVERY_MS)
    assert not after(health, slot(50, 0)).sits_out(51 * EVERY_MS)


def test_quarantine_and_after() -> None:
    """It is quarantined by so many bad slots in a row; resumed, it begins anew, and what was counted stays."""
    health = ModuleHealth()
    for number in range(1, 6):
        assert not health.quarantined
        health = after(health, slot(number, 10, trap=2, fuel=1))
    assert (health.bad_slots, health.quarantined_ms) == (5, 5 * EVERY_MS)
    resumed = health.resumed()
    assert (resumed.bad_slots, resumed.quarantined, resumed.sits_out(6 * EVERY_MS)) == (0, False, False)
    assert (resumed.evaluations, resumed.faults) == (50, FaultCounts(trap=10, fuel=5))
    assert after(resumed, slot(6, 10, trap=10)).bad_slots == 1


def test_share_of_one() -> None:
    """With a share of 1 no slot is bad: the operator counts and stops by hand."""
    health = after(ModuleHealth(), slot(1, 1, trap=1), FaultsSection(share_max=1))
    assert (health.bad_slots, health.faults.total, health.last_fault_slot_ms) == (0, 1, EVERY_MS)


@given(counts=st.lists(COUNTS))
def test_sums(counts: list[FaultCounts]) -> None:
    """Over all slots each code has the sum of its counts."""
    total = FaultCounts()
    for item in counts:
        total = total.plus(item)
    for field in fields(FaultCounts):
        assert getattr(total, field.name) == sum(getattr(item, field.name) for item in counts)
    assert total.total == sum(item.total for item in counts)


@given(
    verdicts=st.lists(st.sampled_from(["good", "bad", "nothing"]), max_size=60),
    bound=st.integers(1, 12),
    quarantine_after=st.integers(1, 12),
)
def test_whatever_the_slots_are(verdicts: list[str], bound: int, quarantine_after: int) -> None:
    """For any slots, a module that is quarantined never runs, and it never sits out more slots on end than the bound;
    it is quarantined exactly after so many bad ones in a row.
    """
    rules = FaultsSection(sit_out_slots_max=bound, quarantine_after=quarantine_after)
    kinds = {"good": {"evaluations": 10}, "bad": {"evaluations": 10, "trap": 9}, "nothing": {"evaluations": 0}}
    health, on_end, row, left = ModuleHealth(), 0, 0, list(verdicts)
    for number in range(1, len(verdicts) * (bound + 1) + 1):
        if health.quarantined or not left:
            break
        if health.sits_out(number * EVERY_MS):
            on_end += 1
            assert on_end <= bound
            continue
        verdict, on_end = left.pop(0), 0
        health = after(health, slot(number, **kinds[verdict]), rules)
        row = {"good": 0, "bad": row + 1, "nothing": row}[verdict]
        assert health.bad_slots == row
        assert health.quarantined == (row >= quarantine_after)
    assert health.quarantined or not left, "it had its turn at every slot that it did not sit out"


@given(health=st.builds(ModuleHealth, bad_slots=st.integers(0, 4)), counts=COUNTS)
def test_no_verdict_on_the_past(health: ModuleHealth, counts: FaultCounts) -> None:
    """What a slot adds to the counts does not depend on what came before."""
    slot_counts = SlotCounts(EVERY_MS, counts.total + 1, counts)
    noted = after(health, slot_counts)
    assert (noted.evaluations, noted.faults, noted.last) == (counts.total + 1, counts, slot_counts)
    assert after(replace(health, bad_slots=0), slot_counts).faults == noted.faults
