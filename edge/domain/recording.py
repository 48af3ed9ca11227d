"""What an evaluation saw and came to, kept so that it can be evaluated again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Matrix: TypeAlias = "NDArray[np.float64]"


class Result(Protocol):
    """What evaluating came to, by whichever path.

    Attributes:
        outcomes: one an evaluation; 0 where there was a fault.
        faults: one an evaluation; 0 is none.
        fuel_total: what all of them used together.
    """

    @property
    def outcomes(self) -> NDArray[np.int16]: ...  # noqa: D102

    @property
    def faults(self) -> NDArray[np.int8]: ...  # noqa: D102

    @property
    def fuel_total(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Conditions:
    """What an evaluation ran under, as far as what it came to may depend on that.

    Attributes:
        engine: the runtime's version and settings, by name.
    """

    fuel_max: int
    memory_bytes_max: int
    table_elements_max: int
    stack_bytes_max: int
    engine: Mapping[str, str | int | bool]

    @property
    def runtime(self) -> str:
        """The runtime with its version."""
        return f"wasmtime {self.engine.get('wasmtime', '(of unknown version)')}"


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One trigger at one slot.

    Attributes:
        households: who was evaluated, in order; in scope neighbourhood all whom the one evaluation spoke for.
        windows: in manifest order, float64 of shape (households, samples), or (1, samples) where all see the same.
        outcomes: int16, one an evaluation.
        faults: int8, one an evaluation.
        input_digest: salted, as `edge.services.evaluate` makes it; the log has it without the salt.
    """

    trigger_key: str
    organization: str
    slot_ms: int
    module_digest: str
    households: tuple[str, ...]
    windows: tuple[Matrix, ...]
    outcomes: NDArray[np.int16]
    faults: NDArray[np.int8]
    fuel_total: int
    conditions: Conditions
    input_digest: str


def input_block(windows: Sequence[Matrix], rows: int) -> Matrix:
    """Returns the rows that a guest is given: the windows side by side, those that all see the same repeated."""
    wide = [np.broadcast_to(window, (rows, window.shape[1])) if len(window) != rows else window for window in windows]
    return np.ascontiguousarray(np.concatenate(wide, axis=1), dtype=np.float64)
