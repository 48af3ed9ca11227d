"""Modules on the wire, for the two services that show them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from edge.domain.module import Module, ModuleState
from edge_sdk.wire.v1 import module_pb2 as pb

if TYPE_CHECKING:
    from edge.domain.health import ModuleHealth, SlotCounts

_STATES = {
    ModuleState.PENDING: pb.MODULE_STATE_PENDING,
    ModuleState.REFUSED: pb.MODULE_STATE_REFUSED,
    ModuleState.ACTIVE: pb.MODULE_STATE_ACTIVE,
    ModuleState.SUSPENDED: pb.MODULE_STATE_SUSPENDED,
    ModuleState.SUPERSEDED: pb.MODULE_STATE_SUPERSEDED,
    ModuleState.REVOKED: pb.MODULE_STATE_REVOKED,
    ModuleState.EXPIRED: pb.MODULE_STATE_EXPIRED,
    ModuleState.QUARANTINED: pb.MODULE_STATE_QUARANTINED,
    ModuleState.SHADOW: pb.MODULE_STATE_SHADOW,
}


def module_to_wire(module: Module, now_ms: int, report_json: bytes | None = None) -> pb.Module:
    """Returns a module as its organization sees it, with its admission report if that is given."""
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


def module_to_operator(
    module: Module, now_ms: int, health: ModuleHealth, report_json: bytes | None = None
) -> pb.Module:
    """Returns a module as the operator alone sees it: with its health."""
    wire = module_to_wire(module, now_ms, report_json)
    wire.state = _STATES[module.state_for_operator(now_ms, health)]
    if health.last is not None:
        wire.health.CopyFrom(_health(health, health.last))
    return wire


def _health(health: ModuleHealth, last: SlotCounts) -> pb.ModuleHealth:
    return pb.ModuleHealth(
        evaluations=health.evaluations,
        faults=pb.FaultCounts(**asdict(health.faults)),
        last_slot_ms=last.slot_ms,
        last_slot_evaluations=last.evaluations,
        last_slot_faults=pb.FaultCounts(**asdict(last.faults)),
        last_fault_slot_ms=health.last_fault_slot_ms,
        bad_slots=health.bad_slots,
        runs_again_ms=health.runs_again_ms or None,
        quarantined_ms=health.quarantined_ms,
    )
