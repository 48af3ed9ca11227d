"""Modules on the wire, for the two services that show them."""

from __future__ import annotations

import json

from edge.domain.module import Module, ModuleState
from edge_sdk.wire.v1 import module_pb2 as pb

_STATES = {
    ModuleState.PENDING: pb.MODULE_STATE_PENDING,
    ModuleState.REFUSED: pb.MODULE_STATE_REFUSED,
    ModuleState.ACTIVE: pb.MODULE_STATE_ACTIVE,
    ModuleState.SUSPENDED: pb.MODULE_STATE_SUSPENDED,
    ModuleState.SUPERSEDED: pb.MODULE_STATE_SUPERSEDED,
    ModuleState.REVOKED: pb.MODULE_STATE_REVOKED,
    ModuleState.EXPIRED: pb.MODULE_STATE_EXPIRED,
}


def module_to_wire(module: Module, now_ms: int, report_json: bytes | None = None) -> pb.Module:
    """Returns a module as callers see it, with its admission report if that is given."""
    summary = module.report
    wire = pb.Module(
        digest=module.digest,
        organization=module.organization,
        name=module.name,
        version=module.version,
        state=_STATES[module.state(now_ms)],
        uploaded_ms=module.uploaded_ms,
        admission=pb.AdmissionSummary(
            admissible=summary.admissible,
            findings_count=summary.findings_count,
            first_reason=summary.first_reason,
        ),
        approval_version=module.approval_version,
    )
    if module.approval is not None:
        wire.approved_from_ms = module.approval.not_before_ms
        wire.approved_until_ms = module.approval.not_after_ms
    if report_json is not None:
        report = pb.AdmissionReport(digest=summary.digest, admissible=summary.admissible, canonical_json=report_json)
        report.findings.extend(pb.Finding(**finding) for finding in json.loads(report_json)["findings"])
        wire.report.CopyFrom(report)
    return wire
