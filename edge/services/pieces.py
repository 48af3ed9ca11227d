"""Asks the sandbox in pieces, so that an edge that stops waits for a piece and not for ten thousand households."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from edge.sandbox.evaluation import MeasuredEvaluation

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from edge.sandbox.guest import Guest

_ROWS_AT_ONCE: Final = 1
"""One that uses up its fuel may take a second: an edge that stops must not wait for several."""


async def evaluate_in_pieces(guest: Guest, inputs: NDArray[np.float64], thread: Executor) -> MeasuredEvaluation:
    """Returns what `guest.evaluate` gives, asked in `thread` piece by piece; cancelling it leaves the rest undone.

    Raises:
        SandboxError: see `Guest.evaluate`.
    """
    loop = asyncio.get_running_loop()
    pieces = [
        await loop.run_in_executor(thread, partial(guest.evaluate, inputs[first : first + _ROWS_AT_ONCE]))
        for first in range(0, len(inputs), _ROWS_AT_ONCE)
    ]
    return MeasuredEvaluation(
        outcomes=np.concatenate([np.zeros(0, np.int16), *(piece.outcomes for piece in pieces)]),
        faults=np.concatenate([np.zeros(0, np.int8), *(piece.faults for piece in pieces)]),
        fuel_total=sum(piece.fuel_total for piece in pieces),
        fuel=np.concatenate([np.zeros(0, np.int64), *(piece.fuel for piece in pieces)]),
    )
