"""Consent: what a household lets an organization do. Whatever it does not name is denied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from edge.errors import ConflictError


class ConsentState(StrEnum):
    """Where a consent stands. A request stands until the household grants or refuses it."""

    REQUESTED = "requested"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a household, or what it agreed to."""

    organization: str
    service: str
    purpose: str
    series: frozenset[str]
    action_kinds: frozenset[str]

    def cover(self, needed: Terms) -> bool:
        """Whether who agreed to these terms agreed to `needed`: the same or narrower, for the same purpose."""
        return (
            self.organization == needed.organization
            and self.service == needed.service
            and self.purpose == needed.purpose
            and self.series >= needed.series
            and self.action_kinds >= needed.action_kinds
        )


@dataclass(frozen=True, slots=True)
class Consent:
    """One decision of one household."""

    consent_id: str
    household_id: str
    terms: Terms
    decided: ConsentState
    """GRANTED, WITHDRAWN or REFUSED: what the household decided last."""
    granted_ms: int
    """When it granted or refused."""
    expires_ms: int
    ended_ms: int | None = None

    def state(self, now_ms: int) -> ConsentState:
        """Where it stands now."""
        if self.decided is ConsentState.GRANTED and now_ms >= self.expires_ms:
            return ConsentState.EXPIRED
        return self.decided

    def permits(self, needed: Terms, now_ms: int) -> bool:
        """Whether it lets `needed` happen now."""
        return self.state(now_ms) is ConsentState.GRANTED and self.terms.cover(needed)

    def withdraw(self, now_ms: int) -> Consent:
        """Returns it withdrawn.

        Raises:
            ConflictError: it is not in force.
        """
        if self.state(now_ms) is not ConsentState.GRANTED:
            raise ConflictError(
                f"Consent {self.consent_id} is {self.state(now_ms)}, not granted.",
                advice="`edge consent list` shows which consents are in force.",
                reason="CONSENT_NOT_IN_FORCE",
            )
        return replace(self, decided=ConsentState.WITHDRAWN, ended_ms=now_ms)
