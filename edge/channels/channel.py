"""What a channel is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable


class Channel(Protocol):
    """A way out for actions.

    A channel is told that something waits, and takes it from the outbox at its own pace; so a slow or absent receiver
    holds nothing up and costs no memory.
    """

    def notify(self, household_ids: Iterable[str]) -> None:
        """Says that actions wait for these households. Called from the event loop; returns at once."""
        ...
