"""Vets what an edge shows of a module, at the operator's desk: nothing is signed because the edge says so.

The edge believes the root key; whoever holds that key does not have to believe the edge. What cannot be checked here,
what the edge measured and whose the upload is, is for the operator to read before it signs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.domain.document import VERSION_MAX, check_acceptable
from edge.domain.module import digest_of
from edge.errors import ConflictError, Fault, NotFoundError
from edge.services.examine import manifest_facts
from edge.services.sign import policy_shown
from edge_sdk.manifest import SECTION, Manifest, parse_canonical_json
from edge_sdk.text import printable
from edge_sdk.wasm import custom_section

if TYPE_CHECKING:
    from edge.domain.policy import Policy
    from edge_sdk.envelope import VerifyKey


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asked for: the beginning of a digest, and whose module; of anybody if empty."""

    digest_beginning: str
    organization: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What an edge answered about a module. All of it may be false.

    Attributes:
        report_digest: what the edge says that the report's digest is.
        approval_version: of the trigger's last approval.
        policy_json: envelope of the policy in force, if there is one.
    """

    digest: str
    organization: str
    wasm: bytes
    report_json: bytes
    report_digest: str
    approval_version: int
    policy_json: bytes | None


@dataclass(frozen=True, slots=True)
class Vetted:
    """What an approval can be signed over: the manifest is the code's own, the policy the operator's."""

    manifest: Manifest
    report: dict[str, Any]
    policy: Policy


def vet(shown: Shown, wanted: Wanted, *, edge_id: str, operator_key: VerifyKey, now_ms: int) -> Vetted:
    """Returns what holds of an edge's answers.

    Raises:
        ConflictError: the answers contradict each other or what was asked for, or the module was refused.
        NotFoundError: the edge has no policy.
        SignatureError: the policy that it shows is not the operator's.
        DocumentError: the policy is for another edge or has expired.
        EdgeError: what the edge sent is no module, or has no valid manifest.
    """
    if not shown.digest.startswith(wanted.digest_beginning):
        raise _false(f"It answered with module {printable(shown.digest, chars_max=80)}, which was not asked for.")
    if wanted.organization and shown.organization != wanted.organization:
        raise _false(f"It answered with a module of {printable(shown.organization)}, not of {wanted.organization}.")
    if digest_of(shown.wasm) != shown.digest:
        raise _false("The module that it sent has another digest than the one that it names.")
    if not 0 <= shown.approval_version < VERSION_MAX:
        raise _false(f"It counts {shown.approval_version} approvals of this trigger, after which none can follow.")
    manifest = _own_manifest(shown.wasm)
    report = _checked_report(shown, manifest)
    policy = policy_shown(shown.policy_json, operator_key)
    if policy is None:
        raise NotFoundError("The edge has no policy yet.", advice="Sign one with `edge policy sign`.")
    check_acceptable(policy, edge_id=edge_id, now_ms=now_ms, seen_version=0)
    return Vetted(manifest, report, policy)


def _own_manifest(wasm: bytes) -> Manifest:
    payload = custom_section(wasm, SECTION)
    if payload is None:
        raise _false("It shows as admitted a module that has no manifest.")
    return parse_canonical_json(payload)


def _checked_report(shown: Shown, manifest: Manifest) -> dict[str, Any]:
    if digest_of(shown.report_json) != shown.report_digest:
        raise _false("The admission report has another digest than the one that it names.")
    try:
        report = json.loads(shown.report_json)
    except (ValueError, RecursionError) as error:
        raise _false("Its admission report is not JSON.") from error
    if not isinstance(report, dict) or not isinstance(facts := report.get("facts"), dict):
        raise _false("Its admission report is none.")
    if report.get("module_digest") != shown.digest:
        raise _false("Its admission report is of another module.")
    if report.get("findings") != [] or report.get("admissible") is not True:
        raise ConflictError(
            "The edge refused this module.", advice="`edge module list` shows why.", reason="MODULE_REFUSED"
        )
    if missing := [name for name in ("structure", "compile", "dry_run") if not isinstance(facts.get(name), dict)]:
        raise _false(f"Its admission report says nothing of {' and '.join(missing)}.")
    if any(facts.get(name) != value for name, value in manifest_facts(manifest).items()):
        raise _false("Its admission report is over another manifest than the one inside the module.")
    return report


def _false(problem: str) -> ConflictError:
    return ConflictError(
        f"What the edge shows does not hold: {problem}",
        advice="Sign nothing. Find out what is wrong with the edge, or who answers in its place.",
        reason="ANSWER_FALSE",
        fault=Fault.EDGE,
    )
