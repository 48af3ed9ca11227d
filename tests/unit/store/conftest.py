from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from edge.store.engine import Engine
from edge.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

KEY_HEX = "0f" * 32
MEMORY_BYTES_MAX = 256 * 1024 * 1024

OpenStore = Callable[[], Store]
OpenEngine = Callable[..., Engine]


@pytest.fixture
def key_hex() -> str:
    """The key of every store here."""
    return KEY_HEX


@pytest.fixture
def open_engine(tmp_path: Path) -> OpenEngine:
    """Opens the files under `tmp_path`; close the engine after use."""

    def open_it(folder: Path = tmp_path, key_hex: str = KEY_HEX) -> Engine:
        return Engine.open(folder, key_hex, memory_bytes_max=MEMORY_BYTES_MAX, threads_max=2)

    return open_it


@pytest.fixture
def open_store(tmp_path: Path) -> OpenStore:
    """Opens the store under `tmp_path`; close it after use."""
    return lambda: _open(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of its own for each test."""
    store = _open(tmp_path)
    yield store
    store.close()


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for many examples, each of which takes days of its own."""
    store = _open(tmp_path_factory.mktemp("store"))
    yield store
    store.close()


def _open(folder: Path) -> Store:
    return Store.open(folder, KEY_HEX, memory_bytes_max=MEMORY_BYTES_MAX, threads_max=2, write_queue_max=100)
