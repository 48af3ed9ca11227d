"""Who and when: what each row of an input block stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.domain.recording import Matrix


@dataclass(frozen=True, slots=True)
class Subject:
    """One evaluation.

    Attributes:
        household: its name; empty where one evaluation speaks for all.
        slot_ms: when; None where windows were handed in as they are.
    """

    household: str
    slot_ms: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Rows of an input block, and what each stands for."""

    subjects: tuple[Subject, ...]
    block: Matrix
