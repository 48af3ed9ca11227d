"""What an edge writes down for its operator never holds a reading."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from edge_sdk.channel import open_channel
from edge_sdk.errors import RpcError
from edge_sdk.identity import Identity
from edge_sdk.meter import MeterClient
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading, ReportReadingsRequest, SubMeter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

POWER_W, COUNTER_WH, VOLTAGE_DV, TOO_MUCH_W, GAS_L = 87_654, 987_654_321, 2_345, 7_654_321, 456_789
DAY_MS = 86_400_000
SECRETS = (POWER_W, COUNTER_WH, VOLTAGE_DV, TOO_MUCH_W, GAS_L)


async def report(identity: Identity, *batches: Sequence[Reading]) -> list[str]:
    """Sends batches and returns the reasons of what was refused: readings, and in the end the stream."""

    async def each() -> AsyncIterator[Sequence[Reading]]:
        for batch in batches:
            yield batch

    reasons = []
    async with MeterClient(identity) as client:
        try:
            async for response in client.report(each()):
                reasons += [item.reason for item in response.rejections]
        except RpcError as error:
            reasons.append(error.reason)
    return reasons


async def send_damaged(identity: Identity, request: ReportReadingsRequest) -> None:
    """Sends the bytes of a message with one cut off its end, so that it cannot be read."""
    channel: Any = open_channel(identity)
    async with channel:
        call = channel.stream_stream("/edge.v1.MeterService/ReportReadings")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _drain(call(iter([request.SerializeToString()[:-1]])))
    assert caught.value.code() is grpc.StatusCode.INTERNAL


async def _drain(call: Any) -> None:
    async for _ in call:
        pass


async def test_neither_logs_nor_metrics_hold_a_reading(
    make_site: Callable[[], Any], run_edge: Callable[..., Any]
) -> None:
    """Stored, refused, damaged on the way, met by a failing disk or shown to their own household: not even at level
    debug has a line their values.
    """
    site = make_site()
    site.change_settings(level='"debug"')
    site.start()
    run_edge("meter", "enrol", "m1", "--household", "h1", "--as", site.operator)
    identity = Identity.load(site.identity("meter", "m1"))
    now_ms = time.time_ns() // 1_000_000
    good = Reading(
        sequence=1,
        time_ms=now_ms,
        power_import_w=POWER_W,
        energy_import_wh=COUNTER_WH,
        phases=[Phase(voltage_dv=VOLTAGE_DV)],
        sub_meters=[SubMeter(channel=1, kind=1, time_ms=now_ms, volume_l=GAS_L)],  # type: ignore[arg-type]
    )
    refused = [
        Reading(sequence=2, time_ms=now_ms, power_import_w=TOO_MUCH_W),
        Reading(sequence=3, time_ms=now_ms, energy_import_wh=-COUNTER_WH),
        Reading(sequence=4, time_ms=now_ms + 2 * DAY_MS, power_import_w=POWER_W),
    ]
    day = datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()
    blocked = site.folder / "edge" / "data" / "readings" / f"{day}.duckdb"
    blocked.mkdir()
    assert await report(identity, [good]) == ["STORE_FAILED"]
    blocked.rmdir()
    # Not in ascending order: the stream is refused as a whole.
    disordered = [Reading(sequence=9, time_ms=now_ms, power_import_w=POWER_W), good]
    reasons = await report(identity, [good], refused, disordered)
    expected = ["READING_IMPLAUSIBLE", "READING_NEGATIVE", "READING_FROM_FUTURE", "SEQUENCE_NOT_ASCENDING"]
    assert reasons == expected
    await send_damaged(identity, ReportReadingsRequest(readings=[good]))
    whose = ("--from", now_ms - 1000, "--until", now_ms + 1, "--as", site.identity("household", "h1"))
    assert f"{POWER_W:,} W" in run_edge("data", "readings", *whose).stdout
    run_edge("data", "history", "--series", "power_import", "--resolution", "1s", *whose)
    with urllib.request.urlopen(f"http://127.0.0.1:{site.metrics_port}/metrics", timeout=10) as response:
        metrics = response.read().decode()
    assert site.stop()[0] == 0
    log = site.log_file.read_text()
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events[0] == "edge_started"
    assert {"readings_not_committed", "call_refused", "call_failed", "edge_stopped"} <= set(events)
    assert "edge_readings_total 1.0" in metrics
    for value in SECRETS:
        # By itself, not among the digits of a time.
        secret = re.compile(rf"(?<![0-9]){value}(?![0-9])")
        assert not secret.search(log)
        assert not secret.search(metrics)
