"""Lets many read the files, and one take a file away or put another in its place while nobody reads."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

_WAIT_S_MAX = 2.0


class Gate:
    """Shared by readers, held alone by whoever changes which files there are."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._is_held = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Within it no file goes away."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_held)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within it nobody reads. New readers are not kept waiting for it, so it may not come about.

        Raises:
            StoreError: somebody reads on and on; the writer has readings to see to, so try again later.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._readers and not self._is_held, _WAIT_S_MAX):
                raise StoreError(
                    "The files are being read and cannot be changed now.", advice="Nothing: the edge tries again."
                )
            self._is_held = True
        try:
            yield
        finally:
            with self._changed:
                self._is_held = False
                self._changed.notify_all()
