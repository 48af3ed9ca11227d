"""What `edge module inspect` finds and says."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edge.cli.output import safe
from edge.sandbox.admission import check_size
from edge.sandbox.sandbox import Sandbox
from edge.services.examine import Examination
from edge.settings import SandboxLimits
from edge_sdk.catalogue import CATALOGUE
from edge_sdk.durations import parse_duration_s

if TYPE_CHECKING:
    from pathlib import Path

    from edge.domain.module import Finding

_SCOPES = {"household": "each consenting household", "neighbourhood": "the neighbourhood as a whole"}


def read_at_most(file: Path, bytes_max: int) -> bytes:
    """Returns what a file holds, or one byte more than `bytes_max` of it: enough to see that it is too large."""
    with file.open("rb") as opened:
        return opened.read(bytes_max + 1)


def inspect_file(file: Path) -> dict[str, Any]:
    """Examines the module in a file; of one that is too large only the size is told, for it is not read."""
    limits = SandboxLimits()
    wasm = read_at_most(file, limits.module_bytes_max)
    if len(wasm) <= limits.module_bytes_max:
        return inspect_module(wasm)
    size_bytes = max(file.stat().st_size, len(wasm))  # a pipe has no size
    return _inspected(None, size_bytes, {}, check_size(size_bytes, limits))


def inspect_module(wasm: bytes) -> dict[str, Any]:
    """Examines a module the way an edge with default limits does, without a tier."""
    limits = SandboxLimits()
    with Sandbox(limits) as sandbox:
        report, _ = Examination(sandbox, limits).examine(wasm, None)
    return _inspected(report.module_digest, len(wasm), report.facts, report.findings)


def _inspected(
    digest: str | None, size_bytes: int, facts: dict[str, Any], findings: tuple[Finding, ...]
) -> dict[str, Any]:
    structure, leak = facts.get("structure", {}), facts.get("leak")
    return {
        "digest": digest,
        "size_bytes": size_bytes,
        "manifest": facts.get("manifest"),
        "imports": structure.get("imports", []),
        "exports": structure.get("exports", []),
        "memory": structure.get("memory", []),
        "functions": structure.get("functions", 0),
        "left_out": structure.get("left_out", {}),
        "leak_bits_per_day": float(leak["bits_per_day"]) if leak else None,
        "leak": leak,
        "compile": facts.get("compile"),
        "dry_run": facts.get("dry_run"),
        "admissible": not findings,
        "findings": [asdict(finding) for finding in findings],
    }


def describe(inspected: dict[str, Any]) -> str:
    """Returns what a person should read before signing, with nothing in it that a terminal would act on."""
    digest = inspected["digest"] or "(too large to be read)"
    lines = [f"{digest}  {inspected['size_bytes']} bytes, {inspected['functions']} functions"]
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
    if inspected["digest"]:
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
