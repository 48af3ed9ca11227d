"""A stream: one connection over which a gateway empties a spool."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.domain.spool import Spool
    from edge.errors import EdgeError


class Stream:
    """Open until it is ended, from either side.

    Attributes:
        resume_sequence: the last of the spool that was durable when the stream began.
    """

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.resume_sequence = 0
        self._error: EdgeError | None = None
        self._on_end: Callable[[], None] = lambda: None

    def end(self, error: EdgeError) -> None:
        """Ends it: nothing more is taken from it. The first reason stays."""
        if self._error is None:
            self._error = error
            self._on_end()

    def watch(self, on_end: Callable[[], None]) -> None:
        """Calls `on_end` when the stream is ended from here, at once if it has been."""
        self._on_end = on_end
        if self._error is not None:
            on_end()

    def check(self) -> None:
        """Returns if it is open.

        Raises:
            EdgeError: what it was ended with.
        """
        if self._error is not None:
            raise self._error


@dataclass(frozen=True, slots=True)
class Rejection:
    """A reading that was refused, and why."""

    sequence: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """All of a spool's readings up to `durable_sequence` are on disk or refused for good."""

    durable_sequence: int
    rejections: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch that was taken on: what it will be answered with, and when.

    Attributes:
        ends_with: what the stream is to be ended with after the answer; None if it goes on.
    """

    durable: asyncio.Future[None]
    answer: Acknowledgement
    ends_with: EdgeError | None = None

    async def acknowledged(self) -> Acknowledgement:
        """Returns the answer once it is true.

        Raises:
            StoreError: the readings, or those before them, could not be written; send them again in a new stream.
        """
        await asyncio.shield(self.durable)
        return self.answer
