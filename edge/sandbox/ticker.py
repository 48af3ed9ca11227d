"""The second line behind fuel: a thread that moves an engine's epoch, so that deadlines pass."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

    import wasmtime

TICK_S: Final = 0.010


def ticks_for(wall_s: float) -> int:
    """Returns the epoch deadline, in ticks, that lets at least `wall_s` seconds pass."""
    # The first tick may come at once, since the epoch runs whether anybody evaluates or not.
    return math.ceil(wall_s / TICK_S) + 1


class Ticker:
    """Moves the epoch of one engine every `TICK_S` seconds, from `start` to `stop`."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread. Starting twice is the same as starting once."""
        if self._thread is not None:
            return
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="edge-sandbox-ticker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops the thread and waits for its end. Stopping twice is the same as stopping once."""
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join()
        self._thread = None

    def _run(self) -> None:
        while not self._stopping.wait(TICK_S):
            self._engine.increment_epoch()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
