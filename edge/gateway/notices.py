"""What a gateway tells the person who runs it: each thing when it happens, and not again every minute."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.clock import Clock
    from edge.errors import EdgeError

_PAUSE_MS = 600_000


class Notices:
    """Says one line for a trouble and one when it is over; of what comes back all the time, one line in ten minutes.

    Args:
        say: writes a line.
        clock: tells how long ago something was said.
    """

    def __init__(self, say: Callable[[str], None], clock: Clock) -> None:
        self._say = say
        self._clock = clock
        self._told_ms: dict[str, int] = {}
        self._untold: Counter[str] = Counter()
        self._troubles: defaultdict[str, set[str]] = defaultdict(set)

    def trouble(self, subject: str, error: EdgeError, meanwhile: str) -> None:
        """Tells an error of something that is tried again; once for each reason, until `subject` is well.

        Args:
            subject: what has the trouble, such as `edge`.
            error: what is wrong, whose fault it is, what to do.
            meanwhile: what happens until then.
        """
        if error.reason in self._troubles[subject]:
            return
        text = f"{subject}: {error} (whose: {error.fault.value}, reason: {error.reason}) {meanwhile}"
        if self._tell(f"{subject} {error.reason}", text):
            self._troubles[subject].add(error.reason)

    def well(self, subject: str) -> None:
        """Tells that a trouble that was told is over."""
        if self._troubles.pop(subject, None):
            self._say(f"{subject}: well again.")

    def lost(self, reason: str, text: str) -> None:
        """Tells of one piece that was lost, such as a damaged telegram or a refused reading."""
        self._tell(reason, f"{text} (reason: {reason})")

    def _tell(self, key: str, text: str) -> bool:
        now_ms = self._clock.now_ms()
        told_ms = self._told_ms.get(key)
        if told_ms is not None and told_ms <= now_ms < told_ms + _PAUSE_MS:
            self._untold[key] += 1
            return False
        more = self._untold.pop(key, 0)
        self._told_ms[key] = now_ms
        self._say(f"{text} {more} more like it were not told." if more else text)
        return True
