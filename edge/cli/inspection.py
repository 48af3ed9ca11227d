"""What `edge module inspect` finds and says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edge.cli.output import safe
from edge.domain.module import digest_of
from edge.sandbox.sandbox import Sandbox
from edge.services.admit import Examination
from edge.settings import SandboxLimits
from edge_sdk.catalogue import CATALOGUE
from edge_sdk.durations import parse_duration_s

if TYPE_CHECKING:
    from pathlib import Path


_SCOPES = {"household": "each consenting household", "neighbourhood": "the neighbourhood as a whole"}


def inspect_file(file: Path | None, wasm: bytes = b"") -> dict[str, Any]:
    """Examines a module the way an edge with default limits does, without a tier."""
    wasm = file.read_bytes() if file else wasm
    limits = SandboxLimits()
    with Sandbox(limits) as sandbox:
        report, manifest = Examination(sandbox, limits).examine(wasm, None)
    facts = report.facts
    structure: Any = facts.get("structure", {})
    return {
        "digest": digest_of(wasm),
        "size_bytes": len(wasm),
        "manifest": facts.get("manifest"),
        "imports": structure.get("imports", []),
        "exports": structure.get("exports", []),
        "memory": structure.get("memory", []),
        "functions": structure.get("functions", 0),
        "leak_bits_per_day": round(manifest.leak_bits_per_day, 3) if manifest else None,
        "leak": facts.get("leak"),
        "compile": facts.get("compile"),
        "dry_run": facts.get("dry_run"),
        "admissible": report.admissible,
        "findings": json.loads(report.canonical_json())["findings"],
    }


def describe(inspected: dict[str, Any]) -> str:
    """Returns what a person should read before signing, with nothing in it that a terminal would act on."""
    lines = [f"{inspected['digest']}  {inspected['size_bytes']} bytes, {inspected['functions']} functions"]
    if inspected["manifest"]:
        lines += _manifest_lines(inspected["manifest"])
    if inspected["leak"]:
        leak = inspected["leak"]
        lines += [
            "",
            f"It can tell at most {leak['bits_per_day']} bits about a household in a day, whatever its code does:",
            "  log2( sum over i <= m of C(n, i) a^i ) with",
            f"  n = {leak['slots_per_day']} slots a day, m = {leak['actions_per_day_max']} actions a day at most,",
            f"  a = {leak['actions']} declared actions",
        ]
    lines += ["", _imports_line(inspected["imports"])]
    if inspected["dry_run"]:
        tried = inspected["dry_run"]
        lines.append(
            f"Tried on {tried['evaluations']} generated inputs: {tried['faults']} faults, "
            f"at most {tried['fuel_worst']} fuel, outcomes {tried['outcomes_seen']}."
        )
    lines += ["", "ADMISSIBLE" if inspected["admissible"] else "NOT ADMISSIBLE"]
    lines += [f"  {item['check']}: {item['message']} {item['advice']}".rstrip() for item in inspected["findings"]]
    return "\n".join(safe(line) for line in lines)


def _manifest_lines(manifest: dict[str, Any]) -> list[str]:
    trigger = manifest["trigger"]
    lines = [
        f"trigger {trigger['name']} {trigger['version']}, service {trigger['service']}",
        f"  purpose: {trigger['purpose']}",
        f"  runs every {trigger['every']} for {_SCOPES[trigger['scope']]}",
        f"  at most {trigger['max_actions_per_day']} actions a household and day",
        "",
        "It sees:",
    ]
    for item in manifest["input"]:
        series = CATALOGUE[item["series"]]
        samples = parse_duration_s(item["window"]) // parse_duration_s(item["resolution"])
        unit = f", {series.unit}" if series.unit else ""
        lines.append(f"  {item['series']}{unit}: {series.meaning}; the last {item['window']} in {samples} samples")
    lines += ["", "It can cause:"]
    for number, action in enumerate(manifest["action"], start=1):
        if action["kind"] == "recommendation":
            lines.append(f'  {number}. {action["name"]}: tells the household "{action["text"]["en"]}"')
        else:
            lines.append(f"  {number}. {action['name']}: commands {action['appliance']} {action['command']}")
    return lines


def _imports_line(imports: list[dict[str, str]]) -> str:
    if not imports:
        return "It imports nothing: it can call nothing outside itself."
    names = ", ".join(f"{item['module']}.{item['name']}" for item in imports)
    return f"It imports {names}."
