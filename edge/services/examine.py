"""Examines a module: what it is, what it may see and say, and every reason against it.

The checks go from cheap to dear, and the first that finds something ends the examination: nothing is compiled that is
not well-formed and within its tier. Whatever the module is, the report stays within some tens of kilobytes, for every
list, log and screen that it reaches has to stand it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.module import AdmissionReport, Finding, digest_of
from edge.domain.policy import Tier, check_within_tier
from edge.errors import EdgeError
from edge.sandbox.admission import examine as examine_structure
from edge.sandbox.compile import CompilerStoppedError
from edge.sandbox.dry_run import dry_run
from edge_sdk.errors import ManifestError, WasmFormatError
from edge_sdk.manifest import SECTION, Manifest, parse_canonical_json
from edge_sdk.text import printable
from edge_sdk.wasm import custom_section

if TYPE_CHECKING:
    from edge.sandbox.sandbox import Sandbox
    from edge.sandbox.structure import ModuleStructure
    from edge.settings import SandboxLimits

DRY_RUN_SEED = 1
LISTED_MAX = 100
"""Imports, exports and memories named in a report; an admissible module has fewer."""
_INTEGER_MAX = 2**53 - 1
"""The largest that canonical JSON takes."""


class Examination:
    """What one look at a module found. Needs no store and no policy, so an organization can look at its own."""

    def __init__(self, sandbox: Sandbox, limits: SandboxLimits) -> None:
        self._sandbox = sandbox
        self._limits = limits

    def examine(self, wasm: bytes, tier: tuple[str, Tier] | None) -> tuple[AdmissionReport, Manifest | None]:
        """Runs every check. Blocks for as long as compiling takes.

        Args:
            wasm: the module as uploaded.
            tier: name and tier to hold the manifest against; None to leave that out.

        Returns:
            The report, and the manifest where there is a valid one.
        """
        facts: dict[str, object] = {"size_bytes": len(wasm)}
        manifest: Manifest | None = None
        try:
            findings = self._structure(wasm, facts)
            if not findings:
                manifest, findings = _manifest(wasm, tier, facts)
            if not findings and manifest is not None:
                findings = self._execution(wasm, manifest, facts)
        except CompilerStoppedError:
            raise  # that says nothing about the module
        except EdgeError as error:
            findings = (Finding(_check_of(error), error.reason, error.message, error.advice),)
        return AdmissionReport(digest_of(wasm), findings, facts), manifest

    def _structure(self, wasm: bytes, facts: dict[str, object]) -> tuple[Finding, ...]:
        examined = examine_structure(wasm, self._limits)
        if examined.structure is not None:
            facts["structure"] = structure_facts(examined.structure)
        return examined.findings

    def _execution(self, wasm: bytes, manifest: Manifest, facts: dict[str, object]) -> tuple[Finding, ...]:
        compiled = self._sandbox.compile(wasm)
        facts["compile"] = {
            "time_ms": round(compiled.compile_s * 1000),
            "peak_memory_bytes": compiled.peak_memory_bytes,
            "artefact_bytes": len(compiled.artefact),
        }
        guest = self._sandbox.load(compiled, input_samples=manifest.samples, actions=len(manifest.action))
        tried = dry_run(guest, seed=DRY_RUN_SEED)
        facts["dry_run"] = {
            "evaluations": tried.evaluations,
            "faults": tried.faults,
            "faults_seen": [code.name.lower() for code in tried.faults_seen],
            "fuel_worst": tried.fuel_worst,
            "outcomes_seen": list(tried.outcomes_seen),
        }
        if tried.faults == tried.evaluations:
            message = "It faulted on every one of the generated inputs (zeros, NaN, extremes, typical loads)."
            advice = "Let it return 0 where it cannot use what it is given; see what it traps on or computes too long."
            return (Finding("dry_run", "DRY_RUN_FAULTS", message, advice),)
        return ()


def structure_facts(structure: ModuleStructure) -> dict[str, object]:
    """Returns what the report and `edge module inspect` say of a module's structure, the first of each kind by name."""
    listed = {"imports": structure.imports, "exports": structure.exports, "memory": structure.memories}
    return {
        "functions": len(structure.functions),
        "code_bytes": sum(function.body_bytes for function in structure.functions),
        "largest_function_bytes": max((function.body_bytes for function in structure.functions), default=0),
        "data_bytes": structure.data_bytes,
        "globals": len(structure.globals),
        "table_elements": sum(min(table.min_elements, _INTEGER_MAX) for table in structure.tables[:LISTED_MAX]),
        "imports": [
            {"module": printable(item.module), "name": printable(item.name), "kind": item.kind.value}
            for item in structure.imports[:LISTED_MAX]
        ],
        "exports": [{"name": printable(item.name), "kind": item.kind.value} for item in structure.exports[:LISTED_MAX]],
        "memory": [
            {
                "min_pages": min(item.min_pages, _INTEGER_MAX),
                "max_pages": None if item.max_pages is None else min(item.max_pages, _INTEGER_MAX),
                "page_size_bytes": item.page_bytes,
            }
            for item in structure.memories[:LISTED_MAX]
        ],
        "left_out": {name: max(0, len(items) - LISTED_MAX) for name, items in listed.items()},
    }


def manifest_facts(manifest: Manifest) -> dict[str, object]:
    """Returns what the report says of a module's manifest, and of the bits that follow from it."""
    return {
        "manifest": manifest.model_dump(mode="json", exclude_none=True),
        "leak": {
            "bits_per_day": f"{manifest.leak_bits_per_day:.3f}",
            "slots_per_day": manifest.slots_per_day,
            "actions_per_day_max": manifest.trigger.max_actions_per_day,
            "actions": len(manifest.action),
        },
    }


def _manifest(
    wasm: bytes, tier: tuple[str, Tier] | None, facts: dict[str, object]
) -> tuple[Manifest | None, tuple[Finding, ...]]:
    payload = custom_section(wasm, SECTION)
    if payload is None:
        message = f"The module has no custom section {SECTION}."
        return None, (Finding("manifest", "MANIFEST_MISSING", message, "Build it with `edge module build`."),)
    manifest = parse_canonical_json(payload)
    facts |= manifest_facts(manifest)
    problems = check_within_tier(manifest, *tier) if tier else ()
    advice = "Ask the operator for another tier, or declare less."
    return manifest, tuple(Finding("tier", "TIER_EXCEEDED", problem, advice) for problem in problems)


def _check_of(error: EdgeError) -> str:
    if isinstance(error, ManifestError):
        return "manifest"
    return "structure" if isinstance(error, WasmFormatError) else "compile"
