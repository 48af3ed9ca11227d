"""What `edge module inspect` finds and says."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edge.cli.output import safe
from edge.errors import Fault, InvalidRequestError
from edge.sandbox.admission import check_size, examine
from edge.sandbox.disassembly import disassemble
from edge.sandbox.sandbox import Sandbox
from edge.services.examine import Examination
from edge.settings import SandboxLimits
from edge_sdk.catalogue import in_words
from edge_sdk.durations import every_in_words, parse_duration_s

if TYPE_CHECKING:
    from pathlib import Path

    from edge.domain.module import Finding

_SIZES = ("code_bytes", "largest_function_bytes", "data_bytes", "globals", "table_elements")
_LINES_MAX = 20_000
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
        "structure": {name: structure.get(name, 0) for name in _SIZES},
        "left_out": structure.get("left_out", {}),
        "leak_bits_per_day": float(leak["bits_per_day"]) if leak else None,
        "leak": leak,
        "compile": facts.get("compile"),
        "dry_run": facts.get("dry_run"),
        "admissible": not findings,
        "findings": [asdict(finding) for finding in findings],
    }


def disassembly_of(file: Path, wanted: str | None) -> list[str]:
    """Returns the code of one function, by index or exported name, or of all; safe to show.

    Raises:
        InvalidRequestError: the module is not admissible, so that nothing bounds what reading its code would cost.
        NotFoundError: there is no such function.
    """
    limits = SandboxLimits()
    wasm = read_at_most(file, limits.module_bytes_max)
    examined = examine(wasm, limits)
    if examined.structure is None or examined.findings:
        raise InvalidRequestError(
            f"The code is not shown: {examined.findings[0].message}",
            advice="Only a module whose structure is admissible is taken apart.",
            reason=examined.findings[0].reason,
            fault=Fault.ORGANIZATION,
        )
    return disassemble(wasm, examined.structure, wanted, _LINES_MAX)


def describe(inspected: dict[str, Any]) -> str:
    """Returns what a person should read before signing, with nothing in it that a terminal would act on."""
    digest = inspected["digest"] or "(too large to be read)"
    lines = [f"{digest}  {inspected['size_bytes']:,} bytes"]
    if inspected["manifest"]:
        lines += _manifest_lines(inspected["manifest"])
    if inspected["leak"]:
        lines += _leak_lines(inspected["leak"])
    if inspected["digest"]:
        lines += ["", "What it is made of:", *_structure_lines(inspected)]
    if inspected["compile"] or inspected["dry_run"]:
        lines += ["", "What was measured here:", *_measured_lines(inspected)]
    lines += ["", "ADMISSIBLE" if inspected["admissible"] else "NOT ADMISSIBLE"]
    lines += [f"  {item['check']}: {item['message']} {item['advice']}".rstrip() for item in inspected["findings"]]
    return "\n".join(safe(line) for line in lines)


def _manifest_lines(manifest: dict[str, Any]) -> list[str]:
    trigger = manifest["trigger"]
    lines = [
        f"trigger {trigger['name']} {trigger['version']}, service {trigger['service']}",
        f"  purpose: {trigger['purpose']}",
        f"  runs {every_in_words(parse_duration_s(trigger['every']))} for {_SCOPES[trigger['scope']]}",
        f"  acts at most {trigger['max_actions_per_day']} times a day for a household",
        "",
        "It sees, and nothing else:",
    ]
    for item in manifest["input"]:
        window_s, resolution_s = parse_duration_s(item["window"]), parse_duration_s(item["resolution"])
        words = in_words(item["series"], window_s, resolution_s)
        samples = window_s // resolution_s
        lines.append(f"  {item['series']}: {words} ({samples} {'sample' if samples == 1 else 'samples'})")
    lines += ["", "It can cause, and nothing else:"]
    for number, action in enumerate(manifest["action"], start=1):
        if action["kind"] == "recommendation":
            lines.append(f'  {number}. {action["name"]}: tells the household "{action["text"]["en"]}"')
        else:
            said = ", ".join(f"{name} = {value}" for name, value in action["command"].items())
            lines.append(f"  {number}. {action['name']}: commands the household's {action['appliance']}: {said}")
    return lines


def _leak_lines(leak: dict[str, Any]) -> list[str]:
    return [
        "",
        f"It can tell at most {leak['bits_per_day']} bits about a household in a day, whatever its code does:",
        "  log2( sum over i <= m of C(n, i) a^i ) with",
        f"  n = {leak['slots_per_day']} slots a day, m = {leak['actions_per_day_max']} actions a day at most,",
        f"  a = {leak['actions']} declared actions",
    ]


def _structure_lines(inspected: dict[str, Any]) -> list[str]:
    sizes = inspected["structure"]
    largest = f"the largest {sizes['largest_function_bytes']:,}"
    lines = [f"  code      {inspected['functions']:,} functions, {sizes['code_bytes']:,} bytes, {largest}"]
    for memory in inspected["memory"]:
        page = memory["page_size_bytes"]
        most = "no bound of its own" if memory["max_pages"] is None else f"at most {memory['max_pages'] * page:,}"
        lines.append(f"  memory    {memory['min_pages'] * page:,} bytes at the start, {most}")
    lines.append(
        f"  state     {sizes['data_bytes']:,} bytes of data, {sizes['globals']:,} globals, "
        f"a table of {sizes['table_elements']:,}; all as new for each household"
    )
    exports = ", ".join(item["name"] for item in inspected["exports"])
    return [*lines, f"  exports   {exports or 'nothing'}", _imports_line(inspected["imports"])]


def _imports_line(imports: list[dict[str, str]]) -> str:
    if not imports:
        return "  It imports nothing: it can call nothing outside itself."
    names = ", ".join(f"{item['module']}.{item['name']}" for item in imports)
    return f"  It imports {names}."


def _measured_lines(inspected: dict[str, Any]) -> list[str]:
    lines = []
    if cost := inspected["compile"]:
        lines.append(
            f"  compiling took {cost['time_ms'] / 1000:.2f} s and {cost['peak_memory_bytes']:,} bytes of memory, "
            f"and made {cost['artefact_bytes']:,} bytes of code"
        )
    if tried := inspected["dry_run"]:
        faults = f" ({', '.join(tried['faults_seen'])})" if tried["faults"] else ""
        outcomes = ", ".join(map(str, tried["outcomes_seen"])) or "none"
        lines.append(
            f"  of {tried['evaluations']} evaluations on generated inputs {tried['faults']} faulted{faults}; "
            f"at most {tried['fuel_worst']:,} fuel; outcomes seen: {outcomes}"
        )
    return lines
