from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import SimulatedClock, SystemClock


async def settle() -> None:
    """Lets every task run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_system_clock_is_unix_time() -> None:
    """The machine's clock is read in milliseconds since 1970, UTC."""
    before_s = time.time()
    now_ms = SystemClock().now_ms()
    assert int(before_s * 1000) - 1 <= now_ms <= time.time() * 1000 + 1


async def test_system_clock_waits() -> None:
    """Waiting ends once the time is there, and at once for what is past."""
    clock = SystemClock()
    until_ms = clock.now_ms() + 20
    await clock.sleep_until(until_ms)
    assert clock.now_ms() >= until_ms
    await asyncio.wait_for(clock.sleep_until(0), 1)


async def test_nothing_wakes_early() -> None:
    """Whoever waits is woken at its time and not before; what is past is not waited for."""
    clock = SimulatedClock(1_000)
    sleeper = asyncio.create_task(clock.sleep_until(1_500))
    await settle()
    clock.advance_to(1_499)
    await settle()
    assert not sleeper.done()
    clock.advance_to(1_500)
    await asyncio.wait_for(sleeper, 1)
    assert clock.now_ms() == 1_500
    await asyncio.wait_for(clock.sleep_until(1_500), 1)


@given(times_ms=st.lists(st.integers(1, 50), max_size=10), steps_ms=st.lists(st.integers(0, 20), max_size=10))
def test_woken_in_order(times_ms: list[int], steps_ms: list[int]) -> None:
    """However time moves on, who is due is awake, who is not sleeps; all wake by time, then in order of asking."""

    async def run() -> None:
        clock = SimulatedClock(0)
        woken: list[tuple[int, int]] = []

        async def sleep(number: int, time_ms: int) -> None:
            await clock.sleep_until(time_ms)
            woken.append((time_ms, number))

        tasks = [asyncio.create_task(sleep(number, time_ms)) for number, time_ms in enumerate(times_ms)]
        await settle()
        everyone = sorted((time_ms, number) for number, time_ms in enumerate(times_ms))
        for step_ms in [*steps_ms, 50]:
            clock.advance_to(clock.now_ms() + step_ms)
            await settle()
            assert woken == [item for item in everyone if item[0] <= clock.now_ms()]
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_time_does_not_go_back() -> None:
    """A simulated clock refuses to go back and stays where it is."""
    clock = SimulatedClock(1_000)
    with pytest.raises(ValueError, match="cannot go back to 999"):
        clock.advance_to(999)
    assert clock.now_ms() == 1_000


async def test_until_somebody_sleeps() -> None:
    """Who moves the clock can wait until those it woke have done their work and sleep again."""
    clock = SimulatedClock(0)
    done: list[int] = []

    async def work() -> None:
        for time_ms in (10, 20, 30):
            await clock.sleep_until(time_ms)
            await settle()
            done.append(time_ms)

    task = asyncio.create_task(work())
    for time_ms in (10, 20):
        await asyncio.wait_for(clock.until_somebody_sleeps(), 1)
        clock.advance_to(time_ms)
    await asyncio.wait_for(clock.until_somebody_sleeps(), 1)
    assert done == [10, 20]
    clock.advance_to(30)
    await task


async def test_cancelled_sleeper_is_forgotten() -> None:
    """One that stops waiting neither counts as asleep nor is woken."""
    clock = SimulatedClock(0)
    gone, stays = asyncio.create_task(clock.sleep_until(10)), asyncio.create_task(clock.sleep_until(5))
    await settle()
    gone.cancel()
    clock.advance_to(5)
    await stays
    await settle()
    waiting = asyncio.create_task(clock.until_somebody_sleeps())
    await settle()
    assert not waiting.done()
    waiting.cancel()
    clock.advance_to(10)
    assert gone.cancelled()


async def test_cancelled_while_woken() -> None:
    """Being cancelled in the instant of waking harms nobody else."""
    clock = SimulatedClock(0)
    gone, stays = asyncio.create_task(clock.sleep_until(10)), asyncio.create_task(clock.sleep_until(20))
    await settle()
    clock.advance_to(10)
    gone.cancel()
    await settle()
    assert gone.cancelled()
    await asyncio.wait_for(clock.until_somebody_sleeps(), 1)
    clock.advance_to(20)
    await asyncio.wait_for(stays, 1)
