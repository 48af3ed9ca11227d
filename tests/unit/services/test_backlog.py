from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from edge.services.backlog import Backlog


async def settle() -> None:
    """Lets every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_large_batch_is_not_passed_by() -> None:
    """First come, first served: small batches do not keep a large one waiting for ever."""
    backlog = Backlog(10)
    await backlog.enter(6)
    large, small = asyncio.create_task(backlog.enter(10)), asyncio.create_task(backlog.enter(1))
    await settle()
    assert (large.done(), small.done()) == (False, False)
    backlog.leave(6)
    await settle()
    assert (large.done(), small.done()) == (True, False)
    backlog.leave(10)
    await asyncio.wait_for(small, 1)


async def test_one_that_gives_up_lets_the_others_in() -> None:
    """Who gives up waiting, or is let in at that very moment, takes no room and keeps nobody out."""
    backlog = Backlog(10)
    await backlog.enter(6)
    large, small = asyncio.create_task(backlog.enter(9)), asyncio.create_task(backlog.enter(4))
    await settle()
    large.cancel()
    await asyncio.wait_for(small, 1)
    late = asyncio.create_task(backlog.enter(10))
    await settle()
    backlog.leave(10)
    late.cancel()
    await asyncio.gather(large, late, return_exceptions=True)
    await asyncio.wait_for(backlog.enter(10), 1)


@given(sizes=st.lists(st.integers(0, 10), max_size=30), given_up=st.sets(st.integers(0, 29)))
def test_everyone_is_let_in_and_never_too_many(sizes: list[int], given_up: set[int]) -> None:
    """Whatever the sizes and whoever gives up, there are never more than may be, and everyone else gets in."""

    async def all_enter() -> None:
        backlog, inside, done = Backlog(10), 0, 0

        async def stay(size: int) -> None:
            nonlocal inside, done
            await backlog.enter(size)
            inside += size
            assert inside <= 10
            await asyncio.sleep(0)
            inside -= size
            backlog.leave(size)
            done += 1

        tasks = [asyncio.create_task(stay(size)) for size in sizes]
        quitters = [asyncio.create_task(backlog.enter(5)) for _ in given_up]
        await asyncio.sleep(0)
        for quitter in quitters:
            if not quitter.cancel():
                backlog.leave(5)
        for outcome in await asyncio.gather(*quitters, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError)
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
        assert done == len(sizes)

    asyncio.run(all_enter())
