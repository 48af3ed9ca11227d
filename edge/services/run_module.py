"""Evaluates a module's file on inputs at hand, at an organization's or an operator's desk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.domain.module import digest_of
from edge.errors import Fault, InvalidRequestError
from edge.sandbox.admission import examine
from edge.sandbox.engine import Target
from edge.sandbox.sandbox import Sandbox
from edge_sdk.manifest import SECTION, Manifest, parse_canonical_json
from edge_sdk.wasm import custom_section

if TYPE_CHECKING:
    from edge.domain.recording import Matrix
    from edge.sandbox.evaluation import MeasuredEvaluation
    from edge.settings import SandboxLimits

WALL_S = 30.0
"""Of one evaluation: at a desk nobody waits behind it, and the interpreter is slower. Fuel bounds it first."""


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """A module that would be admitted, as far as its structure and manifest go."""

    wasm: bytes
    digest: str
    manifest: Manifest

    @property
    def manifest_digest(self) -> str:
        """Over the canonical bytes of the manifest."""
        return digest_of(self.manifest.canonical_json())

    def action_name(self, outcome: int) -> str:
        """Returns the name of the declared action that an outcome is; empty for 0."""
        return self.manifest.action[outcome - 1].name if outcome else ""


def open_module(wasm: bytes, limits: SandboxLimits) -> ModuleFile:
    """Returns a module to be run.

    Raises:
        InvalidRequestError: it is not admissible, or has no manifest.
        ManifestError: its manifest is not valid.
    """
    findings = examine(wasm, limits).findings
    if findings:
        raise InvalidRequestError(
            findings[0].message, advice=findings[0].advice, reason=findings[0].reason, fault=Fault.ORGANIZATION
        )
    payload = custom_section(wasm, SECTION)
    if payload is None:
        raise InvalidRequestError(
            f"The module has no custom section {SECTION}.",
            advice="Build it with `edge module build`.",
            reason="MANIFEST_MISSING",
            fault=Fault.ORGANIZATION,
        )
    return ModuleFile(wasm, digest_of(wasm), parse_canonical_json(payload))


def run_module(
    module: ModuleFile, inputs: Matrix, limits: SandboxLimits, *, interpreter: bool = False
) -> MeasuredEvaluation:
    """Returns what a module makes of an input block, one row after the other.

    Raises:
        ModuleCompileError: it does not compile.
        SandboxError: the sandbox could not do its work.
    """
    patient = replace(limits, evaluation_wall_s_max=WALL_S)
    with Sandbox(patient, Target.INTERPRETER if interpreter else Target.NATIVE) as sandbox:
        guest = sandbox.load(
            sandbox.compile(module.wasm),
            input_samples=module.manifest.samples,
            actions=len(module.manifest.action),
        )
        return guest.evaluate(inputs)
