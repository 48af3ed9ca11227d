"""The words of the command line, each used once for real. What others script against is the JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.timeout(240)


def run(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "edge", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
    return done.stdout


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json"))


def upload_and_approve(site: Any, file: Path) -> str:
    uploaded = run_json("module", "upload", file, "--as", site.identity("organization", "acme"))
    run("module", "approve", uploaded["digest"], "--key", site.root_key, "--as", site.operator, "--yes")
    return str(uploaded["digest"])


def state_of(site: Any, digest: str) -> str:
    modules = run_json("module", "list", "--as", site.operator)["modules"]
    return next(str(module["state"]) for module in modules if module["digest"] == digest)


def test_a_modules_life(site: Any, build_pulse: Callable[..., Path]) -> None:
    """Upload, approve, suspend, resume, a new version that supersedes, a revocation that is final."""
    site.sign_policy({"acme": "supplier"})
    first = upload_and_approve(site, build_pulse("1.0.0"))
    assert state_of(site, first) == "active"
    suspended = run_json("module", "suspend", first[:16], "--as", site.operator, "--reason", "complaints")
    assert suspended["state"] == state_of(site, first) == "suspended"
    assert run_json("module", "resume", first, "--as", site.operator)["state"] == state_of(site, first) == "active"
    second = upload_and_approve(site, build_pulse("1.1.0"))
    assert (state_of(site, first), state_of(site, second)) == ("superseded", "active")
    revoked = run_json("module", "revoke", second, "--key", site.root_key, "--as", site.operator)
    assert revoked == {"digest": second, "revocations_version": 1}
    assert state_of(site, second) == "revoked"
    kinds = {entry["kind"] for entry in run_json("audit", "show", "--as", site.operator)["entries"]}
    assert {"module_uploaded", "approval_accepted", "module_suspended", "module_resumed"} <= kinds


def test_the_same_bytes_of_two_organizations(site: Any, build_pulse: Callable[..., Path]) -> None:
    """Where two organizations uploaded the same bytes the operator says whose it means, and approves that one."""
    site.sign_policy({"acme": "supplier", "rival": "supplier"})
    file = build_pulse()
    digest = upload_and_approve(site, file)
    run_json("module", "upload", file, "--as", site.identity("organization", "rival"))
    approve = ("module", "approve", digest[:20], "--key", site.root_key, "--as", site.operator, "--yes", "--json")
    words = [sys.executable, "-m", "edge", *map(str, approve)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "reason: MODULE_AMBIGUOUS" in done.stderr
    assert "acme, rival" in done.stderr
    approved = json.loads(run(*approve, "--organization", "rival"))
    assert (approved["organization"], approved["state"]) == ("rival", "active")
    stopped = run_json("module", "suspend", digest, "--organization", "acme", "--as", site.operator)
    assert (stopped["organization"], stopped["state"]) == ("acme", "suspended")


def test_a_households_decisions(site: Any, build_pulse: Callable[..., Path]) -> None:
    """An offer is listed with its leak bound, refused, granted, receipted, withdrawn; each leaves an entry."""
    site.sign_policy({"acme": "supplier"})
    upload_and_approve(site, build_pulse())
    household = site.identity("household", "h1")
    (offer,) = run_json("consent", "list", "--as", household)["offers"]
    assert offer["terms"]["series"] == ["power_import"]
    assert offer["leak_bits_per_day"] > 0
    assert offer["consented"] is False
    run("consent", "refuse", "acme", "pulse-advice", "--as", household)
    granted = run_json("consent", "grant", "acme", "pulse-advice", "--as", household)
    assert granted["state"] == "granted"
    receipt = json.loads(run("consent", "receipt", granted["consent_id"], "--as", household))
    assert receipt["record_id"] == granted["consent_id"]
    assert receipt["state"] == "granted"
    assert run_json("consent", "list", "--as", household)["offers"][0]["consented"] is True
    withdrawn = run_json("consent", "withdraw", granted["consent_id"], "--as", household)
    assert (withdrawn["consent"]["state"], withdrawn["actions_cancelled"]) == ("withdrawn", 0)
    states = [item["state"] for item in run_json("consent", "list", "--as", household)["consents"]]
    assert sorted(states) == ["refused", "withdrawn"]
    entries = run_json("audit", "show", "--as", household)["entries"]
    assert [entry["kind"] for entry in entries] == ["consent_refused", "consent_granted", "consent_withdrawn"]
    proof = json.loads(run("audit", "prove", entries[0]["index"], "--as", household))
    assert proof["payload"]["kind"] == "consent_refused"
    assert run("inbox", "--as", household) == ""


def test_the_operators_desk(site: Any, tmp_path: Path) -> None:
    """Policies are shown, checked and carried as a file; identities and meters are listed; status is readable."""
    assert run_json("policy", "show", "--as", site.operator)["version"] == 1
    shown = tmp_path / "policy.toml"
    shown.write_text(run("policy", "show", "--as", site.operator))
    assert "valid: 3 tiers" in run("policy", "check", shown)
    carried = tmp_path / "policy.json"
    signed = run_json("policy", "sign", shown, "--key", site.root_key, "--version", 2, "--out", carried)
    assert signed == {"version": 2, "in_force": False, "file": str(carried)}
    assert json.loads(carried.read_bytes())["payloadType"].startswith("application/vnd.edge.policy")
    run("meter", "enrol", "m1", "--household", "h1", "--kind", "gas", "--as", site.operator)
    (meter,) = run_json("meter", "list", "--as", site.operator)["meters"]
    assert (meter["meter_id"], meter["household_id"], meter["kind"]) == ("m1", "h1", "gas")
    retired = run_json("meter", "retire", "m1", "--as", site.operator)
    assert retired["retired_ms"] >= meter["enrolled_ms"]
    assert "retired" in run("meter", "list", "--as", site.operator)
    site.identity("household", "h1")
    listed = run_json("identity", "list", "--operator", site.operator_folder)["identities"]
    assert {(item["role"], item["name"]) for item in listed} == {("operator", "operator"), ("household", "h1")}
    assert "edge street-1" in run("status", "--as", site.operator)
    first = run_json("audit", "verify", "--as", site.operator)
    second = run_json("audit", "verify", "--as", site.operator)
    assert second["grew_from"] == first["tree_size"]


def test_a_carried_policy_is_in_force_after_a_start(make_site: Callable[[], Any], tmp_path: Path) -> None:
    """A signed policy in the documents folder is in force once the edge starts, and after the next start too."""
    site = make_site()
    policy = site.operator_folder / "policy.toml"
    policy.write_text(policy.read_text().replace("[organizations]", '[organizations]\nacme = "supplier"'))
    documents = site.folder / "edge" / "documents"
    run("policy", "sign", policy, "--key", site.root_key, "--version", 7, "--out", documents / "policy-7.json")
    for _ in range(2):
        site.start()
        shown = run_json("policy", "show", "--as", site.operator)
        assert (shown["version"], shown["organizations"]) == (7, {"acme": "supplier"})
        assert site.stop()[0] == 0


def test_a_new_trigger_begins_and_inspects(tmp_path: Path) -> None:
    """`module new`, `build`, `inspect` and `check` work without an edge; the report has the words of the design."""
    folder = tmp_path / "mine"
    run("module", "new", folder)
    built = run_json("module", "build", folder)
    inspected = run_json("module", "inspect", folder / "module.wasm")
    assert set(inspected) >= {
        "digest",
        "size_bytes",
        "manifest",
        "imports",
        "exports",
        "memory",
        "functions",
        "leak_bits_per_day",
        "admissible",
        "findings",
    }
    assert built == {
        "file": str(folder / "module.wasm"),
        "size_bytes": inspected["size_bytes"],
        "digest": inspected["digest"],
    }
    assert (inspected["imports"], inspected["admissible"], inspected["findings"]) == ([], True, [])
    assert inspected["leak_bits_per_day"] == pytest.approx(12.185, abs=0.001)
    for_people = run("module", "inspect", folder / "module.wasm")
    assert "It imports nothing" in for_people
    assert "admissible" in run("module", "check", folder / "module.wasm")
