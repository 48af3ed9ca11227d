"""Settings of what people do: the operator's register, what households decide, what reaches whom."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from edge.settings_section import Section, positive


class EnrolmentSection(Section):
    """The register of meters."""

    page_meters_max: int = positive(1_000, up_to=10_000)
    page_gaps_max: int = positive(1_000, up_to=10_000)
    """In one answer of a list."""


class ConsentSection(Section):
    """What households may decide."""

    days_default: int = positive(365)
    days_max: int = positive(730)
    decisions_max: int = positive(500, up_to=1_000)
    """Grants and refusals kept of one household. Withdrawing makes none. As many as the bound fit into one message."""

    @model_validator(mode="after")
    def _default_within_bounds(self) -> Self:
        if self.days_default > self.days_max:
            raise ValueError("days_default is more than days_max")
        return self


class ActionsSection(Section):
    """What reaches households."""

    valid_s: int = positive(3_600)
    """After this an action is history, not to be acted on."""
    page_actions_max: int = positive(200)


class AuditSection(Section):
    """The audit log."""

    page_entries_max: int = positive(500)
