"""Consent: what a household lets an organization do. Whatever it does not name is denied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from edge.errors import ConflictError, InvalidRequestError
from edge_sdk.catalogue import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable


class ConsentState(StrEnum):
    """Where a decision stands. What a household has not decided yet is an offer, not a consent."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SeriesTerms:
    """How much of one series may be read.

    Attributes:
        window_s: how far back at most.
        resolution_s: length of the shortest sample.
    """

    name: str
    window_s: int
    resolution_s: int

    def cover(self, needed: SeriesTerms) -> bool:
        """Whether `needed` reads the same series, no further back and no finer."""
        return (
            self.name == needed.name and self.window_s >= needed.window_s and self.resolution_s <= needed.resolution_s
        )

    def in_words(self) -> str:
        """Returns it for the household to read."""
        return in_words(self.name, self.window_s, self.resolution_s)


def widest(series: Iterable[SeriesTerms]) -> frozenset[SeriesTerms]:
    """Returns the least that covers all of `series`: of each name the longest window and the finest resolution."""
    found: dict[str, SeriesTerms] = {}
    for item in series:
        known = found.get(item.name, item)
        found[item.name] = SeriesTerms(
            item.name, max(known.window_s, item.window_s), min(known.resolution_s, item.resolution_s)
        )
    return frozenset(found.values())


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a household, or what it agreed to. Each series stands in them once."""

    organization: str
    service: str
    purpose: str
    series: frozenset[SeriesTerms]
    action_kinds: frozenset[str]

    def __post_init__(self) -> None:
        names = [item.name for item in self.series]
        if len(set(names)) < len(names):
            twice = {name for name in names if names.count(name) > 1}
            raise InvalidRequestError(
                f"The terms name {', '.join(sorted(twice))} more than once.",
                advice="Name each series once, with the longest window and the finest resolution.",
                reason="TERMS_UNKNOWN",
            )

    @property
    def identity(self) -> tuple[str, str, str]:
        """What they are about: one standing consent of a household has it."""
        return (self.organization, self.service, self.purpose)

    def cover(self, needed: Terms) -> bool:
        """Whether who agreed to these terms agreed to `needed`: the same or narrower, for the same purpose."""
        return (
            self.identity == needed.identity
            and self.action_kinds >= needed.action_kinds
            and all(any(agreed.cover(item) for agreed in self.series) for item in needed.series)
        )

    def union(self, other: Terms) -> Terms:
        """Returns the least that covers both.

        Raises:
            ValueError: they are of another organization, service or purpose.
        """
        if self.identity != other.identity:
            raise ValueError(f"{self.identity} and {other.identity} are separate decisions")
        return replace(
            self, series=widest([*self.series, *other.series]), action_kinds=self.action_kinds | other.action_kinds
        )


@dataclass(frozen=True, slots=True)
class Consent:
    """One decision of one household.

    Attributes:
        decided: GRANTED, WITHDRAWN or REFUSED: what the household decided last.
        decided_ms: when it granted or refused.
        ended_ms: when it was withdrawn, or a later decision took its place.
    """

    consent_id: str
    household_id: str
    terms: Terms
    decided: ConsentState
    decided_ms: int
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

    @property
    def refuses(self) -> bool:
        """Whether it is a refusal that no later decision has taken the place of."""
        return self.decided is ConsentState.REFUSED and self.ended_ms is None

    def withdraw(self, now_ms: int) -> Consent:
        """Returns it withdrawn, also where it has expired: a clock that is set back would bring it into force again.

        Raises:
            ConflictError: it was withdrawn or refused already.
        """
        if self.decided is not ConsentState.GRANTED:
            raise ConflictError(
                f"Consent {self.consent_id} is {self.state(now_ms)}, not granted.",
                advice="`edge consent list` shows what was decided.",
                reason="CONSENT_NOT_IN_FORCE",
            )
        return replace(self, decided=ConsentState.WITHDRAWN, ended_ms=now_ms)
