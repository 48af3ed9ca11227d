"""A day's file that was damaged while the edge was stopped."""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.app import open_store, settings_file
from edge.domain.meter import Meter, MeterKind
from edge.domain.slot import DAY_MS
from edge.domain.window import WindowSpec
from edge.settings import load
from edge.store.shelf import date_text
from edge.store.store import Store
from edge_sdk.catalogue import CATALOGUE
from edge_sdk.identity import Identity
from edge_sdk.meter import MeterClient
from tests.crash.feed import BATCH, Feed, found_of, running
from tests.e2e.conftest import edge, edge_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAYS = 8
READINGS = DAYS * 20 * BATCH
"""Then they begin again at the first border."""


def truncate(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def flip(file: Path, *offsets: int) -> None:
    content = bytearray(file.read_bytes())
    for offset in offsets:
        content[offset] ^= 0x5A
    file.write_bytes(content)


def flip_header(file: Path) -> None:
    flip(file, 5, 4_100, 8_200)


def flip_middle(file: Path) -> None:
    flip(file, *range(12_288 + 1_000, file.stat().st_size, 10_000))


def add_garbage_log(file: Path) -> None:
    """Puts a log beside the file, of which DuckDB takes nothing: the file itself is whole."""
    file.with_name(f"{file.name}.wal").write_bytes(random.Random(1).randbytes(10_000))


def write_with_another_key(file: Path) -> None:
    folder = file.parent.parent.with_name("other")
    store = Store.open(folder, secrets.token_hex(32), memory_bytes_max=2**28, threads_max=1, write_queue_max=10)
    store._engine.attach_day(1)
    store.close()
    shutil.copy(folder / "readings" / "1970-01-02.duckdb", file)


DAMAGE: dict[int, Callable[[Path], None]] = {
    1: truncate,
    2: empty,
    4: flip_header,
    5: flip_middle,
    7: write_with_another_key,
}
LOG_DAMAGED = 3
"""What is done to which day's file, counted from the first, and to whose log."""


async def sent(feed: Feed, until: int) -> None:
    """Has readings sent up to a sequence."""
    feed.until = until
    async with running([feed]):
        deadline_s = time.monotonic() + 40
        while feed.acknowledged < until:
            assert time.monotonic() < deadline_s
            await asyncio.sleep(0.05)


async def test_damaged_while_it_was_stopped(site: Any) -> None:
    """An edge goes on without the days whose files are damaged in whatever way: they are set aside, and it says so.

    Other days stay whole, what is missing shows as NaN and as gaps, and readings go on where they were.
    """
    edge("meter", "enrol", "m1", "--household", "m1", "--as", site.operator)
    feed = Feed(site.identity("meter", "m1"), "m1", days=DAYS, pause_s=0)
    await sent(feed, READINGS)
    assert site.stop()[0] == 0
    damaged = {feed.first_day + place: damage for place, damage in DAMAGE.items()}
    for day, damage in damaged.items():
        damage(site.folder / "edge" / "data" / "readings" / f"{date_text(day)}.duckdb")
        (site.folder / "edge" / "data" / "rollups" / f"{date_text(day)}.duckdb").unlink(missing_ok=True)
    logged = site.folder / "edge" / "data" / "readings" / f"{date_text(feed.first_day + LOG_DAMAGED)}.duckdb"
    add_garbage_log(logged)
    site.start()
    deadline_s = time.monotonic() + 40
    while edge_json("status", "--as", site.operator)["files_set_aside"] != len(damaged):
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.5)
    async with MeterClient(Identity.load(feed.folder)) as client:
        gaps = await client.gaps(feed.first_day * DAY_MS, (feed.first_day + DAYS + 1) * DAY_MS)
    missing = np.array([gap.first_sequence for gap in gaps if gap.first_sequence])
    assert set((feed.time_ms(missing) // DAY_MS).tolist()) == set(damaged)
    await sent(feed, READINGS + 10 * BATCH)
    entries = edge_json("audit", "show", "--as", site.operator)["entries"]
    told = [name for entry in entries if entry["kind"] == "files_set_aside" for name in entry["detail"]["files"]]
    assert site.stop()[0] == 0
    # A day that is added to or read while it is rewritten, or an edge that stops meanwhile: that is no damage.
    failed = [line for line in site.log_file.read_text().splitlines() if "housekeeping_failed" in line]
    in_use = ("was added to", "are being read", "is closed")
    assert [line for line in failed if not any(phrase in line for phrase in in_use)] == []
    listed = edge_json("store", "status", site.folder)["set_aside"]
    assert sorted(told) == sorted(listed) == sorted(f"readings-{date_text(day)}-1.duckdb" for day in damaged)
    assert "files_set_aside" in site.log_file.read_text()
    check_files(site, feed, list(damaged))


def check_files(site: Any, feed: Feed, damaged: list[int]) -> None:
    """Checks what is left in the files of an edge that has stopped."""
    settings = load(settings_file(site.folder))
    store = open_store(settings, settings.paths.data)
    try:
        found = found_of(store, feed, without=damaged)
        spec = WindowSpec(CATALOGUE["power_import"], 1, 60_000)
        meters = [Meter("m1", "m1", MeterKind.ELECTRICITY, 0)]
        is_nan = {
            day: bool(np.isnan(store.windows.matrix([spec], day * DAY_MS + 60_000, ["m1"], meters, 1)[0]).all())
            for day in range(feed.first_day + 1, feed.first_day + DAYS + 1)
        }
    finally:
        store.close()
    assert (found.lost, found.doubled) == (0, 0)
    # The window of a day's first minute; batches of the first border came again.
    assert is_nan == {day: day in damaged and day != feed.first_day + 1 for day in is_nan}
