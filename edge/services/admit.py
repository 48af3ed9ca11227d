"""Admits modules: examines an upload and keeps it, with a report of what was found, for the operator to judge.

The checks go from cheap to dear, and the first that finds something ends the examination: nothing is compiled that is
not well-formed and within its tier.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind, organization_subject
from edge.domain.module import AdmissionReport, Finding, Module, digest_of
from edge.domain.policy import Policy, Tier, check_within_tier
from edge.errors import ConflictError, EdgeError, LimitError
from edge.sandbox.admission import examine as examine_structure
from edge.sandbox.dry_run import dry_run
from edge.services.control import module_not_found
from edge_sdk.errors import ManifestError, WasmFormatError
from edge_sdk.manifest import SECTION, Manifest, parse_canonical_json
from edge_sdk.wasm import custom_section

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.clock import Clock
    from edge.sandbox.sandbox import Sandbox
    from edge.sandbox.structure import ModuleStructure
    from edge.services.audit import AuditLog
    from edge.settings import SandboxLimits
    from edge.store.store import Store, Transaction

DRY_RUN_SEED = 1


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
        except EdgeError as error:
            findings = (Finding(_check_of(error), error.reason, error.message, error.advice),)
        return AdmissionReport(digest_of(wasm), findings, facts), manifest

    def _structure(self, wasm: bytes, facts: dict[str, object]) -> tuple[Finding, ...]:
        examined = examine_structure(wasm, self._limits)
        if examined.structure is not None:
            facts["structure"] = structure_facts(examined.structure)
        return tuple(Finding(item.check, item.reason, item.message, item.advice) for item in examined.findings)

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
            "fuel_worst": tried.fuel_worst,
            "outcomes_seen": list(tried.outcomes_seen),
        }
        if tried.faults == tried.evaluations:
            message = "It faulted on every one of the generated inputs (zeros, NaN, extremes, typical loads)."
            return (
                Finding("dry_run", "DRY_RUN_FAULTS", message, "Try it with `edge module run` on inputs of your own."),
            )
        return ()


def structure_facts(structure: ModuleStructure) -> dict[str, object]:
    """Returns what the report and `edge module inspect` say of a module's structure."""
    return {
        "functions": len(structure.functions),
        "imports": [{"module": item.module, "name": item.name, "kind": item.kind.value} for item in structure.imports],
        "exports": [{"name": item.name, "kind": item.kind.value} for item in structure.exports],
        "memory": [
            {"min_pages": item.min_pages, "max_pages": item.max_pages, "page_size_bytes": item.page_bytes}
            for item in structure.memories
        ],
    }


def _manifest(
    wasm: bytes, tier: tuple[str, Tier] | None, facts: dict[str, object]
) -> tuple[Manifest | None, tuple[Finding, ...]]:
    payload = custom_section(wasm, SECTION)
    if payload is None:
        message = f"The module has no custom section {SECTION}."
        return None, (Finding("manifest", "MANIFEST_MISSING", message, "Build it with `edge module build`."),)
    manifest = parse_canonical_json(payload)
    trigger = manifest.trigger
    facts["manifest"] = manifest.model_dump(mode="json", exclude_none=True)
    facts["leak"] = {
        "bits_per_day": f"{manifest.leak_bits_per_day:.3f}",
        "slots_per_day": manifest.slots_per_day,
        "actions_per_day_max": trigger.max_actions_per_day,
        "actions": len(manifest.action),
    }
    problems = check_within_tier(manifest, *tier) if tier else ()
    advice = "Ask the operator for another tier, or declare less."
    return manifest, tuple(Finding("tier", "TIER_EXCEEDED", problem, advice) for problem in problems)


def _check_of(error: EdgeError) -> str:
    if isinstance(error, ManifestError):
        return "manifest"
    return "structure" if isinstance(error, WasmFormatError) else "compile"


class Admission:
    """Takes uploads and shows where they stand."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        examination: Examination,
        limits: SandboxLimits,
        policy: Callable[[], Policy],
        clock: Clock,
        modules_max: int,
    ) -> None:
        self._store = store
        self._audit = audit
        self._examination = examination
        self._limits = limits
        self._policy = policy
        self._clock = clock
        self._modules_max = modules_max
        # One compiler at a time, in a thread of its own: uploads must not take the machine from the meters. It runs
        # on when the caller hangs up, so one upload of an organization is taken at a time.
        self._examiner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="edge-examiner")
        self._examined: set[str] = set()

    async def upload(self, organization: str, wasm: bytes) -> Module:
        """Examines and keeps a module; uploading it again examines it again unless it has been approved.

        Returns:
            The module, pending or refused, with its report.

        Raises:
            PermissionDeniedError: the policy does not know the organization.
            LimitError: larger than anything the edge would keep.
        """
        if len(wasm) > self._limits.module_bytes_max:
            raise LimitError(
                f"The module has {len(wasm)} bytes; this edge takes {self._limits.module_bytes_max}.",
                advice="Build with optimisation for size and strip debug data.",
                reason="MODULE_TOO_LARGE",
            )
        tier = self._policy().tier_of(organization)
        digest = digest_of(wasm)
        uploads = await self._store.read(lambda tables: tables.modules.of_organization(organization))
        known = next((module for module in uploads if module.digest == digest), None)
        if known is not None and known.approval is not None:
            return known
        if known is None and len(uploads) >= self._modules_max:
            raise LimitError(
                f"Organization {organization} has {len(uploads)} modules here, as many as it may.",
                advice="Ask the operator to raise admission.modules_max.",
                reason="MODULES_TOO_MANY",
            )
        report, manifest = await self._examine(organization, wasm, tier)
        module = Module(
            digest=report.module_digest,
            organization=organization,
            uploaded_ms=self._clock.now_ms(),
            report_json=report.canonical_json(),
            admissible=report.admissible,
            manifest=manifest,
            approval=None,
            suspended=False,
            revoked=False,
            approval_version=0,
        )
        return await self._store.write(lambda transaction: self._keep(transaction, module, wasm))

    async def _examine(
        self, organization: str, wasm: bytes, tier: tuple[str, Tier]
    ) -> tuple[AdmissionReport, Manifest | None]:
        if organization in self._examined:
            raise LimitError(
                "Another upload of this organization is being examined.",
                advice="Wait for its report, then upload again.",
                reason="UPLOAD_UNDER_WAY",
            )
        self._examined.add(organization)
        examining = asyncio.get_running_loop().run_in_executor(self._examiner, self._examination.examine, wasm, tier)
        examining.add_done_callback(lambda _: self._examined.discard(organization))
        return await asyncio.shield(examining)

    def close(self) -> None:
        """Ends the examiner once what it has begun is done."""
        self._examiner.shutdown(cancel_futures=True)

    def _keep(self, transaction: Transaction, module: Module, wasm: bytes) -> Module:
        known = transaction.modules.get(module.digest, module.organization)
        if known is not None and known.approval is not None:
            return known  # approved while it was being examined
        if known is None:
            # What was refused is not worth its place on the disk; its digest and report stay.
            transaction.modules.insert(module, wasm if module.admissible else b"")
        else:
            transaction.modules.replace(module, wasm if module.admissible else b"")
        detail: dict[str, object] = {
            "organization": module.organization,
            "module": module.digest,
            "report": digest_of(module.report_json),
            "admissible": module.admissible,
        }
        subjects = (OPERATOR_SUBJECT, organization_subject(module.organization))
        self._audit.record(transaction, [Event(EventKind.MODULE_UPLOADED, module.uploaded_ms, subjects, detail)])
        stored = transaction.modules.get(module.digest, module.organization)
        return stored or module

    async def module(self, organization: str, digest: str) -> Module:
        """Returns one of an organization's own modules.

        Raises:
            NotFoundError: it has uploaded no such module.
        """
        module = await self._store.read(lambda tables: tables.modules.get(digest, organization))
        if module is None:
            raise module_not_found(digest)
        return module

    async def modules_of(self, organization: str) -> list[Module]:
        """Returns an organization's modules, newest first."""
        return await self._store.read(lambda tables: tables.modules.of_organization(organization))

    async def modules(self) -> list[Module]:
        """Returns every module, newest first."""
        return await self._store.read(lambda tables: tables.modules.all())

    async def download(self, digest: str) -> tuple[Module, bytes]:
        """Returns a module and its bytes as uploaded.

        Raises:
            NotFoundError: no such module.
        """
        modules, wasm = await self._store.read(
            lambda tables: (tables.modules.with_digest(digest), tables.modules.wasm(digest))
        )
        if not modules or wasm is None:
            raise module_not_found(digest)
        if not wasm:
            raise ConflictError(
                f"Module {digest} was refused; only its report was kept.",
                advice="`edge module list` shows why.",
                reason="MODULE_REFUSED",
            )
        return modules[0], wasm
