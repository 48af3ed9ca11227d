"""Rolling back, at the operator's desk: the next approval of the version that was active before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.approval import Approval, Mode
from edge.errors import ConflictError, DocumentError, Fault
from edge.trust.documents import open_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge.domain.policy import Policy
    from edge.domain.revocations import Revocations
    from edge_sdk.envelope import VerifyKey


def approvals_shown(
    envelopes_json: Iterable[bytes], operator_key: VerifyKey, *, organization: str, trigger: str
) -> list[Approval]:
    """Returns the approvals of a trigger that an edge showed, newest first, once they are found to be the operator's.

    Raises:
        SignatureError: one is not signed by this key.
        DocumentError: one is another kind of document.
        ConflictError: one is of another trigger.
    """
    found = []
    for envelope_json in envelopes_json:
        document = open_document(envelope_json, operator_key)
        if not isinstance(document, Approval):
            raise DocumentError("The edge showed another kind of document as an approval.")
        if (document.organization, document.trigger) != (organization, trigger):
            raise ConflictError(
                f"The edge showed an approval of {document.organization}/{document.trigger} as one of "
                f"{organization}/{trigger}.",
                advice="Sign nothing: examine the edge.",
                reason="ANSWER_FALSE",
                fault=Fault.EDGE,
            )
        found.append(document)
    return sorted(found, key=lambda approval: approval.version, reverse=True)


def version_before(approvals: Sequence[Approval], now_ms: int) -> Approval:
    """Returns the last approval to act of another module than the one that is approved now.

    Args:
        approvals: of one trigger, newest first.
        now_ms: an approval that begins later has not made anything active yet.

    Raises:
        ConflictError: there is none to go back to.
    """
    begun = [item for item in approvals if item.mode is Mode.ACTIVE and item.not_before_ms <= now_ms]
    for earlier in begun:
        if earlier.module_digest != begun[0].module_digest:
            return earlier
    raise ConflictError(
        "There is no version to go back to: only one was ever active.",
        advice="To stop it, suspend it: `edge module suspend`.",
        reason="ROLLBACK_IMPOSSIBLE",
    )


def restored(
    before: Approval,
    policy: Policy,
    revocations: Revocations | None,
    *,
    report_digest: str,
    version: int,
    edge_id: str,
    now_ms: int,
) -> Approval:
    """Returns the next approval of an earlier version, within the limits it had and the policy that is in force.

    Args:
        before: what was signed for it.
        policy: the one in force.
        revocations: the operator's list, if there is one.
        report_digest: of the report that the edge shows of it now.
        version: for the new approval.
        edge_id: where it is to hold: other edges may have another version before.
        now_ms: from when on. It ends when the earlier one would have.

    Raises:
        ConflictError: the earlier version was revoked, or its report is another one by now.
        DocumentError: its approval has expired.
        PermissionDeniedError: the policy does not name the organization.
    """
    _check_restorable(before, revocations, report_digest, now_ms)
    tier_name, tier = policy.tier_of(before.organization)
    changes = {
        "version": version,
        "edges": (edge_id,),
        "not_before_ms": now_ms,
        "tier": tier_name,
        "fuel_max": min(before.fuel_max, tier.fuel_max),
    }
    return before.model_copy(update=changes)


def _check_restorable(before: Approval, revocations: Revocations | None, report_digest: str, now_ms: int) -> None:
    if revocations is not None and before.module_digest in revocations.modules:
        raise ConflictError(
            f"The version before, {before.module_digest}, was revoked.",
            advice="Approve another one, with `edge module approve`.",
            reason="MODULE_NOT_APPROVABLE",
        )
    if now_ms >= before.not_after_ms:
        raise DocumentError(
            f"The approval of the version before, {before.module_digest}, has expired.",
            advice="Read it again and approve it anew, with `edge module approve`.",
            reason="DOCUMENT_EXPIRED",
        )
    if before.report_digest != report_digest:
        raise ConflictError(
            "The edge shows another report of the version before than the one that was signed over.",
            advice="Sign nothing: examine the edge. A report of an admitted module does not change.",
            reason="ANSWER_FALSE",
            fault=Fault.EDGE,
        )
