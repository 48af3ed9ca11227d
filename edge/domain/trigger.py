"""A trigger: a module version that an organization has been granted to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.domain.approval import Mode
from edge.domain.consent import SeriesTerms, Terms, widest
from edge.domain.module import RUNNING, Module

if TYPE_CHECKING:
    from edge.domain.approval import Approval
    from edge_sdk.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Trigger:
    """What is evaluated at a slot."""

    organization: str
    module_digest: str
    manifest: Manifest
    approval: Approval

    @property
    def key(self) -> str:
        """Names the trigger over all its versions, so that a new version inherits what the old one has spent."""
        return f"{self.organization}/{self.manifest.trigger.name}"

    @property
    def shadow(self) -> bool:
        """Whether it runs beside the active version, and nothing of it leaves."""
        return self.approval.mode is Mode.SHADOW

    @property
    def run_key(self) -> str:
        """Names its runs: a shadow has runs of its own at the slots of the active version."""
        return f"{self.key}#shadow" if self.shadow else self.key

    @property
    def terms(self) -> Terms:
        """What a household has to agree to before it is evaluated."""
        return Terms(
            organization=self.organization,
            service=self.manifest.trigger.service,
            purpose=self.manifest.trigger.purpose,
            series=widest(SeriesTerms(item.series, item.window_s, item.resolution_s) for item in self.manifest.input),
            action_kinds=frozenset(self.manifest.consent_kinds),
        )


def running_trigger(module: Module, now_ms: int) -> Trigger | None:
    """Returns the trigger that a module is now, or None while it is neither active nor a shadow."""
    if module.state(now_ms) not in RUNNING or module.manifest is None or module.approval is None:
        return None
    return Trigger(module.organization, module.digest, module.manifest, module.approval)
