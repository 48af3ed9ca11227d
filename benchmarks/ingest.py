"""Claim: an edge takes at least 150,000 readings/s from one meter's stream, each acknowledged only once it is on disk.

Baseline, in the same run: the same readings through the same edge, one a message, one durable commit for each. The
edge is a process of its own; this client is another, on the same machine; TLS is on. A reading is what a three-phase
DSMR 5 meter says every second, with its gas meter: 21 registers and one sub-meter.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import secrets
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from bench_site import Site, running

from edge_sdk.channel import open_channel
from edge_sdk.identity import Identity, Role
from edge_sdk.meter import SPOOL_ID_KEY, request_of
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading, ReportReadingsRequest, ReportReadingsResponse, SubMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

METER = "m1"
BATCH_READINGS = 500
METHOD = "/edge.v1.MeterService/ReportReadings"
Batches = "Iterable[bytes]"


def made(count: int, now_ms: int) -> list[Reading]:
    """Returns `count` readings, one a second, the last of them a minute ago."""
    chance = random.Random(1)
    import_ws, export_ws, readings = 12_345_678 * 3_600, 2_345_678 * 3_600, []
    begin_ms = now_ms - 60_000 - count * 1_000
    for number in range(count):
        time_ms = (begin_ms // 1_000 + number) * 1_000
        net_w = int(400 + 900 * math.sin(number / 7_000) + chance.randrange(-60, 60))
        import_ws, export_ws = import_ws + max(net_w, 0), export_ws + max(-net_w, 0)
        phases_w = [net_w // 3 + chance.randrange(-9, 9) for _ in range(3)]
        readings.append(
            Reading(
                sequence=number + 1,
                time_ms=time_ms,
                energy_import_t1_wh=3_456_789,
                energy_import_t2_wh=import_ws // 3_600,
                energy_export_t1_wh=1_456_789,
                energy_export_t2_wh=export_ws // 3_600,
                tariff=2,
                power_import_w=max(net_w, 0),
                power_export_w=max(-net_w, 0),
                phases=[
                    Phase(
                        power_import_w=max(watts, 0),
                        power_export_w=max(-watts, 0),
                        voltage_dv=2_300 + chance.randrange(-25, 25),
                        current_ma=abs(watts) * 1_000 // 230 // 1_000 * 1_000,
                    )
                    for watts in phases_w
                ],
                power_failures=4,
                long_power_failures=2,
                sub_meters=[SubMeter(channel=1, kind=1, time_ms=time_ms // 300_000 * 300_000, volume_l=2_345_000)],
            )
        )
    return readings


def batched(readings: Sequence[Reading], size: int) -> list[Sequence[Reading]]:
    """Returns `readings` in batches."""
    return [readings[begin : begin + size] for begin in range(0, len(readings), size)]


async def stream(identity: Identity, messages: Iterable[bytes], last: int, *, one_by_one: bool = False) -> float:
    """Sends messages over a new stream of a new spool; returns the seconds from the first to the last acknowledgement.

    With `one_by_one` each message waits for the acknowledgement of the one before it.
    """
    async with open_channel(identity) as channel:
        method: Any = channel.stream_stream(METHOD, None, ReportReadingsResponse.FromString)
        call = method(metadata=grpc.aio.Metadata((SPOOL_ID_KEY, secrets.token_hex(16))))
        first = await call.read()
        if first is grpc.aio.EOF or first.durable_sequence:
            raise RuntimeError("the edge did not begin with an empty spool")
        began_s = time.perf_counter()
        writing = None if one_by_one else asyncio.create_task(write(call, messages))
        durable, each = 0, iter(messages)
        while durable < last:
            if writing is None:
                await call.write(next(each))
            answer = await call.read()
            if answer is grpc.aio.EOF or answer.rejections:
                raise RuntimeError(f"the edge refused: {answer}")
            durable = answer.durable_sequence
        took_s = time.perf_counter() - began_s
        if writing is not None:
            await writing
        await call.done_writing()
        return took_s


async def write(call: Any, messages: Iterable[bytes]) -> None:
    """Writes as fast as the edge reads."""
    for message in messages:
        await call.write(message)


def rows(batch: Sequence[Reading]) -> bytes:
    """Returns a request of readings one by one."""
    return ReportReadingsRequest(readings=batch).SerializeToString()


def columns(batch: Sequence[Reading]) -> bytes:
    """Returns a request as the SDK makes it."""
    return request_of(batch).SerializeToString()


async def measured(site: Site, identity: Identity, readings: Sequence[Reading], runs: int) -> dict[str, Any]:
    """Returns readings/s of each way to send, medians of `runs`, and what a reading costs."""
    count, batches = len(readings), batched(readings, BATCH_READINGS)
    ways: dict[str, Callable[[], Iterable[bytes]]] = {}
    for name, encode in (("columns", columns), ("rows", rows)):
        encoded = [encode(batch) for batch in batches]
        ways[f"{name}_encoded_before"] = lambda encoded=encoded: encoded  # type: ignore[misc]
        ways[f"{name}_encoded_meanwhile"] = lambda encode=encode: map(encode, batches)  # type: ignore[misc]
    figures: dict[str, Any] = {}
    for name, messages in ways.items():
        cpu_s = site.cpu_s()
        rates = [count / await stream(identity, messages(), count) for _ in range(runs)]
        figures[f"{name}_readings_per_s"] = round(statistics.median(rates))
        figures[f"{name}_edge_cpu_us_per_reading"] = round((site.cpu_s() - cpu_s) / count / runs * 1e6, 2)
    for name, encode in (("columns", columns), ("rows", rows)):
        figures[f"{name}_wire_bytes_per_reading"] = round(sum(len(encode(batch)) for batch in batches) / count, 1)
    return figures


async def run(readings: int, baseline_readings: int, runs: int) -> dict[str, Any]:
    """Measures in fresh edges and returns the figures."""
    now_ms = time.time_ns() // 1_000_000
    sample = made(readings, now_ms)
    with tempfile.TemporaryDirectory() as folder:
        with running(Path(folder) / "once") as site:
            await site.enrol([METER])
            identity = site.identity(Role.METER, METER)
            await stream(identity, [columns(batch) for batch in batched(sample, BATCH_READINGS)], readings)
        # Once the edge has stopped its logs are written into the files.
        disk_bytes = site.disk_bytes()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "many") as site:
        await site.enrol([METER])
        figures = await measured(site, site.identity(Role.METER, METER), sample, runs)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "single", ingest={"flush_readings": 1}) as site,
    ):
        await site.enrol([METER])
        identity = site.identity(Role.METER, METER)
        singles = [rows([reading]) for reading in sample[:baseline_readings]]
        rates = [
            baseline_readings / await stream(identity, singles, baseline_readings, one_by_one=True) for _ in range(runs)
        ]
    baseline = statistics.median(rates)
    return {
        "readings": readings,
        "runs": runs,
        "batch_readings": BATCH_READINGS,
        **figures,
        "disk_bytes_per_reading": round(disk_bytes / readings, 1),
        "baseline_readings_per_s": round(baseline),
        "ratio": round(figures["columns_encoded_before_readings_per_s"] / baseline, 1),
    }


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=200_000)
    parser.add_argument("--baseline-readings", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = asyncio.run(run(options.readings, options.baseline_readings, options.runs))
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>48} {value:>12,}")


if __name__ == "__main__":
    main()
