"""The operator's signed grant for one module digest."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from edge.domain.document import Document
from edge.domain.policy import OrganizationName, TierName
from edge_sdk.manifest import Slug

PAYLOAD_TYPE = "application/vnd.edge.approval.v1+json"
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Mode(StrEnum):
    """What an approved module may do."""

    ACTIVE = "active"
    """Run, and act. One version of a trigger is active at a time."""
    SHADOW = "shadow"
    """Run beside the active version; what it decides is counted for the operator and goes nowhere."""


class Approval(Document):
    """Lets one organization run one module, within limits. Its version counts per organization and trigger name."""

    kind: Literal["approval"] = "approval"
    organization: OrganizationName
    trigger: Slug
    module_digest: Digest
    report_digest: Digest
    """Of the admission report that the operator read before signing."""
    tier: TierName
    fuel_max: Annotated[int, Field(ge=1)]
    """Of one evaluation."""
    mode: Annotated[Mode, Field(strict=False)] = Mode.ACTIVE
