"""The clock of the machine steps while the edge runs on it."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge.app import open_store, settings_file
from edge.settings import load
from edge_sdk.errors import EdgeError
from edge_sdk.identity import Identity
from edge_sdk.meter import MeterClient
from edge_sdk.wire.v1.meter_pb2 import Reading
from tests.e2e.conftest import build_pulse, edge, edge_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

__all__ = ["build_pulse"]

SHIFTED = Path(__file__).with_name("shifted.py")
HOUR_S = 3_600
MINUTE_S = 60


@dataclass
class ShiftedClock:
    """The clock of an edge's process: the machine's, and so many seconds."""

    file: Path
    shift_s: int = 0

    def step(self, seconds: int) -> None:
        self.shift_s += seconds
        unfinished = self.file.with_suffix(".new")
        unfinished.write_text(str(self.shift_s))
        unfinished.replace(self.file)

    def now_ms(self) -> int:
        return int((time.time() + self.shift_s) * 1000)

    def to_end_of_minute(self) -> None:
        """Steps forward, by less than a minute, to 3 s before the next one."""
        self.step((MINUTE_S - 3 - self.now_ms() // 1000) % MINUTE_S)


@dataclass
class Gateway:
    """Reports one reading at a time."""

    identity: Identity
    sequence: int = 0

    async def report(self, time_ms: int) -> str:
        """Sends the next reading; returns "" if it is durable, else why it has to wait. Then it is the next again."""
        sequence = self.sequence + 1

        async def one() -> AsyncIterator[Sequence[Reading]]:
            yield [Reading(sequence=sequence, time_ms=time_ms, power_import_w=sequence)]

        try:
            async with MeterClient(self.identity) as client:
                async for response in client.report(one()):
                    assert not response.rejections
                    self.sequence = response.durable_sequence
        except EdgeError as error:
            assert self.sequence == sequence - 1
            return error.reason
        assert self.sequence == sequence
        return ""


def slots(site: Any) -> list[int]:
    """Returns the slots that the household was told something of, as the edge delivered it."""
    actions = edge_json("inbox", "--as", site.identity("household", "h1"))["actions"]
    return sorted(action["cause"]["slot_ms"] for action in actions)


async def until(what: Callable[[], bool], limit_s: float = 20) -> None:
    deadline_s = time.monotonic() + limit_s
    while not await asyncio.to_thread(what):
        assert time.monotonic() < deadline_s, "it did not happen in time"
        await asyncio.sleep(0.2)


@pytest.fixture
def street(
    make_site: Callable[[], Any], build_pulse: Callable[..., Path], tmp_path: Path
) -> tuple[Any, ShiftedClock, Gateway]:
    """An edge with a clock to step, a trigger of every minute, and a household that consents to it."""
    site, clock = make_site(), ShiftedClock(tmp_path / "shift_s")
    clock.step(0)
    site.command = [sys.executable, str(SHIFTED), str(clock.file)]
    site.start()
    edge("meter", "enrol", "m1", "--household", "h1", "--as", site.operator)
    site.sign_policy({"acme": "supplier"})
    uploaded = edge_json("module", "upload", build_pulse(), "--as", site.identity("organization", "acme"))
    edge("module", "approve", uploaded["digest"], "--key", site.root_key, "--as", site.operator, "--yes")
    edge("consent", "grant", "acme", "pulse-advice", "--as", site.identity("household", "h1"))
    return site, clock, Gateway(Identity.load(site.identity("meter", "m1")))


@pytest.mark.timeout(180)
async def test_an_hour_back_and_forth(street: tuple[Any, ShiftedClock, Gateway]) -> None:
    """Under a clock that steps back an hour, readings of the right time wait, and no slot is run a second time.

    Once the clock is right, those readings are taken, and slots go on, over a restart in between, too. A clock that
    steps forward has slots missed; back again, it runs none of them twice. Each reading is stored once.
    """
    site, clock, gateway = street
    clock.to_end_of_minute()
    assert await gateway.report(clock.now_ms()) == ""
    await until(lambda: len(slots(site)) == 1)

    right_ms = clock.now_ms()
    clock.step(-HOUR_S)
    clock.to_end_of_minute()
    assert await gateway.report(right_ms) == "CLOCK_BEHIND"
    assert await gateway.report(clock.now_ms()) == ""
    await asyncio.sleep(5)
    assert len(slots(site)) == 1
    site.kill()
    site.start()
    # Its port is open before it answers.
    await until(lambda: "clock_behind" in site.log_file.read_text())
    assert await gateway.report(right_ms) == "CLOCK_BEHIND"

    clock.step(HOUR_S)
    assert await gateway.report(right_ms) == ""
    clock.to_end_of_minute()
    assert await gateway.report(clock.now_ms()) == ""
    await until(lambda: len(slots(site)) == 2)

    clock.step(HOUR_S)
    await until(lambda: "slots_missed" in site.log_file.read_text())
    assert await gateway.report(clock.now_ms() - HOUR_S * 1000) == ""
    clock.to_end_of_minute()
    assert await gateway.report(clock.now_ms()) == ""
    await until(lambda: len(slots(site)) == 3)
    clock.step(-HOUR_S)
    clock.to_end_of_minute()
    assert await gateway.report(clock.now_ms()) == ""
    await asyncio.sleep(5)

    told = slots(site)
    assert len(told) == len(set(told)) == 3
    assert edge_json("audit", "verify", "--as", site.operator)["audit_ok"]
    evaluations = edge_json("status", "--as", site.operator)["evaluations"]
    assert site.stop()[0] == 0
    check_stored(site, gateway, evaluations)


def check_stored(site: Any, gateway: Gateway, evaluations: int) -> None:
    """Checks that each reading is stored once, and that there is no more than one evaluation of a slot."""
    settings = load(settings_file(site.folder))
    store = open_store(settings, settings.paths.data)
    try:
        with store.readings._engine.reading() as cursor:
            sequences = [
                row[0]
                for day in store.readings._engine.days()
                for row in cursor.execute(f"SELECT sequence FROM day_{day}.readings").fetchall()
            ]
            runs = cursor.execute("SELECT count(*), count(DISTINCT slot_ms) FROM state.evaluations").fetchall()[0]
    finally:
        store.close()
    assert sorted(sequences) == list(range(1, gateway.sequence + 1))
    assert runs[0] == runs[1]
    assert evaluations <= runs[0]
