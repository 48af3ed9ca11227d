"""Which approvals an edge takes: what the operator signed has to fit what is here, and the policy in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.approval import Mode
from edge.domain.module import RUNNING, Module, ModuleState
from edge.domain.policy import check_within_tier
from edge.errors import ConflictError, DocumentError, Fault, LimitError

if TYPE_CHECKING:
    from edge.domain.approval import Approval
    from edge.domain.policy import Policy, Tier
    from edge.store.store import Tables
    from edge_sdk.manifest import Manifest


def check_approval(tables: Tables, approval: Approval, module: Module, policy: Policy, now_ms: int) -> None:
    """Returns if an approval whose signature holds can make `module` active, or a shadow.

    Raises:
        ConflictError: it is for another module, report or tier than those here, or the module cannot be approved so.
        DocumentError: it would stop the module that runs now without letting it run.
        LimitError: it grants more fuel than the tier has, or goes beyond the tier's leak bound.
        PermissionDeniedError: the policy does not know the organization.
    """
    manifest = _approvable_manifest(module, now_ms)
    _check_signed_over(approval, module)
    _check_stops_nothing(approval, module, now_ms)
    tier_name, tier = policy.tier_of(approval.organization)
    _check_tier(approval, manifest, tier_name, tier)
    if approval.mode is Mode.SHADOW:
        return  # Nothing of it leaves.
    bits = _bits_beside(tables, module, now_ms)
    # The version that this one replaces at once does not count beside it; one that acts until this begins does.
    until_then = 0.0 if approval.is_valid_at(now_ms) else bits.get(module.name, 0.0)
    bits[module.name] = max(manifest.leak_bits_per_day, until_then)
    _check_leak_bound(sum(bits.values()), tier_name, tier)


def _approvable_manifest(module: Module, now_ms: int) -> Manifest:
    state = module.state(now_ms)
    if state in (ModuleState.REFUSED, ModuleState.REVOKED) or module.manifest is None:
        raise ConflictError(
            f"Module {module.digest} is {state} and cannot be approved.",
            advice="The organization has to upload a new version.",
            reason="MODULE_NOT_APPROVABLE",
        )
    return module.manifest


def _check_stops_nothing(approval: Approval, module: Module, now_ms: int) -> None:
    """Checks that the approval does not take away what this very module was approved for before."""
    state = module.state(now_ms)
    stands = module.approval is not None and state in (*RUNNING, ModuleState.SUSPENDED, ModuleState.PENDING)
    if stands and state is not ModuleState.PENDING and not approval.is_valid_at(now_ms):
        raise DocumentError(
            "The approval is not valid yet, and would stop this version, which may run now, until it is.",
            advice="Submit it when its validity has begun. Is the clock where it was signed right?",
            reason="DOCUMENT_NOT_YET_VALID",
        )
    if stands and not module.shadow and approval.mode is Mode.SHADOW:
        raise ConflictError(
            f"Module {module.digest} is approved to act; as a shadow it would not any more.",
            advice="A shadow is another version, beside the one that acts. Let that one act first: approve it, "
            "or take this one back with `edge module rollback`.",
            reason="SHADOW_OF_ACTIVE",
        )


def _bits_beside(tables: Tables, module: Module, now_ms: int) -> dict[str, float]:
    """Returns the most that any other version of each trigger of the organization can tell, by the trigger's name."""
    bits: dict[str, float] = {}
    for other in tables.modules.approved(now_ms):
        if other.manifest is None or other.organization != module.organization or other.digest == module.digest:
            continue
        if other.holds_leak_budget(now_ms):
            # Of the versions of a trigger one acts at a time.
            bits[other.name] = max(bits.get(other.name, 0.0), other.manifest.leak_bits_per_day)
    return bits


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


def _check_leak_bound(total: float, tier_name: str, tier: Tier) -> None:
    if total > tier.leak_bits_per_day_max:
        raise LimitError(
            f"With it the organization's active modules could encode {total:.1f} bits a household and day; "
            f"tier {tier_name} may {tier.leak_bits_per_day_max}.",
            advice="Revoke another module of this organization first, or raise the tier's bound in the policy.",
            reason="LEAK_BOUND_EXCEEDED",
            fault=Fault.OPERATOR,
        )
