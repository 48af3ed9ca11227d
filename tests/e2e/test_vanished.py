"""A gateway that is gone without a word, seen from the edge."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
import urllib.request
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from edge_sdk.errors import EdgeError
from edge_sdk.identity import Identity
from edge_sdk.meter import MeterClient
from edge_sdk.wire.v1.meter_pb2 import Reading
from tests.e2e.conftest import edge
from tests.e2e.test_gateways import Cut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

KEEPALIVE_S = 4
GIVEN_UP_S = 1.5 * KEEPALIVE_S


def streams_open(site: Any) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{site.metrics_port}/metrics", timeout=10) as response:
        found = re.search(r"(?m)^edge_meter_streams (\S+)$", response.read().decode())
    assert found is not None
    return float(found[1])


async def until(what: Callable[[], bool], limit_s: float) -> float:
    """Returns after how long something was so, s."""
    began_s = time.monotonic()
    while not await asyncio.to_thread(what):
        assert time.monotonic() < began_s + limit_s, "it did not happen in time"
        await asyncio.sleep(0.1)
    return time.monotonic() - began_s


async def report(folder: Path, answers: list[int], first: int) -> None:
    """Sends one reading and keeps the stream open; ends where the line does."""

    async def batches() -> AsyncIterator[Sequence[Reading]]:
        yield [Reading(sequence=first, time_ms=int(time.time() * 1000) - 60_000 + first, energy_import_wh=first)]
        await asyncio.Event().wait()

    try:
        async with MeterClient(Identity.load(folder)) as client:
            async for response in client.report(batches()):
                answers += [response.durable_sequence]
    except EdgeError:
        return


@asynccontextmanager
async def vanished(site: Any) -> AsyncIterator[Path]:
    """Within it, meter m1 has stored one reading, and its line was cut a moment ago; yields its folder."""
    folder, network = site.identity("meter", "m1"), Cut(site.port)
    edge("meter", "enrol", "m1", "--household", "h1", "--as", site.operator)
    network.heal()
    through = folder.with_name("through-the-network")
    shutil.copytree(folder, through)
    about = through / "identity.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "address": f"127.0.0.1:{network.port}"}))
    answers: list[int] = []
    gateway = asyncio.create_task(report(through, answers, 1))
    try:
        await until(lambda: answers == [0, 1], 20)
        network.cut()
        yield folder
    finally:
        gateway.cancel()
        await asyncio.wait([gateway])
        await asyncio.to_thread(network.close)


@pytest.fixture
def attentive(make_site: Callable[[], Any]) -> Any:
    """An edge that asks after a few seconds of silence."""
    site = make_site()
    site.change_settings(keepalive_s=KEEPALIVE_S)
    site.start()
    return site


async def test_the_edge_gives_up_who_vanished(attentive: Any) -> None:
    """A stream whose gateway is gone without a word ends one and a half times `server.keepalive_s` later."""
    async with vanished(attentive):
        assert streams_open(attentive) == 1
        took_s = await until(lambda: streams_open(attentive) == 0, 60)
    assert took_s < GIVEN_UP_S + 2


async def test_a_new_stream_takes_over_from_who_vanished(site: Any) -> None:
    """While the edge still holds the stream of a gateway that vanished, a new one of its spool goes on at once."""
    async with vanished(site) as folder:
        answers: list[int] = []
        again = asyncio.create_task(report(folder, answers, 2))
        took_s = await until(lambda: answers == [1, 2], 20)
        assert streams_open(site) == 1
        again.cancel()
        await asyncio.wait([again])
    assert took_s < 3
