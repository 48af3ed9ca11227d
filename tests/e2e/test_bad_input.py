"""Whatever is wrong, the answer says what, whose fault it is and what to do; nothing is lost and the edge stays up."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from edge.sandbox.assemble import assemble
from edge.services.identities import Register
from edge.trust.keys import SigningKey
from edge_sdk.errors import EdgeError, IdentityError, RpcError
from edge_sdk.household import HouseholdClient
from edge_sdk.identity import Identity, Role
from edge_sdk.meter import MeterClient
from edge_sdk.organization import OrganizationClient
from edge_sdk.wire.v1.meter_pb2 import Reading, ReportReadingsResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


def explained(done: subprocess.CompletedProcess[str], reason: str) -> str:
    """Checks that a command failed with status 1, this reason, whose fault and what to do, and no traceback."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"reason: {reason}" in done.stderr, done.stderr
    assert "whose: " in done.stderr
    assert "what to do: " in done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def alive(site: Any) -> bool:
    done = run("status", "--as", site.operator, "--json")
    return done.returncode == 0 and json.loads(done.stdout)["edge_id"] == "street-1"


async def report(identity: Identity, readings: Sequence[Reading]) -> list[ReportReadingsResponse]:
    """Sends one batch and returns every answer."""

    async def batches() -> AsyncIterator[Sequence[Reading]]:
        yield readings

    async with MeterClient(identity) as client:
        return [response async for response in client.report(batches())]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def test_unknown_meter(site: Any) -> None:
    """A meter that is not enrolled is told so; once it is, the same readings go through."""
    identity = Identity.load(site.identity("meter", "stranger"))
    reading = Reading(sequence=1, time_ms=now_ms(), power_import_w=100)
    with pytest.raises(RpcError) as caught:
        await report(identity, [reading])
    assert (caught.value.reason, caught.value.status) == ("METER_UNKNOWN", "NOT_FOUND")
    assert "edge meter enrol" in caught.value.advice
    assert run("meter", "enrol", "stranger", "--household", "h9", "--as", site.operator).returncode == 0
    answers = await report(identity, [reading])
    assert answers[-1].durable_sequence == 1


async def test_impossible_readings_are_refused_one_by_one(site: Any) -> None:
    """From the future, negative, beyond any meter: each is refused with its reason; the good one is kept."""
    assert run("meter", "enrol", "m1", "--household", "h1", "--as", site.operator).returncode == 0
    readings = [
        Reading(sequence=1, time_ms=now_ms() + 2 * 86_400_000, power_import_w=1),
        Reading(sequence=2, time_ms=now_ms(), energy_import_wh=-1),
        Reading(sequence=3, time_ms=now_ms(), power_import_w=999_999_999),
        Reading(sequence=4, time_ms=now_ms(), power_import_w=250),
        Reading(sequence=5, time_ms=0, power_import_w=250),
    ]
    answer = (await report(Identity.load(site.identity("meter", "m1")), readings))[-1]
    assert answer.durable_sequence == 5
    assert {item.sequence: item.reason for item in answer.rejections} == {
        1: "READING_FROM_FUTURE",
        2: "READING_NEGATIVE",
        3: "READING_IMPLAUSIBLE",
        5: "READING_TOO_OLD",
    }
    status = json.loads(run("status", "--as", site.operator, "--json").stdout)
    assert (status["readings"], status["readings_refused"]) == (1, 4)


async def test_wrong_role(site: Any) -> None:
    """A household's certificate does not upload modules, an organization's does not read inboxes."""
    async with OrganizationClient(Identity.load(site.identity("household", "h1"))) as wrong:
        with pytest.raises(RpcError) as caught:
            await wrong.upload(b"")
    assert (caught.value.status, caught.value.reason) == ("PERMISSION_DENIED", "ROLE_NOT_ALLOWED")
    async with HouseholdClient(Identity.load(site.identity("organization", "acme"))) as other:
        with pytest.raises(RpcError) as caught:
            await other.offers()
    assert caught.value.status == "PERMISSION_DENIED"
    # The command line says it before it calls.
    explained(run("inbox", "--as", site.identity("organization", "acme")), "IDENTITY_UNUSABLE")
    assert alive(site)


def test_expired_certificate(site: Any) -> None:
    """A client with an expired certificate is told when it expired and what to do, without a call."""
    register = Register.open(site.operator_folder)
    long_ago_ms = now_ms() - 40 * 86_400_000
    _, folder = register.issue(Role.HOUSEHOLD, "late", register.address(), long_ago_ms, 30)
    assert "expired" in explained(run("inbox", "--as", folder), "IDENTITY_UNUSABLE")
    assert alive(site)


def test_identity_folder_that_is_none(tmp_path: Path) -> None:
    """A folder without an identity, and one whose key belongs to another certificate, are named in the error."""
    assert "identity.json" in explained(run("status", "--as", tmp_path), "IDENTITY_UNUSABLE")


def test_revoked_identity(site: Any) -> None:
    """A revoked certificate is refused from then on, and the edge goes on with the others."""
    household = site.identity("household", "h1")
    assert run("inbox", "--as", household).returncode == 0
    revoked = run("identity", "revoke", "household", "h1", "--operator", site.operator_folder, "--as", site.operator)
    assert revoked.returncode == 0, revoked.stderr
    explained(run("inbox", "--as", household), "CERTIFICATE_REVOKED")
    assert alive(site)


def test_edge_that_is_not_there(make_site: Callable[[], Any]) -> None:
    """Calling an edge that does not run says so, and what to check."""
    site = make_site()
    assert "cannot be reached" in explained(run("status", "--as", site.operator), "UNREACHABLE")


def test_modules_that_are_none(site: Any, tmp_path: Path, build_pulse: Callable[..., Path]) -> None:
    """Not WebAssembly, with imports, without manifest, with an unknown series: each is refused with the reason, and the
    organization finds it in its list.
    """
    site.sign_policy({"acme": "supplier"})
    organization = site.identity("organization", "acme")
    guest = '(module (memory (export "memory") 1) (func (export "edge_inputs") (result i32) (i32.const 0)){} {})'
    evaluate = '(func (export "evaluate") (result i32) (i32.const 0))'
    importing = '(module (import "env" "clock" (func (result i64))))'
    good = build_pulse().read_bytes()
    samples = {
        "MODULE_MALFORMED": b"this is not a module",
        "IMPORT": assemble(importing, "importing.wat"),
        "MANIFEST_MISSING": assemble(guest.format(evaluate, ""), "bare.wat"),
        "MANIFEST_INVALID": good.replace(b'"power_import"', b'"power_imporT"'),
    }
    for reason, wasm in samples.items():
        file = tmp_path / f"{reason}.wasm"
        file.write_bytes(wasm)
        done = run("module", "upload", file, "--as", organization, "--json")
        assert done.returncode == 1, done.stdout + done.stderr
        uploaded = json.loads(done.stdout)
        assert uploaded["state"] == "refused"
        assert reason in uploaded["report"]["findings"][0]["reason"], uploaded["report"]["findings"]
        assert run("module", "check", file).returncode == 1
        assert run("module", "inspect", file).returncode == 0
    listed = json.loads(run("module", "list", "--as", organization, "--json").stdout)["modules"]
    assert len(listed) == len(samples)
    assert alive(site)


def test_organization_without_a_tier(site: Any, build_pulse: Callable[..., Path]) -> None:
    """An organization that the policy does not name may upload nothing, and is told to ask the operator."""
    done = run("module", "upload", build_pulse(), "--as", site.identity("organization", "nobody"))
    assert "policy" in explained(done, "ORGANIZATION_UNKNOWN")


def test_approvals_that_do_not_hold(site: Any, tmp_path: Path, build_pulse: Callable[..., Path]) -> None:
    """An approval signed by another key, or for another digest than any here, is refused and nothing becomes active."""
    site.sign_policy({"acme": "supplier"})
    organization = site.identity("organization", "acme")
    uploaded = json.loads(run("module", "upload", build_pulse(), "--as", organization, "--json").stdout)
    other_key = tmp_path / "other.key"
    SigningKey.generate().save(other_key)
    approve = ("module", "approve", uploaded["digest"], "--as", site.operator, "--yes", "--key")
    explained(run(*approve, other_key), "SIGNATURE_INVALID")
    explained(
        run("module", "approve", "sha256:00", "--as", site.operator, "--yes", "--key", site.root_key),
        "MODULE_NOT_FOUND",
    )
    (listed,) = json.loads(run("module", "list", "--as", organization, "--json").stdout)["modules"]
    assert listed["state"] == "pending"
    assert run(*approve, site.root_key).returncode == 0


def test_settings_with_an_unknown_key(make_site: Callable[[], Any]) -> None:
    """A misspelt setting stops `edge serve` with the name of the key; a value out of bounds does too."""
    site = make_site()
    file = site.folder / "edge" / "settings.toml"
    good = file.read_text()
    file.write_text(good.replace("flush_ms", "flush_msec"))
    assert "ingest.flush_msec" in explained_settings(site)
    file.write_text(good.replace("flush_ms = 100", "flush_ms = 0"))
    assert "ingest.flush_ms" in explained_settings(site)
    file.write_text(good.replace('timezone = "Europe/Amsterdam"', 'timezone = "Mars/Olympus"'))
    assert "Mars/Olympus" in explained_settings(site)
    file.unlink()
    assert "edge init" in explained(run("serve", site.folder), "SETTINGS_INVALID")


def explained_settings(site: Any) -> str:
    done = run("serve", site.folder)
    assert done.returncode == 1
    assert "reason: SETTINGS_INVALID" in done.stderr
    return done.stderr


def test_two_edges_on_one_folder_or_port(site: Any, make_site: Callable[[], Any]) -> None:
    """A second `edge serve` on the same folder, or on the same port, ends with a clear error; the first goes on."""
    explained(run("serve", site.folder), "STORE_LOCKED")
    second = make_site()
    second.change_settings()
    settings = second.folder / "edge" / "settings.toml"
    settings.write_text(settings.read_text().replace(f"port = {second.port}", f"port = {site.port}"))
    explained(run("serve", second.folder), "PORT_IN_USE")
    assert alive(site)


def test_wrong_passphrase(tmp_path: Path) -> None:
    """Keys that were locked with a passphrase do not open with another."""
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("correct horse battery staple\n")
    wrong.write_text("hunter2\n")
    assert run("init", tmp_path / "site", "--passphrase-file", right).returncode == 0
    issue = ("identity", "issue", "household", "h1", "--operator", tmp_path / "site" / "operator", "--passphrase-file")
    explained(run(*issue, wrong), "KEY_UNUSABLE")
    assert run(*issue, right).returncode == 0


def test_broken_telegrams_do_not_stop_the_rest(site: Any, tmp_path: Path) -> None:
    """A file whose telegrams are cut or altered gives the good readings and names every bad one with its place."""
    from_file = tmp_path / "telegrams.txt"
    lines = ["/XXX5 broken", "", "1-0:1.7.0(00.100*kW)", "!0000", "not a telegram at all", ""]
    from_file.write_bytes("\r\n".join(lines).encode())
    done = run("meter", "p1", "--file", from_file, "--dry-run", "--json")
    found = json.loads(done.stdout)
    assert (found["telegrams"], found["readings"]) == (1, 0)
    assert {item["reason"] for item in found["rejected"]} >= {"TELEGRAM_CRC"}
    assert alive(site)


def test_errors_are_values_too() -> None:
    """What the SDK raises carries reason, fault and advice as attributes, not only as text."""
    error = IdentityError("x")
    assert isinstance(error, EdgeError)
    assert (error.reason, error.fault.value) == ("IDENTITY_UNUSABLE", "caller")
    assert error.advice
