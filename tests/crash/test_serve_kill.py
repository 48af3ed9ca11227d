"""`kill -9` of a whole edge under load, again and again, on the same folder."""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.app import open_store, settings_file
from edge.domain.meter import Meter, MeterKind
from edge.domain.slot import DAY_MS
from edge.domain.window import WindowSpec
from edge.settings import load
from edge_sdk.catalogue import CATALOGUE
from edge_sdk.errors import EdgeError
from edge_sdk.identity import Identity
from edge_sdk.operator import OperatorClient
from edge_sdk.wire.v1.operator_pb2 import MeterKind as WireKind
from tests.crash.feed import Feed, found_of, running
from tests.e2e.conftest import edge, edge_json

if TYPE_CHECKING:
    from edge.store.store import Store

ROUNDS, ROUNDS_SOAK = 12, 300
SEED = 20261124
START_UP_SHARE = 0.2
"""Of the kills: how many come before the edge answers."""


@dataclass
class Enroller:
    """An operator that enrols meters without a pause, so that the state and the log are written to as well."""

    folder: Any
    tried: int = 0
    acknowledged: int = 0

    async def run(self) -> None:
        identity = Identity.load(self.folder)
        while True:
            with suppress(EdgeError):
                async with OperatorClient(identity) as client:
                    while True:
                        # Enrolling a meter again that is enrolled so already changes nothing.
                        self.tried = self.acknowledged + 1
                        await client.enrol_meter(f"e{self.tried}", f"e{self.tried}", WireKind.METER_KIND_ELECTRICITY)
                        self.acknowledged = self.tried
                        await asyncio.sleep(0.1)
            await asyncio.sleep(0.02)


async def kill_again_and_again(site: Any, feeds: list[Feed], rounds: int) -> dict[str, float]:
    """Starts and kills an edge while gateways report; returns figures. In the end the edge runs."""
    chance, began_s = random.Random(SEED), time.monotonic()
    starts_s: list[float] = []
    early = 0
    for _ in range(rounds):
        launched_s = time.monotonic()
        if chance.random() < START_UP_SHARE:
            site.launch()
            await asyncio.sleep(chance.uniform(0, 1.5))
            early += 1
        else:
            await asyncio.to_thread(site.start)
            starts_s.append(time.monotonic() - launched_s)
            await asyncio.sleep(chance.uniform(0, 0.8))
        site.kill()
    await asyncio.to_thread(site.start)
    for feed in feeds:
        await feed.acknowledgement(20)
    return {
        "rounds": rounds,
        "killed_during_start_up": early,
        "start_s_median": round(float(np.median(starts_s)), 2),
        "took_s": round(time.monotonic() - began_s, 1),
    }


def windows(store: Store, day: int) -> list[bytes]:
    """Returns the windows of a day, as bytes."""
    specs = [WindowSpec(CATALOGUE[name], 96, 900_000) for name in ("energy_import", "power_import")]
    meters = [Meter(name, name, MeterKind.ELECTRICITY, 0) for name in ("m1", "m2")]
    found = store.windows.matrix(specs, (day + 1) * DAY_MS, ["m1", "m2"], meters, 1)
    return [np.ascontiguousarray(found[place]).tobytes() for place in range(len(specs))]


def check_windows(store: Store) -> int:
    """Checks that windows of roll-ups are those of readings; returns how many spans were rolled up."""
    spans = 0
    for day in store.readings._engine.days():
        name = store.readings._engine.rollups.open_if_usable(day)
        if name is None:
            continue
        with store.readings._engine.reading() as cursor:
            row = cursor.execute(f"SELECT count(*) FROM {name}.spans WHERE source = 'readings'").fetchone()
        spans += row[0] if row else 0
        found = windows(store, day)
        with store.readings._engine.gate.alone():
            store.readings._engine.rollups.remove(day)
        assert windows(store, day) == found
    return spans


async def kill_and_check(site: Any, rounds: int) -> dict[str, float]:
    """Kills an edge under load, again and again, and checks what it holds; returns figures."""
    for name in ("m1", "m2"):
        edge("meter", "enrol", name, "--household", name, "--as", site.operator)
    verified = edge_json("audit", "verify", "--as", site.operator)
    site.kill()
    feeds = [
        Feed(site.identity("meter", "m1"), "m1"),
        Feed(site.identity("meter", "m2"), "m2", "a" * 32),
        Feed(site.identity("meter", "m2"), "m2", "b" * 32),
    ]
    enroller = Enroller(site.operator)
    enrolling = asyncio.create_task(enroller.run())
    async with running(feeds):
        figures = await kill_again_and_again(site, feeds, rounds)
    enrolling.cancel()
    with suppress(asyncio.CancelledError):
        await enrolling
    async with OperatorClient(Identity.load(site.operator)) as client:
        enrolled = [meter.meter_id for meter in await client.meters()]
    assert sorted(enrolled) == sorted({"m1", "m2", *(f"e{n}" for n in range(1, len(enrolled) - 1))})
    assert enroller.acknowledged <= len(enrolled) - 2 <= enroller.tried
    grown = edge_json("audit", "verify", "--as", site.operator)
    assert grown["grew_from"] == verified["tree_size"]
    assert grown["tree_size"] >= verified["tree_size"] + enroller.acknowledged
    assert site.stop()[0] == 0
    return {**figures, **check_files(site, feeds), "enrolled": len(enrolled)}


def check_files(site: Any, feeds: list[Feed]) -> dict[str, float]:
    """Checks the files of an edge that has stopped; returns figures."""
    settings = load(settings_file(site.folder))
    store = open_store(settings, settings.paths.data)
    try:
        assert store.files.set_aside() == {}
        each = [found_of(store, feed) for feed in feeds]
        durable = store.progress.read().durable
        spans = check_windows(store)
    finally:
        store.close()
    assert sorted(durable.values()) == sorted(found.stored for found in each)
    assert [(found.lost, found.doubled) for found in each] == [(0, 0)] * len(feeds)
    assert spans > 0
    return {
        "sent": sum(feed.sent for feed in feeds),
        "acknowledged": sum(feed.acknowledged for feed in feeds),
        "stored": sum(found.stored for found in each),
        "lost": sum(found.lost for found in each),
        "doubled": sum(found.doubled for found in each),
        "spans_rolled_up": spans,
    }


@pytest.mark.timeout(120)
async def test_killed_under_load(site: Any) -> None:
    """After SIGKILL at random moments, start-up included, every acknowledged reading is there once and none twice.

    Each spool has no hole, no meter that was enrolled is missing, the log verifies and has only grown, and windows of
    roll-ups are those of readings.
    """
    figures = await kill_and_check(site, ROUNDS)
    assert figures["acknowledged"] > ROUNDS * 100
    assert figures["killed_during_start_up"] > 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_killed_three_hundred_times(site: Any) -> None:
    """The same of three hundred kills; prints the figures."""
    figures = await kill_and_check(site, ROUNDS_SOAK)
    print(json.dumps(figures))  # noqa: T201 - for whoever ran it
