"""An edge as its users have it: a process, four roles, a power cut in the middle."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from edge_sdk.channel import open_channel
from edge_sdk.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.timeout(400)

SLOT_S_MAX = 75.0


def inbox(site: Any, household: str) -> list[dict[str, Any]]:
    actions: list[dict[str, Any]] = _json("inbox", "--as", site.identity("household", household))["actions"]
    return actions


def _edge(*arguments: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "edge", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def _json(*arguments: object) -> Any:
    return json.loads(_edge(*arguments, "--json").stdout)


def wait_for(what: Callable[[], bool], limit_s: float) -> None:
    deadline_s = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.5)


def start_meter(site: Any, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "edge",
            "meter",
            "simulate",
            "--as",
            str(site.identity("meter", name)),
            "--step",
            "1",
            "--json",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def test_four_roles_and_a_power_cut(site: Any, build_pulse: Callable[..., Path]) -> None:
    """A reading becomes an action for the household that consented and no other, before and after `kill -9`.

    Nothing that the gateway was told is durable is lost, a slot has one action, and the log only grows.
    """
    for number in (1, 2):
        _edge("meter", "enrol", f"m{number}", "--household", f"h{number}", "--as", site.operator)
    site.sign_policy({"acme": "supplier"})
    organization = site.identity("organization", "acme")
    uploaded = _json("module", "upload", build_pulse(), "--as", organization)
    assert uploaded["state"] == "pending"
    _edge("module", "approve", uploaded["digest"], "--key", site.root_key, "--as", site.operator, "--yes")
    assert _json("module", "list", "--as", organization)["modules"][0]["state"] == "active"
    consent = _json("consent", "grant", "acme", "pulse-advice", "--as", site.identity("household", "h1"))
    meters = [start_meter(site, "m1"), start_meter(site, "m2")]
    try:
        wait_for(lambda: len(inbox(site, "h1")) >= 1, SLOT_S_MAX)
        cause = inbox(site, "h1")[0]["cause"]
        assert (cause["organization"], cause["module_digest"]) == ("acme", uploaded["digest"])
        assert cause["consent_id"] == consent["consent_id"]
        first = _json("audit", "verify", "--as", site.operator)

        site.kill()
        time.sleep(3)  # the gateways go on measuring meanwhile
        site.start()

        before = len(inbox(site, "h1"))
        wait_for(lambda: len(inbox(site, "h1")) > before, SLOT_S_MAX)
        again = _json("audit", "verify", "--as", site.operator)
        assert again["grew_from"] == first["tree_size"]
        assert again["tree_size"] > first["tree_size"]

        _edge("consent", "withdraw", consent["consent_id"], "--as", site.identity("household", "h1"))
        after_withdrawal = len(inbox(site, "h1"))
    finally:
        for meter in meters:
            meter.send_signal(signal.SIGTERM)
    summaries = [json.loads(meter.communicate(timeout=60)[0]) for meter in meters]
    assert all(summary["waiting"] == 0 and summary["refused_by_edge"] == 0 for summary in summaries), summaries
    assert len(inbox(site, "h1")) == after_withdrawal
    assert inbox(site, "h2") == []
    slots = [action["cause"]["slot_ms"] for action in inbox(site, "h1")]
    assert len(slots) == len(set(slots)), "a slot made two actions"
    assert _json("audit", "verify", "--as", site.identity("household", "h1"))["entries_verified"] >= 3

    status = _json("status", "--as", site.operator)
    exit_status, took_s = site.stop()
    assert (exit_status, took_s < 5) == (0, True)
    site.start()
    assert _json("status", "--as", site.operator)["readings"] == status["readings"]
    assert _json("status", "--as", site.operator)["actions"] == status["actions"]


def test_sigterm_stops_within_five_seconds_with_streams_open(site: Any) -> None:
    """SIGTERM ends an edge in under 5 s with status 0 although a meter and an inbox hold streams open."""
    _edge("meter", "enrol", "m1", "--household", "h1", "--as", site.operator)
    meter = start_meter(site, "m1")
    follower = subprocess.Popen(
        [sys.executable, "-m", "edge", "inbox", "--follow", "--as", str(site.identity("household", "h1"))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: _json("status", "--as", site.operator)["readings"] > 0, 20)
        exit_status, took_s = site.stop()
        assert exit_status == 0
        assert took_s < 5
    finally:
        for process in (meter, follower):
            process.kill()
            process.communicate()


async def test_health_reflection_and_metrics(site: Any) -> None:
    """An edge says that it serves, what it serves, and counts; metrics name no meter and no household."""
    _edge("meter", "enrol", "meter-xyz", "--household", "house-xyz", "--as", site.operator)
    async with open_channel(Identity.load(site.operator)) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(service="edge.v1.MeterService"), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
        call = reflection.ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=10
        )
        names = {service.name async for item in call for service in item.list_services_response.service}
    assert {"edge.v1.MeterService", "edge.v1.AuditService"} <= names
    with urllib.request.urlopen(f"http://127.0.0.1:{site.metrics_port}/metrics", timeout=10) as response:
        text = response.read().decode()
    assert "edge_rpc_calls_total" in text
    assert "xyz" not in text


async def test_plaintext_gets_nowhere(site: Any) -> None:
    """Without TLS there is no connection, whatever is asked."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{site.port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
