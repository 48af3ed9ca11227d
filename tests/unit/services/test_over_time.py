"""A trigger whose evaluations take too long, although none uses more fuel than it may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import NewStreet

SLOW = """(local $n i32)
  (loop $l (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 900000))))"""


async def test_others_do_not_wait_for_it(new_street: NewStreet, module: Callable[..., bytes], tmp_path: Path) -> None:
    """What goes on for longer than `evaluation.slot_s_max` is given up and recorded as missed, once and for everybody;
    a trigger after it is evaluated at the same slot.
    """
    households = ("h1", "h2", "h3", "h4")
    async with new_street(tmp_path / "street", evaluation={"slot_s_max": 0.001}) as street:
        slow = await street.set_up(module(f"{SLOW} (i32.const 1)", name="a-slow"), *households)
        quick = await street.run_module(module("(i32.const 1)", name="b-quick"))
        slots = [await street.next_slot(*households) for _ in range(2)]
        missed = await street.events(EventKind.SLOTS_MISSED)
        assert [(item["module"], item["first_slot_ms"], item["slots"]) for item in missed] == [
            (slow.digest, slot_ms, 1) for slot_ms in slots
        ]
        assert await street.runs(slow.digest) == []
        assert [run["outcomes"] for run in await street.runs(quick.digest)] == [{"heard": 4}] * 2
