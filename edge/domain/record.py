"""What one meter has delivered, and what is missing of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class SpoolRecord:
    """How far one spool has come."""

    spool_id: str
    last_sequence: int
    received_ms: int


@dataclass(frozen=True, slots=True)
class MeterRecord:
    """What the edge keeps of one meter.

    Attributes:
        readings: how many are kept; `readings_today` of the current UTC day.
        newest_ms: time of the newest one, 0 if there is none.
        received_ms: when the last one came, refused ones included; 0 if none did.
        delay_ms_min: today's shortest time from a reading's own time to its arrival; negative if the meter's clock is
            ahead. None if nothing came today.
        marks: odd readings by mark.
        refused: refused readings by reason.
    """

    readings: int
    readings_today: int
    newest_ms: int
    received_ms: int
    delay_ms_min: int | None
    marks: Mapping[str, int]
    refused: Mapping[str, int]
    spools: tuple[SpoolRecord, ...]


@dataclass(frozen=True, slots=True)
class GapQuery:
    """Which gaps to look for.

    Attributes:
        longer_than_ms: a gap in time is longer; 0 looks for gaps in the sequence only.
    """

    from_ms: int
    until_ms: int
    longer_than_ms: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing sequences of a spool, or a time without readings: then `spool_id` is "" and the sequences are 0."""

    spool_id: str
    first_sequence: int
    last_sequence: int
    from_ms: int
    until_ms: int
