"""What an evaluation came to: the face of the sandbox, whatever path it took inside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ACTIONS_MAX: Final = int(np.iinfo(np.int16).max)


class FaultCode(IntEnum):
    """Why an evaluation came to nothing.

    There is no code for memory: `memory.grow` beyond the limit answers -1 to the guest, which may go on.
    """

    NONE = 0
    TRAP = 1
    """The guest did what WebAssembly forbids, such as dividing by zero or recursing beyond the stack."""
    FUEL = 2
    WALL_CLOCK = 3
    """It was stopped by the second line behind fuel: the only fault that depends on the machine."""
    BAD_OUTCOME = 4
    """`evaluate` returned neither 0 nor the number of a declared action."""
    BAD_INPUTS_ADDRESS = 5
    """The input block at the address of `edge_inputs` is not inside the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What evaluating N households gave, in their order.

    Attributes:
        outcomes: int16[N]; 0 where there was a fault.
        faults: int8[N] of `FaultCode`.
        fuel_total: used by all calls of `evaluate` together; of one that used more than its limit, the limit.
    """

    outcomes: NDArray[np.int16]
    faults: NDArray[np.int8]
    fuel_total: int


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredEvaluation(Evaluation):
    """An evaluation that was measured household by household.

    Attributes:
        fuel: int64[N], used by `evaluate` alone; the limit where it used more; 0 where it was not reached.
    """

    fuel: NDArray[np.int64]
