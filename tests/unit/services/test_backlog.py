from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from edge.services.backlog import Backlog

METER = "m1"


async def settle() -> None:
    """Lets every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_large_batch_is_not_passed_by() -> None:
    """First come, first served: small batches do not keep a large one waiting for ever."""
    backlog = Backlog(10, 10)
    await backlog.enter(METER, 6)
    large, small = asyncio.create_task(backlog.enter(METER, 10)), asyncio.create_task(backlog.enter(METER, 1))
    await settle()
    assert (large.done(), small.done()) == (False, False)
    backlog.leave(METER, 6)
    await settle()
    assert (large.done(), small.done()) == (True, False)
    backlog.leave(METER, 10)
    await asyncio.wait_for(small, 1)


async def test_one_that_gives_up_lets_the_others_in() -> None:
    """Who gives up waiting, or is let in at that very moment, takes no room and keeps nobody out."""
    backlog = Backlog(10, 10)
    await backlog.enter(METER, 6)
    large, small = asyncio.create_task(backlog.enter(METER, 9)), asyncio.create_task(backlog.enter(METER, 4))
    await settle()
    large.cancel()
    await asyncio.wait_for(small, 1)
    late = asyncio.create_task(backlog.enter(METER, 10))
    await settle()
    backlog.leave(METER, 10)
    late.cancel()
    await asyncio.gather(large, late, return_exceptions=True)
    await asyncio.wait_for(backlog.enter(METER, 10), 1)


async def test_meters_take_turns() -> None:
    """A meter that has brought much waits for its turn like any other; the others are let in before its next batch."""
    backlog, order = Backlog(10, 100), list[str]()

    async def bring(meter_id: str) -> None:
        await backlog.enter(meter_id, 5)
        order.append(meter_id)

    await backlog.enter("first", 10)
    tasks = [asyncio.create_task(bring(meter_id)) for meter_id in ("hog", "hog", "hog", "quiet", "hog", "late")]
    await settle()
    for _ in tasks:
        backlog.leave("first", 5)
        await settle()
    assert order == ["hog", "quiet", "late", "hog", "hog", "hog"]


async def test_a_meter_has_a_share() -> None:
    """However many streams a meter opens, it holds no more than its share; what is left is there for the others."""
    backlog = Backlog(10, 4)
    await backlog.enter("hog", 3)
    more = [asyncio.create_task(backlog.enter("hog", 2)) for _ in range(3)]
    await settle()
    assert not any(task.done() for task in more)
    await asyncio.wait_for(backlog.enter("quiet", 7), 1)
    backlog.leave("hog", 3)
    await settle()
    assert [task.done() for task in more] == [True, False, False], (
        "two and two make its share, but there is room for one"
    )
    backlog.leave("quiet", 7)
    await settle()
    assert [task.done() for task in more] == [True, True, False]
    backlog.leave("hog", 4)
    await asyncio.wait_for(more[2], 1)
    backlog.leave("hog", 2)
    await asyncio.wait_for(backlog.enter("hog", 9), 1)


@given(sizes=st.lists(st.integers(0, 10), max_size=30), given_up=st.sets(st.integers(0, 29)))
def test_everyone_is_let_in_and_never_too_many(sizes: list[int], given_up: set[int]) -> None:
    """Whatever the sizes and whoever gives up, there are never more than may be, and everyone else gets in."""

    async def all_enter() -> None:
        backlog, inside, done = Backlog(10, 10), 0, 0

        async def stay(size: int) -> None:
            nonlocal inside, done
            await backlog.enter(METER, size)
            inside += size
            assert inside <= 10
            await asyncio.sleep(0)
            inside -= size
            backlog.leave(METER, size)
            done += 1

        tasks = [asyncio.create_task(stay(size)) for size in sizes]
        quitters = [asyncio.create_task(backlog.enter(METER, 5)) for _ in given_up]
        await asyncio.sleep(0)
        for quitter in quitters:
            if not quitter.cancel():
                backlog.leave(METER, 5)
        for outcome in await asyncio.gather(*quitters, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError)
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
        assert done == len(sizes)

    asyncio.run(all_enter())
