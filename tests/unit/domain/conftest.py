from __future__ import annotations

import pytest

from edge.domain.approval import Approval
from edge.domain.module import Module, ReportSummary, digest_of
from edge_sdk.manifest import Manifest, parse_toml

MANIFEST = """
[trigger]
name = "ev-surplus"
version = "1.2.0"
service = "charging-advice"
purpose = "Advise when to charge."
scope = "household"
every = "15m"
max_actions_per_day = 4

[[input]]
series = "power_export"
window = "1h"
resolution = "15m"

[[input]]
series = "clock.tariff"
window = "30m"
resolution = "30m"

[[action]]
name = "charge_now"
kind = "recommendation"
text = { en = "Charge now." }

[[action]]
name = "charger_half"
kind = "appliance"
appliance = "ev_charger"
command = { limit_w = 3700 }
"""


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    """A household-scope manifest with one series of its own, one of the clock, and both kinds of action."""
    return parse_toml(MANIFEST)


@pytest.fixture(scope="session")
def approval() -> Approval:
    """Version 3 of an approval, valid from 1,000 up to 2,000 ms."""
    return Approval(
        version=3,
        not_before_ms=1_000,
        not_after_ms=2_000,
        organization="sunny",
        trigger="ev-surplus",
        module_digest=digest_of(b"code"),
        report_digest=digest_of(b"report"),
        tier="supplier",
        fuel_max=1_000,
    )


@pytest.fixture(scope="session")
def module(manifest: Manifest, approval: Approval) -> Module:
    """An admitted and approved module."""
    return Module(
        digest=digest_of(b"code"),
        organization="sunny",
        uploaded_ms=500,
        report=ReportSummary(digest_of(b"report"), 0, ""),
        manifest=manifest,
        approval=approval,
        suspended=False,
        revoked=False,
        approval_version=approval.version,
    )
