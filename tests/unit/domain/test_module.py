from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.approval import Approval, Mode
from edge.domain.health import ModuleHealth
from edge.domain.module import AdmissionReport, Finding, ModuleState, ReportSummary, digest_of

if TYPE_CHECKING:
    from edge.domain.module import Module

TEXTS = st.text(max_size=10)
FINDINGS = st.builds(Finding, check=TEXTS, reason=TEXTS, message=TEXTS, advice=TEXTS)
FACTS = st.dictionaries(TEXTS, TEXTS | st.integers(-1_000, 1_000) | st.floats(-1.0, 1.0) | st.booleans(), max_size=4)
REPORTS = st.builds(
    AdmissionReport,
    module_digest=st.binary(max_size=3).map(digest_of),
    findings=st.lists(FINDINGS, max_size=3).map(tuple),
    facts=FACTS,
)


def test_digest() -> None:
    """A digest is SHA-256, written with its name."""
    assert digest_of(b"code") == "sha256:" + hashlib.sha256(b"code").hexdigest()


@given(report=REPORTS)
def test_report_bytes(report: AdmissionReport) -> None:
    """The bytes that an approval is signed over say everything in the report; its digest is theirs."""
    assert json.loads(report.canonical_json()) == {
        "module_digest": report.module_digest,
        "admissible": not report.findings,
        "findings": [
            {"check": item.check, "reason": item.reason, "message": item.message, "advice": item.advice}
            for item in report.findings
        ],
        "facts": report.facts,
    }
    summary = report.summary()
    assert summary.digest == digest_of(report.canonical_json())
    assert report.admissible == summary.admissible == (not report.findings)
    assert (summary.findings_count, summary.first_reason) == (
        len(report.findings),
        report.findings[0].reason if report.findings else "",
    )


@given(first=REPORTS, second=REPORTS)
def test_reports_differ(first: AdmissionReport, second: AdmissionReport) -> None:
    """Two reports that say different things have different digests."""
    assert (first.summary().digest == second.summary().digest) == (first.canonical_json() == second.canonical_json())


@pytest.mark.parametrize(
    ("now_ms", "state"),
    [
        (999, ModuleState.PENDING),
        (1_000, ModuleState.ACTIVE),
        (1_999, ModuleState.ACTIVE),
        (2_000, ModuleState.EXPIRED),
    ],
)
def test_state_follows_the_approval(module: Module, now_ms: int, state: ModuleState) -> None:
    """A module is active while its approval is valid: pending before, expired after."""
    assert module.state(now_ms) is state


# Each stands before those after it: a module that is several is the first.
RANKED: list[tuple[ModuleState, dict[str, object]]] = [
    (ModuleState.REVOKED, {"revoked": True}),
    (ModuleState.REFUSED, {"report": ReportSummary(digest_of(b"report"), 1, "MEMORY_COUNT")}),
    (ModuleState.SUPERSEDED, {"superseded_from_ms": 1_500}),
    (ModuleState.SUSPENDED, {"suspended": True}),
    (ModuleState.SUSPENDED, {"organization_suspended": True}),
]


@given(chosen=st.frozensets(st.sampled_from(range(len(RANKED)))))
def test_states_are_ranked(module: Module, chosen: frozenset[int]) -> None:
    """Whatever stands against a module keeps it from being active, and the gravest is told."""
    changes: dict[str, object] = {}
    for place in chosen:
        changes |= RANKED[place][1]
    expected = RANKED[min(chosen)][0] if chosen else ModuleState.ACTIVE
    assert replace(module, **changes).state(1_500) is expected  # type: ignore[arg-type]


def test_not_approved(module: Module) -> None:
    """A module without approval is pending; one that another digest of its trigger is approved for, too."""
    assert replace(module, approval=None, approval_version=0).state(1_500) is ModuleState.PENDING
    assert replace(module, approval=None, approval_version=7).state(1_500) is ModuleState.PENDING


def test_approved_later_but_superseded(module: Module, approval: Approval) -> None:
    """An approval whose time has not come is not waited for once a newer one has begun."""
    later = Approval(**{**approval.model_dump(), "not_before_ms": 1_800})
    assert replace(module, approval=later, superseded_from_ms=1_400).state(1_500) is ModuleState.SUPERSEDED


def test_the_next_version_comes_later(module: Module) -> None:
    """A module is active, and holds its share of the leak bound, until the newer approval that is there begins."""
    replaced = replace(module, approval_version=4, superseded_from_ms=1_700)
    assert (replaced.state(1_699), replaced.holds_leak_budget(1_699)) == (ModuleState.ACTIVE, True)
    assert (replaced.state(1_700), replaced.holds_leak_budget(1_700)) == (ModuleState.SUPERSEDED, False)


def test_a_shadow(module: Module, approval: Approval) -> None:
    """A shadow stands as a shadow until something stops it, and holds no share of the leak bound."""
    shadow = replace(module, approval=approval.model_copy(update={"mode": Mode.SHADOW}))
    assert (shadow.state(1_500), shadow.holds_leak_budget(1_500)) == (ModuleState.SHADOW, False)
    assert replace(shadow, organization_suspended=True).state(1_500) is ModuleState.SUSPENDED


@given(chosen=st.frozensets(st.sampled_from(range(len(RANKED)))))
def test_quarantine_is_the_operators_to_know(module: Module, chosen: frozenset[int]) -> None:
    """Only to the operator a module that would run is quarantined; whatever was decided about it stands before that."""
    changes: dict[str, object] = {}
    for place in chosen:
        changes |= RANKED[place][1]
    found = replace(module, **changes)  # type: ignore[arg-type]
    expected = found.state(1_500) if chosen else ModuleState.QUARANTINED
    assert found.state_for_operator(1_500, ModuleHealth(quarantined_ms=1_000)) is expected
    assert found.state_for_operator(1_500, ModuleHealth(bad_slots=3)) is found.state(1_500)


def test_suspension_does_not_hide_the_end(module: Module) -> None:
    """A suspended module whose approval ended is expired: resuming it would not help."""
    assert replace(module, suspended=True).state(2_000) is ModuleState.EXPIRED


def test_names(module: Module) -> None:
    """A module is called what its manifest says, and nothing if none could be read."""
    assert (module.name, module.version) == ("ev-surplus", "1.2.0")
    unreadable = replace(module, manifest=None)
    assert (unreadable.name, unreadable.version) == ("", "")
