"""The words of the command line, each used once for real. What others script against is the JSON."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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


def run_refused(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "edge", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, f"{arguments}\n{done.stdout}{done.stderr}"
    return done.stderr


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


def test_versions(site: Any, build_pulse: Callable[..., Path]) -> None:
    """A version in the shadow of the active one, its promotion, back to the one before and once more; and what cannot
    be gone back to is said.
    """
    site.sign_policy({"acme": "supplier"})
    keys = ("--key", site.root_key, "--as", site.operator)
    first = upload_and_approve(site, build_pulse("1.0.0"))
    assert "reason: ROLLBACK_IMPOSSIBLE" in run_refused("module", "rollback", "pulse", *keys, "--yes")
    assert "reason: MODULE_NOT_FOUND" in run_refused("module", "rollback", "nothing", *keys, "--yes")
    acme = site.identity("organization", "acme")
    second = run_json("module", "upload", build_pulse("1.1.0"), "--as", acme)["digest"]
    assert run_json("module", "approve", second, *keys, "--yes", "--shadow")["state"] == "shadow"
    assert "as a shadow at 0 slots" in run("module", "shadow", second[:16], "--as", site.operator)
    assert run_json("module", "shadow", second, "--as", site.operator)["module"]["digest"] == second
    assert state_of(site, first) == "active"
    assert run_json("module", "approve", second, *keys, "--yes")["state"] == "active"
    back = run_json("module", "rollback", "pulse", *keys, "--yes")
    assert (back["digest"], back["state"], back["approval_version"]) == (first, "active", 4)
    assert state_of(site, second) == "superseded"
    assert run_json("module", "rollback", first[:16], *keys, "--yes")["digest"] == second
    run("module", "revoke", first, *keys)
    assert "reason: MODULE_NOT_APPROVABLE" in run_refused("module", "rollback", "pulse", *keys, "--yes")


def test_the_switch_for_an_organization(site: Any, build_pulse: Callable[..., Path]) -> None:
    """An organization is stopped with all that it has here, listed so, and let run again."""
    site.sign_policy({"acme": "supplier"})
    digest = upload_and_approve(site, build_pulse())
    stopped = run_json("organization", "suspend", "acme", "--as", site.operator, "--reason", "an inquiry")
    assert (stopped["name"], stopped["tier"], stopped["reason"]) == ("acme", "supplier", "an inquiry")
    assert state_of(site, digest) == "suspended"
    assert "an inquiry" in run("organization", "list", "--as", site.operator)
    run("organization", "resume", "acme", "--as", site.operator)
    assert state_of(site, digest) == "active"
    (listed,) = run_json("organization", "list", "--as", site.operator)["organizations"]
    assert listed == {"name": "acme", "tier": "supplier", "reason": ""}
    assert "organizations suspended" in run("status", "--as", site.operator)
    assert "reason: ORGANIZATION_NOT_FOUND" in run_refused("organization", "suspend", "nobody", "--as", site.operator)


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
    """An offer is listed with all there is to know, refused, granted, receipted, withdrawn; each leaves an entry."""
    site.sign_policy({"acme": "supplier"})
    digest = upload_and_approve(site, build_pulse())
    household = site.identity("household", "h1")
    (offer,) = run_json("consent", "list", "--as", household)["offers"]
    assert offer["terms"]["series"] == [{"name": "power_import", "window_s": 60, "resolution_s": 60}]
    assert offer["leak_bits_per_day"] > 0
    assert offer["state"] == "undecided"
    refused = run_json("consent", "refuse", "acme", "pulse-advice", "--as", household)
    assert refused["state"] == "refused"
    assert "offer    acme pulse-advice  refused" in run("consent", "list", "--as", household)
    granted = run_json("consent", "grant", "acme", "pulse-advice", "--purpose", "Say once", "--as", household)
    assert granted["state"] == "granted"
    assert run_json("consent", "grant", "acme", "pulse-advice", "--as", household) == granted
    receipt = run_json("consent", "receipt", granted["consent_id"], "--as", household)
    assert (receipt["record_id"], receipt["state"]) == (granted["consent_id"], "granted")
    words = "reads power drawn from the grid (W), every minute, up to 1 minute back"
    assert words in run("consent", "receipt", granted["consent_id"], "--as", household)
    shown = run("consent", "list", "--as", household)
    for line in (
        "offer    acme pulse-advice  granted",
        "purpose: Say once a minute that the meter was heard.",
        words,
        f"trigger pulse 1.0.0 ({digest[:19]}), runs under your consent",
        "every minute for your household, at most 96 actions a day:",
        'heard: says "Your meter was heard in the last minute."',
        f"consent  {granted['consent_id']}  acme pulse-advice  granted  until ",
    ):
        assert line in shown
    withdrawn = run_json("consent", "withdraw", granted["consent_id"], "--as", household)
    assert (withdrawn["consent"]["state"], withdrawn["actions_cancelled"]) == ("withdrawn", 0)
    states = [item["state"] for item in run_json("consent", "list", "--as", household)["consents"]]
    assert states == ["withdrawn", "refused"]
    entries = run_json("audit", "show", "--as", household)["entries"]
    assert [entry["kind"] for entry in entries] == ["consent_refused", "consent_granted", "consent_withdrawn"]
    proof = json.loads(run("audit", "prove", entries[0]["index"], "--as", household))
    assert proof["payload"]["kind"] == "consent_refused"
    assert run("inbox", "--as", household) == ""
    assert run_json("inbox", "--as", household) == {"actions": []}


def test_a_service_with_two_purposes(site: Any, build_pulse: Callable[..., Path], tmp_path: Path) -> None:
    """Where a service is offered for two purposes, the household has to say which one it decides on."""
    site.sign_policy({"acme": "supplier"})
    upload_and_approve(site, build_pulse())
    folder = tmp_path / "seller"
    shutil.copytree(tmp_path / "pulse-1.0.0-power_import", folder)
    manifest = folder / "trigger.toml"
    text = manifest.read_text().replace('name = "pulse"', 'name = "seller"')
    manifest.write_text(re.sub("purpose = .*", 'purpose = "Sell you something."', text))
    run("module", "build", folder)
    upload_and_approve(site, folder / "module.wasm")
    household = site.identity("household", "h1")
    for command in ("grant", "refuse"):
        for more, reason in (([], "OFFER_AMBIGUOUS"), (["--purpose", "Heat"], "OFFER_NOT_FOUND")):
            refused = run_refused("consent", command, "acme", "pulse-advice", *more, "--as", household)
            assert f"reason: {reason}" in refused
    sold = run_json("consent", "refuse", "acme", "pulse-advice", "--purpose", "Sell", "--as", household)
    assert sold["terms"]["purpose"] == "Sell you something."
    run("consent", "grant", "acme", "pulse-advice", "--purpose", "Say", "--as", household)
    states = {
        offer["terms"]["purpose"]: offer["state"] for offer in run_json("consent", "list", "--as", household)["offers"]
    }
    assert states == {"Say once a minute that the meter was heard.": "granted", "Sell you something.": "refused"}


def test_a_household_reads_its_own(site: Any) -> None:
    """Samples, readings and what comes live, for people, as JSON and as a table."""
    run("meter", "enrol", "m1", "--household", "h1", "--as", site.operator)
    household, meter = site.identity("household", "h1"), site.identity("meter", "m1")
    follow = [sys.executable, "-m", "edge", "data", "live", "--count", "2", "--json", "--as", str(household)]
    with subprocess.Popen(follow, stdout=subprocess.PIPE, text=True) as following:
        simulate = ("meter", "simulate", "--as", meter, "--step", "1")
        while following.poll() is None:
            run(*simulate, "--duration", "2")
        assert following.stdout is not None
        lines = [json.loads(line) for line in following.stdout]
    assert [(line["meter_id"], line["left_out"], line["marks"]) for line in lines] == [("m1", 0, [])] * 2
    found = run_json("data", "readings", "--as", household)
    assert found["timezone"] == "Europe/Amsterdam"
    assert {line["reading"]["sequence"] for line in lines} <= {
        item["reading"]["sequence"] for item in found["readings"]
    }
    first = found["readings"][0]["reading"]
    for_people = run("data", "readings", "--as", household)
    assert re.search(r"\d CES?T  m1  .*power import [\d,]+ W", for_people)
    from_ms = first["time_ms"] - first["time_ms"] % 1000
    asked = ("data", "history", "--series", "power_import", "--series", "tariff", "--resolution", "1s")
    asked = (*asked, "--from", from_ms - 2000, "--until", from_ms + 1000, "--as", household)
    samples = run_json(*asked)
    assert (samples["from_ms"], samples["resolution_s"], samples["timezone"]) == (from_ms - 2000, 1, "Europe/Amsterdam")
    assert samples["series"]["power_import"] == {"unit": "W", "values": [None, None, first["power_import_w"]]}
    rows = run(*asked, "--csv").splitlines()
    assert rows[0] == "time_ms,time,power_import,tariff"
    assert rows[1].startswith(f"{from_ms - 2000},20")
    assert rows[1].endswith("+00:00,,")
    lines_for_people = run(*asked).splitlines()
    assert "power_import W" in lines_for_people[0]
    assert re.fullmatch(r".* CES?T +- +-", lines_for_people[1])


def test_what_a_household_cannot_ask(site: Any) -> None:
    """Series of others, ranges that are too long or none, other households and roles are refused with a reason."""
    run("meter", "enrol", "m1", "--household", "h1", "--as", site.operator)
    household = site.identity("household", "h1")
    refusals = {
        "SERIES_UNKNOWN": ("--series", "neighbourhood.power_import"),
        "RANGE_TOO_LONG": ("--series", "power_import", "--from", "2020-01-01T00:00:00Z"),
        "REQUEST_INVALID": ("--series", "power_import", "--from", "2020-01-02T00:00:00Z", "--until", 1),
    }
    for reason, words in refusals.items():
        assert f"reason: {reason}" in run_refused("data", "history", *words, "--as", household)
    other = site.identity("household", "h2")
    assert "reason: METER_UNKNOWN" in run_refused("data", "readings", "--as", other)
    assert "this command is for: household" in run_refused("data", "readings", "--as", site.operator)
    words = [sys.executable, "-m", "edge", "data", "readings", "--from", "2026-06-19T12:00", "--as", str(household)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "has no zone" in done.stderr) == (2, True)


def test_a_live_stream_ends_with_the_edge(site: Any) -> None:
    """When the edge stops, whoever follows is told so and leaves with success; so does whoever is interrupted."""
    run("meter", "enrol", "m1", "--household", "h1", "--as", site.operator)
    follow = [sys.executable, "-m", "edge", "data", "live", "--as", str(site.identity("household", "h1"))]
    streams = [subprocess.Popen(follow, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    meter = site.identity("meter", "m1")
    # Something comes, so both are there.
    with ThreadPoolExecutor() as threads:
        firsts = [threads.submit(stream.stdout.readline) for stream in streams if stream.stdout is not None]
        while not all(first.done() for first in firsts):
            run("meter", "simulate", "--as", meter, "--step", "1", "--duration", "1")
    assert all("m1" in first.result() for first in firsts)
    interrupted, left = streams
    interrupted.send_signal(signal.SIGINT)
    interrupted.communicate(timeout=30)
    assert interrupted.returncode == 0
    assert site.stop()[0] == 0
    assert "it is stopping" in left.communicate(timeout=30)[1]
    assert left.returncode == 0


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
        "structure",
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
