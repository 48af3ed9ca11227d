"""Which approvals an edge takes: what the operator signed has to fit what is here, and the policy in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.module import Module, ModuleState
from edge.domain.policy import check_within_tier
from edge.errors import ConflictError, DocumentError, Fault, LimitError

if TYPE_CHECKING:
    from edge.domain.approval import Approval
    from edge.domain.policy import Policy, Tier
    from edge.store.store import Tables
    from edge_sdk.manifest import Manifest


def check_approval(tables: Tables, approval: Approval, module: Module, policy: Policy, now_ms: int) -> None:
    """Returns if an approval whose signature holds can make `module` active.

    Raises:
        ConflictError: it is for another module, report or tier than those here, or the module cannot be approved.
        DocumentError: it would stop the version that runs now without letting this one run.
        LimitError: it grants more fuel than the tier has, or goes beyond the tier's leak bound.
        PermissionDeniedError: the policy does not know the organization.
    """
    manifest = _approvable_manifest(module, now_ms)
    _check_signed_over(approval, module)
    others = [
        other
        for other in tables.modules.approved()
        if other.organization == module.organization and other.holds_leak_budget(now_ms)
    ]
    running = {other.name for other in others if other.state(now_ms) is ModuleState.ACTIVE}
    if not approval.is_valid_at(now_ms) and module.name in running:
        raise DocumentError(
            "The approval is not valid yet, and would stop the version that runs now until it is.",
            advice="Submit it when its validity has begun. Is the clock where it was signed right?",
            reason="DOCUMENT_NOT_YET_VALID",
        )
    tier_name, tier = policy.tier_of(approval.organization)
    _check_tier(approval, manifest, tier_name, tier)
    # A version that this one will replace does not count beside it.
    beside = [other.manifest for other in others if other.manifest and other.name != module.name]
    _check_leak_bound([manifest, *beside], tier_name, tier)


def _approvable_manifest(module: Module, now_ms: int) -> Manifest:
    state = module.state(now_ms)
    if state in (ModuleState.REFUSED, ModuleState.REVOKED) or module.manifest is None:
        raise ConflictError(
            f"Module {module.digest} is {state} and cannot be approved.",
            advice="The organization has to upload a new version.",
            reason="MODULE_NOT_APPROVABLE",
        )
    return module.manifest


def _check_signed_over(approval: Approval, module: Module) -> None:
    if approval.trigger != module.name:
        raise ConflictError(
            f"The approval is for trigger {approval.trigger}, the module is {module.name}.",
            advice="Sign again with `edge module approve`.",
            reason="APPROVAL_MISMATCH",
        )
    if approval.report_digest != module.report.digest:
        raise ConflictError(
            "The approval was signed over another admission report than the one this edge made.",
            advice="Read the report again and sign anew, with `edge module approve`.",
            reason="APPROVAL_MISMATCH",
        )


def _check_tier(approval: Approval, manifest: Manifest, tier_name: str, tier: Tier) -> None:
    problems = check_within_tier(manifest, tier_name, tier)
    if approval.tier != tier_name or problems:
        raise ConflictError(
            " ".join(problems) or f"It names tier {approval.tier}; the policy puts the organization in {tier_name}.",
            advice="Sign again under the policy that is in force.",
            reason="APPROVAL_MISMATCH",
        )
    if approval.fuel_max > tier.fuel_max:
        raise LimitError(
            f"It grants {approval.fuel_max} fuel; tier {tier_name} may have {tier.fuel_max}.",
            reason="FUEL_OVER_TIER",
        )


def _check_leak_bound(manifests: list[Manifest], tier_name: str, tier: Tier) -> None:
    total = sum(manifest.leak_bits_per_day for manifest in manifests)
    if total > tier.leak_bits_per_day_max:
        raise LimitError(
            f"With it the organization's active modules could encode {total:.1f} bits a household and day; "
            f"tier {tier_name} may {tier.leak_bits_per_day_max}.",
            advice="Revoke another module of this organization first, or raise the tier's bound in the policy.",
            reason="LEAK_BOUND_EXCEEDED",
            fault=Fault.OPERATOR,
        )
