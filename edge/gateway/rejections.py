"""What did not become a reading: listed up to a bound, and counted without one."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rejected:
    """A piece of a source that did not become a reading.

    Attributes:
        position_bytes: where it began, counted from the start of the source.
        reason: from the error catalogue, such as TELEGRAM_CRC.
        message: what is wrong, for a person.
        line: of a table: its line's number, from 1.
    """

    position_bytes: int
    reason: str
    message: str
    line: int | None = None

    @property
    def place(self) -> str:
        """Where it was, for a person."""
        return f"byte {self.position_bytes}" if self.line is None else f"line {self.line}"

    def to_json_dict(self) -> dict[str, Any]:
        """Returns its attributes, without those that it does not have."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class Rejections:
    """Collects rejected pieces.

    Args:
        listed_max: so many are kept as they are, the first ones; the rest is only counted.
    """

    def __init__(self, listed_max: int = 1_000) -> None:
        self._listed_max = listed_max
        self.listed: list[Rejected] = []
        self.counts: Counter[str] = Counter()

    def add(self, rejected: Rejected) -> None:
        """Takes a piece in."""
        self.counts[rejected.reason] += 1
        if len(self.listed) < self._listed_max:
            self.listed.append(rejected)

    def to_json_dict(self) -> dict[str, Any]:
        """Returns the list, and the counts by reason."""
        return {
            "rejected": [rejected.to_json_dict() for rejected in self.listed],
            "rejected_counts": dict(sorted(self.counts.items())),
        }
