"""Modules on the wire, for the two services that show them."""

from __future__ import annotations

import json

from edge.domain.module import Module, ModuleState, digest_of
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


def module_to_wire(module: Module, now_ms: int, *, with_report: bool = True) -> pb.Module:
    """Returns a module as callers see it; in lists without the whole report, which may be long."""
    report = json.loads(module.report_json)
    wire = pb.Module(
        digest=module.digest,
        organization=module.organization,
        name=module.name,
        version=module.version,
        state=_STATES[module.state(now_ms)],
        uploaded_ms=module.uploaded_ms,
        approval_version=module.approval_version,
        report=pb.AdmissionReport(
            digest=digest_of(module.report_json),
            admissible=module.admissible,
            findings=[
                pb.Finding(
                    check=item["check"], reason=item["reason"], message=f"{item['message']} {item['advice']}".rstrip()
                )
                for item in report["findings"]
            ],
            canonical_json=module.report_json if with_report else b"",
        ),
    )
    if module.approval is not None:
        wire.approved_from_ms = module.approval.not_before_ms
        wire.approved_until_ms = module.approval.not_after_ms
    return wire
