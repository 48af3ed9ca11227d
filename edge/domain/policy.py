"""The operator's policy: which organizations there are, and what each tier may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from edge.domain.document import Document, Table
from edge.errors import PermissionDeniedError
from edge_sdk.catalogue import APPLIANCES, CATALOGUE, Extent

if TYPE_CHECKING:
    from edge_sdk.manifest import Manifest

PAYLOAD_TYPE = "application/vnd.edge.policy.v1+json"
TierName = Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,31}$")]
OrganizationName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
_ACTION_KINDS = {"recommendation", "appliance:*", *(f"appliance:{appliance}" for appliance in APPLIANCES)}


class Tier(Table):
    """What the organizations of one tier may name and do."""

    series: Annotated[tuple[str, ...], Field(strict=False)]
    """Catalogue names, or `*` for every one."""
    action_kinds: Annotated[tuple[str, ...], Field(strict=False)]
    """`recommendation`, `appliance:<name>`, or `appliance:*`."""
    every_s_min: Annotated[int, Field(ge=60)]
    leak_bits_per_day_max: Annotated[int, Field(ge=0)]
    """Over all active triggers of one organization."""
    group_min: Annotated[int, Field(ge=2)]
    """A neighbourhood series is NaN where fewer households than this were measured."""
    fuel_max: Annotated[int, Field(ge=1)]
    """Of one evaluation."""

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        # A misspelt name would allow nothing, and nobody would be told.
        if strange := set(self.series) - {"*", *CATALOGUE}:
            raise ValueError(f"series that are not in the catalogue: {', '.join(sorted(strange))}")
        if strange := set(self.action_kinds) - _ACTION_KINDS:
            raise ValueError(f"kinds of action that there are not: {', '.join(sorted(strange))}")
        return self

    def allows_series(self, name: str) -> bool:
        """Whether a module may read this series."""
        # The time is no one's secret.
        return "*" in self.series or name in self.series or CATALOGUE[name].extent is Extent.CLOCK

    def allows_action_kind(self, kind: str) -> bool:
        """Whether a module may declare this kind of action."""
        wildcard = f"{kind.split(':', 1)[0]}:*"
        return kind in self.action_kinds or wildcard in self.action_kinds


class Policy(Document):
    """Tiers, and the organizations in them."""

    kind: Literal["policy"] = "policy"
    tiers: Annotated[dict[TierName, Tier], Field(min_length=1)]
    organizations: dict[OrganizationName, TierName]

    @model_validator(mode="after")
    def _known_tiers(self) -> Self:
        unknown = {tier for tier in self.organizations.values() if tier not in self.tiers}
        if unknown:
            raise ValueError(f"organizations name tiers that are not defined: {', '.join(sorted(unknown))}")
        return self

    def tier_of(self, organization: str) -> tuple[str, Tier]:
        """Returns the tier's name and the tier.

        Raises:
            PermissionDeniedError: the policy does not name the organization.
        """
        name = self.organizations.get(organization)
        if name is None:
            raise PermissionDeniedError(
                f"Organization {organization} has no tier in the operator's policy (version {self.version}).",
                advice="Ask the operator to add it (`edge policy sign`).",
                reason="ORGANIZATION_UNKNOWN",
            )
        return name, self.tiers[name]


def check_within_tier(manifest: Manifest, tier_name: str, tier: Tier) -> tuple[str, ...]:
    """Returns what in the manifest goes beyond the tier, each as a sentence; empty if nothing does."""
    problems = [
        f"Tier {tier_name} may not read {series}." for series in manifest.series if not tier.allows_series(series)
    ]
    problems += [
        f"Tier {tier_name} may not declare actions of kind {kind}."
        for kind in manifest.consent_kinds
        if not tier.allows_action_kind(kind)
    ]
    if manifest.trigger.every_s < tier.every_s_min:
        problems.append(
            f"Tier {tier_name} may run every {tier.every_s_min} s at most, not every {manifest.trigger.every}."
        )
    if manifest.leak_bits_per_day > tier.leak_bits_per_day_max:
        problems.append(
            f"It can encode {manifest.leak_bits_per_day:.1f} bits a household and day; tier {tier_name} may "
            f"{tier.leak_bits_per_day_max}. Declare fewer actions, fewer a day, or fewer slots."
        )
    return tuple(problems)
