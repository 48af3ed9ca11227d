"""Claim: an edge holds 2,000 meters' streams at once, each a TLS connection of its own with a reading every 10 s.

Measured: how long a reading waits for its acknowledgement, and what memory and processor the edge uses. The baseline
is the same edge with 20 meters. The edge is a process of its own; this client is another, on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_site import Site, running

from edge_sdk.identity import Role
from edge_sdk.meter import MeterClient
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from edge_sdk.identity import Identity

EVERY_S = 10.0
# Connections are made so many at a time: a handshake costs both sides some milliseconds.
CONNECTING_MAX = 50


@dataclass(slots=True)
class Tally:
    """What the meters noted."""

    connected: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    counting: bool = False


async def meter(identity: Identity, offset_s: float, gate: asyncio.Semaphore, tally: Tally) -> None:
    """Is one meter until it is cancelled: a reading each ten seconds, at an offset of its own."""
    sent_s = 0.0
    began = asyncio.Event()

    async def batches() -> AsyncIterator[Sequence[Reading]]:
        nonlocal sent_s
        next_s = time.monotonic() + offset_s
        for sequence in range(1, 1_000_000):
            await asyncio.sleep(next_s - time.monotonic())
            next_s += EVERY_S
            reading = Reading(
                sequence=sequence,
                time_ms=time.time_ns() // 1_000_000,
                energy_import_t1_wh=1_000_000 + sequence,
                energy_import_t2_wh=2_000_000,
                tariff=1,
                power_import_w=400,
                power_export_w=0,
                phases=[Phase(voltage_dv=2_300, current_ma=2_000)],
            )
            sent_s = time.perf_counter()
            yield [reading]

    async def listen() -> None:
        async with MeterClient(identity) as client:
            async for _answer in client.report(batches()):
                if not began.is_set():
                    tally.connected += 1
                    began.set()
                elif tally.counting:
                    tally.latencies_ms.append((time.perf_counter() - sent_s) * 1_000)

    async with gate:
        listening = asyncio.create_task(listen())
        waiting = asyncio.create_task(began.wait())
        await asyncio.wait([listening, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
    try:
        await listening
    finally:
        listening.cancel()


async def measured(site: Site, meters: int, seconds: float) -> dict[str, Any]:
    """Returns latencies and costs with so many meters."""
    names = [f"m{number}" for number in range(meters)]
    await site.enrol(names)
    chance, gate, tally = random.Random(1), asyncio.Semaphore(CONNECTING_MAX), Tally()
    tasks = [
        asyncio.create_task(meter(site.identity(Role.METER, name), chance.uniform(0, EVERY_S), gate, tally))
        for name in names
    ]
    while tally.connected < meters:
        await asyncio.sleep(0.2)
        for task in tasks:
            if task.done():
                task.result()
    await asyncio.sleep(EVERY_S)
    tally.counting, cpu_s = True, site.cpu_s()
    await asyncio.sleep(seconds)
    cpu_s, rss_bytes = site.cpu_s() - cpu_s, site.rss_bytes()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    cuts = statistics.quantiles(tally.latencies_ms, n=100)
    return {
        "meters": meters,
        "acknowledged": len(tally.latencies_ms),
        "ack_ms_p50": round(cuts[49], 1),
        "ack_ms_p99": round(cuts[98], 1),
        "edge_rss_mb": round(rss_bytes / 1e6, 1),
        "edge_rss_mb_max": round(site.rss_bytes("VmHWM") / 1e6, 1),
        "edge_cpu_share": round(cpu_s / seconds, 3),
    }


async def run(meters: int, seconds: float) -> dict[str, Any]:
    """Measures few and many, each with a fresh edge."""
    figures = {}
    for name, count in (("few", min(20, meters)), ("many", meters)):
        with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "site") as site:
            figures[name] = await measured(site, count, seconds)
    few, many = figures["few"], figures["many"]
    return {**figures, "ratio": round(many["ack_ms_p99"] / few["ack_ms_p99"], 1)}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    # A file descriptor for each connection, here and in the edge, which inherits the limit.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    figures = asyncio.run(run(options.meters, options.seconds))
    if options.json:
        print(json.dumps(figures))
        return
    for name in ("few", "many"):
        print(name, ", ".join(f"{key} {value}" for key, value in figures[name].items()))
    print(f"p99 with many over p99 with few: {figures['ratio']}")


if __name__ == "__main__":
    main()
