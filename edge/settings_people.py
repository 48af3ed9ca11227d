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


class HouseholdViewSection(Section):
    """What a household may read of its own readings at a time."""

    range_days_max: int = positive(400, up_to=4_000)
    """Of one question."""
    samples_max: int = positive(120_000, up_to=10_000_000)
    """Of each series, in one answer."""
    part_samples_max: int = positive(2_000, up_to=10_000)
    """Of each series, in one message of an answer, and in memory at a time."""
    page_readings_max: int = positive(500, up_to=2_000)
    """In one answer of a list."""
    queries_max: int = positive(2, up_to=64)
    """At a time, of all households together. The others wait."""
    live_streams_max: int = positive(4, up_to=100)
    """Live streams that one household may have open."""
    live_readings_max: int = positive(100, up_to=2_000)
    """Kept for one live stream that is read more slowly than they come; older ones are left out."""
