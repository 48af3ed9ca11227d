"""Recordings come back as they were written, or are refused; a day is forgotten by unlinking its file."""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.domain.recording import Conditions, Recording, input_block
from edge.domain.slot import DAY_MS
from edge.errors import StoreCorruptError, StoreError
from edge.store.recordings import Absence, RecordingFiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = 20_623
SLOT_MS = DAY * DAY_MS + 8 * 3_600_000
ROOMY = 2**40
CONDITIONS = Conditions(10, 20, 30, 40, {"wasmtime": "50.0.1", "wasm_simd": True, "max_wasm_stack": 40})


def recording(trigger: str = "acme/t", slot_ms: int = SLOT_MS, **changes: Any) -> Recording:
    plain = Recording(
        trigger_key=trigger,
        organization="acme",
        slot_ms=slot_ms,
        module_digest="sha256:00",
        households=("h1", "h2"),
        windows=(np.array([[1.0, np.nan], [3.0, 4.0]]), np.array([[5.0]])),
        outcomes=np.array([1, 0], np.int16),
        faults=np.array([0, 2], np.int8),
        fuel_total=7,
        conditions=CONDITIONS,
        input_digest="hmac-sha256:00:11",
    )
    return replace(plain, **changes)


@pytest.fixture
def files(tmp_path: Path, key_hex: str) -> Iterator[RecordingFiles]:
    files = RecordingFiles(tmp_path / "recordings", key_hex)
    yield files
    files.close()


def read(files: RecordingFiles, trigger: str = "acme/t", slot_ms: int = SLOT_MS) -> Recording:
    found = files.read(trigger, slot_ms)
    assert isinstance(found, Recording)
    return found


def test_comes_back(files: RecordingFiles) -> None:
    """Everything of a recording comes back, at once and after the files were closed."""
    wrote = recording()
    assert files.write(wrote, ROOMY)
    for _ in range(2):
        found = read(files)
        for name in ("trigger_key", "organization", "slot_ms", "module_digest", "households", "fuel_total"):
            assert getattr(found, name) == getattr(wrote, name)
        assert (found.conditions, found.input_digest) == (CONDITIONS, wrote.input_digest)
        assert [found.outcomes.tolist(), found.faults.tolist()] == [[1, 0], [0, 2]]
        assert (str(found.outcomes.dtype), str(found.faults.dtype)) == ("int16", "int8")
        for window, expected in zip(found.windows, wrote.windows, strict=True):
            np.testing.assert_array_equal(window, expected)
        files.close()


@settings(max_examples=15)
@given(bits=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_every_bit(tmp_path_factory: pytest.TempPathFactory, bits: list[int]) -> None:
    """A float comes back with the bits it went in with, the payload of a NaN included."""
    files = RecordingFiles(tmp_path_factory.mktemp("recordings"), "0f" * 32)
    window = np.frombuffer(struct.pack(f"<{len(bits)}Q", *bits), "<f8").reshape(1, -1)
    files.write(recording(windows=(window,)), ROOMY)
    files.close()
    assert read(files).windows[0].view(np.uint64).tolist() == [bits]
    files.close()


def test_what_there_is_not(files: RecordingFiles) -> None:
    """A day without a file, a run that was skipped and one that is not there are told apart."""
    assert files.read("acme/t", SLOT_MS) is Absence.NO_FILE
    assert not files.write(recording(), 1)
    assert files.read("acme/t", SLOT_MS) is Absence.SKIPPED
    assert files.read("acme/u", SLOT_MS) is Absence.UNKNOWN
    assert files.write(recording("acme/u"), ROOMY)
    assert read(files, "acme/u").fuel_total == 7
    assert files.read("acme/t", SLOT_MS) is Absence.SKIPPED


def test_the_bound_of_a_day(files: RecordingFiles, tmp_path: Path) -> None:
    """A day's file stays near its bound, whatever comes; the next day begins anew."""
    noise = np.random.default_rng(1)
    kept = [files.write(recording(f"acme/t{n}", windows=(noise.random((100, 100)),)), 2_000_000) for n in range(60)]
    assert kept == sorted(kept, reverse=True)
    assert 10 < sum(kept) < 60
    assert files.write(recording(slot_ms=SLOT_MS + DAY_MS), 2_000_000)
    files.close()
    for file in (tmp_path / "recordings").iterdir():
        assert file.stat().st_size < 3_000_000


def test_stored_once(files: RecordingFiles, tmp_path: Path) -> None:
    """Runs that saw the same windows take no room for them again; the same bytes in another shape are not the same."""
    window = np.random.default_rng(1).random((2_000, 100))
    for n in range(20):
        files.write(recording(f"acme/t{n}", windows=(window,)), ROOMY)
    files.write(recording("acme/turned", windows=(window.reshape(100, 2_000),)), ROOMY)
    assert read(files, "acme/turned").windows[0].shape == (100, 2_000)
    assert read(files, "acme/t19").windows[0].shape == (2_000, 100)
    files.close()
    (file,) = (tmp_path / "recordings").iterdir()
    assert file.stat().st_size < 6 * window.nbytes


def test_forgetting(files: RecordingFiles, tmp_path: Path) -> None:
    """Days before one are unlinked, the file that is open among them; others stay, and strange files too."""
    for day in range(3):
        files.write(recording(slot_ms=SLOT_MS + day * DAY_MS), ROOMY)
    read(files)
    for name in ("notes.duckdb", "9999-99-99.duckdb"):
        (tmp_path / "recordings" / name).touch()
    assert files.remove_before(DAY + 2) == [DAY, DAY + 1]
    assert files.remove_before(DAY + 2) == []
    assert files.read("acme/t", SLOT_MS) is Absence.NO_FILE
    assert read(files, slot_ms=SLOT_MS + 2 * DAY_MS).fuel_total == 7
    assert {file.name for file in (tmp_path / "recordings").iterdir() if not file.name.endswith(".wal")} == {
        "2026-06-21.duckdb",
        "notes.duckdb",
        "9999-99-99.duckdb",
    }


def test_another_key(files: RecordingFiles, tmp_path: Path) -> None:
    """Without the key nothing is read, and the error says which file to move away."""
    files.write(recording(), ROOMY)
    files.close()
    stranger = RecordingFiles(tmp_path / "recordings", "00" * 32)
    with pytest.raises(StoreCorruptError, match="another key") as caught:
        stranger.read("acme/t", SLOT_MS)
    assert caught.value.reason == "RECORDING_DAMAGED"
    assert "2026-06-19.duckdb" in caught.value.advice
    assert read(files).fuel_total == 7


@pytest.mark.parametrize("content", [b"", b"not a database", bytes(500_000)])
def test_damaged_file(files: RecordingFiles, tmp_path: Path, content: bytes) -> None:
    """A damaged day is refused for reading and writing, and other days are not affected, before or after."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "2026-06-19.duckdb").write_bytes(content)
    for attempt in range(2):
        with pytest.raises(StoreCorruptError):
            files.read("acme/t", SLOT_MS)
        with pytest.raises(StoreCorruptError):
            files.write(recording(), ROOMY)
        other = f"acme/t{attempt}"
        assert files.write(recording(other, SLOT_MS + DAY_MS), ROOMY)
        assert read(files, other, SLOT_MS + DAY_MS).fuel_total == 7


def test_half_made_file(files: RecordingFiles, tmp_path: Path) -> None:
    """What a crash left of a file that was being made does not stand in the way."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "2026-06-19.new").write_bytes(b"half")
    files.write(recording(), ROOMY)
    assert read(files).fuel_total == 7


def test_no_folder_can_be_made(tmp_path: Path, key_hex: str) -> None:
    """Where the folder cannot be made that is the disk's failure and no damage."""
    (tmp_path / "recordings").touch()
    files = RecordingFiles(tmp_path / "recordings", key_hex)
    with pytest.raises(StoreError) as caught:
        files.write(recording(), ROOMY)
    assert not isinstance(caught.value, StoreCorruptError)


def test_threads_take_turns(files: RecordingFiles) -> None:
    """Writers and readers of several days at the same time get what they would get one after the other."""

    def both(number: int) -> int:
        slot_ms = SLOT_MS + number % 3 * DAY_MS
        files.write(recording(f"acme/t{number}", slot_ms, fuel_total=number), ROOMY)
        return read(files, f"acme/t{number}", slot_ms).fuel_total

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(both, range(24))) == list(range(24))


def test_input_block() -> None:
    """Windows stand side by side, those that all see the same in every row; without rows there is an empty block."""
    one, street = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[9.0]])
    assert input_block([one, street], 2).tolist() == [[1, 2, 9], [3, 4, 9]]
    assert input_block([street, street], 1).tolist() == [[9, 9]]
    assert input_block([np.zeros((0, 2)), street], 0).shape == (0, 3)
