"""What a showing came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Latency:
    """Real milliseconds from a household's newest reading sent to its action received."""

    p50: float | None
    p99: float | None

    @classmethod
    def of(cls, samples_ms: Sequence[float]) -> Latency:
        """Returns the percentiles; None where nothing was measured."""
        if not samples_ms:
            return cls(None, None)
        p50, p99 = np.percentile(samples_ms, [50, 99])
        return cls(round(float(p50), 1), round(float(p99), 1))


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The object that `edge demo --json` prints."""

    households: int
    households_consenting: int
    households_with_actions: int
    households_with_actions_but_no_consent: int
    readings: int
    evaluations: int
    faults: int
    actions_delivered: int
    releases: int
    bytes_in: int
    bytes_out: int
    reading_to_action_ms: Latency
    audit_entries: int
    audit_ok: bool
    simulated_s: int
    real_s: float

    def to_json_dict(self) -> dict[str, Any]:
        """Returns it as plain values."""
        return asdict(self)
