"""A disk under a running edge that is full, or may not be written to. It exists where root may mount one."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from edge.app import open_store, settings_file
from edge.settings import load
from edge_sdk.errors import RpcError
from edge_sdk.identity import Identity
from edge_sdk.operator import OperatorClient
from edge_sdk.wire.v1.operator_pb2 import MeterKind
from tests.crash.feed import Feed, Found, found_of, running
from tests.e2e.conftest import edge, edge_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIZE_MIB = 48
# DuckDB writes a log of 16 MiB into its file.
LOG_BYTES = 15_000_000


class Disk:
    """A small file system of its own, in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        folder.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", folder], check=True)

    def fill(self, leave_bytes: int = 0) -> None:
        """Takes the room there is, but for some."""
        with self._ballast.open("ab", buffering=0) as ballast, suppress(OSError):
            while shutil.disk_usage(self.folder).free > leave_bytes:
                ballast.write(bytes(4096))

    def free(self) -> None:
        """Gives the room back."""
        self._ballast.unlink()

    def lock(self) -> None:
        """Lets nobody write to what is there, root included, files that are open among it."""
        subprocess.run(["chattr", "-R", "+i", self.folder], check=True)

    def unlock(self) -> None:
        subprocess.run(["chattr", "-R", "-i", self.folder], check=True)

    def mount(self, option: str) -> None:
        """Mounts it as `ro` or `rw`. For when no file of it is open."""
        subprocess.run(["mount", "-o", f"remount,{option}", self.folder], check=True)

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=True)


@pytest.fixture
def street(make_site: Callable[[], Any]) -> Iterator[tuple[Any, Disk, Feed]]:
    """An edge whose data folder is a small disk, and a gateway that reports to it within a single day."""
    site = make_site()
    disk = Disk(site.folder / "edge" / "data")
    try:
        site.start()
        edge("meter", "enrol", "m1", "--household", "m1", "--as", site.operator)
        yield site, disk, Feed(site.identity("meter", "m1"), "m1", days=1, before=0, pause_s=0)
    finally:
        if site.process is not None:
            site.kill()
        disk.close()


def found(site: Any, feed: Feed) -> Found:
    """Returns what an edge holds that has stopped; nothing of it was set aside."""
    settings = load(settings_file(site.folder))
    store = open_store(settings, settings.paths.data)
    try:
        assert store.files.set_aside() == {}
        return found_of(store, feed)
    finally:
        store.close()


async def refused(feed: Feed, reason: str) -> None:
    """Returns once a feed was refused with `reason`, and was acknowledged nothing for a while."""
    deadline_s = time.monotonic() + 20
    while reason not in feed.faults[-3:]:
        assert time.monotonic() < deadline_s, feed.faults[-5:]
        await asyncio.sleep(0.05)
    # Writing a log into its file may have made room for some more.
    while True:
        before = feed.acknowledged
        await asyncio.sleep(2)
        if feed.acknowledged == before:
            return
        assert time.monotonic() < deadline_s, "readings go on being acknowledged"
    # gRPC puts a reason of its own in the place of some.
    assert reason in feed.faults[-8:]


async def enrol_until_refused(site: Any, disk: Disk | None = None) -> RpcError:
    """Enrols meters until the edge refuses one, on a disk that is kept full if one is given; returns with what."""
    async with OperatorClient(Identity.load(site.operator)) as client:
        for number in range(1_000):
            if disk is not None:
                disk.fill()
            try:
                await client.enrol_meter(f"e{number}", f"e{number}", MeterKind.METER_KIND_ELECTRICITY)
            except RpcError as error:
                return error
    pytest.fail("the state was never refused")


@pytest.mark.parametrize("leave_bytes", [0, 3_000_000])
async def test_full_while_it_runs(street: tuple[Any, Disk, Feed], leave_bytes: int) -> None:
    """On a full disk readings are refused for now, and calls answer or say why. With room the edge goes on by itself.

    So it is where the log of a day's file cannot be added to, and where it cannot be written into the file, upon
    which DuckDB gives that file up. Nothing that was acknowledged is lost, nothing is there twice.
    """
    site, disk, feed = street
    async with running([feed]):
        await feed.acknowledgement(20)
        while leave_bytes and max(file.stat().st_size for file in disk.folder.glob("*/*.wal")) < LOG_BYTES:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        disk.fill(leave_bytes)
        await refused(feed, "STORE_DISK_FULL")
        done = await asyncio.to_thread(edge, "status", "--as", site.operator, check=False)
        assert done.returncode == 0 or "STORE_DISK_FULL" in done.stderr
        error = await enrol_until_refused(site, disk)
        assert (error.reason, error.fault, error.status) == ("STORE_DISK_FULL", "operator", "UNAVAILABLE")
        disk.free()
        await feed.acknowledgement(15)
        edge_json("audit", "verify", "--as", site.operator)
    assert site.stop()[0] == 0
    assert found(site, feed).lost == found(site, feed).doubled == 0


async def test_locked_while_it_runs(street: tuple[Any, Disk, Feed]) -> None:
    """Where the data folder may not be written to any more, that is what is said; once it may, the edge goes on."""
    site, disk, feed = street
    async with running([feed]):
        await feed.acknowledgement(20)
        disk.lock()
        try:
            await refused(feed, "STORE_READ_ONLY")
            assert (await asyncio.to_thread(edge_json, "meter", "list", "--as", site.operator))["meters"]
            done = await asyncio.to_thread(edge, "status", "--as", site.operator, check=False)
            assert done.returncode == 0 or "STORE_READ_ONLY" in done.stderr
            error = await enrol_until_refused(site)
        finally:
            disk.unlock()
        assert (error.reason, error.fault, error.status) == ("STORE_READ_ONLY", "operator", "UNAVAILABLE")
        await feed.acknowledgement(15)
    assert site.stop()[0] == 0
    assert found(site, feed).lost == found(site, feed).doubled == 0


def told_at_start(site: Any) -> str:
    """Starts an edge that cannot; returns what it told."""
    site.log_file.write_text("")
    site.launch()
    assert site.process.wait(timeout=30) == 1
    site.process = None
    told: str = site.log_file.read_text()
    assert "Traceback" not in told
    return told


async def test_full_or_locked_at_start(street: tuple[Any, Disk, Feed]) -> None:
    """On a full disk an edge starts and refuses readings until there is room. One that may not write does not start.

    It says why, whose fault it is and what to do, with status 1, and damages nothing. So does a new one on a full disk.
    """
    site, disk, feed = street
    feed.before, feed.pause_s = 50, 0.03
    async with running([feed]):
        await feed.acknowledgement(20)
        site.kill()
        disk.fill()
        await asyncio.to_thread(site.start)
        await refused(feed, "STORE_DISK_FULL")
        disk.free()
        await feed.acknowledgement(15)
        site.kill()
        disk.mount("ro")
        told = told_at_start(site)
        assert "may not be written to" in told
        assert "Mount its disk for writing" in told
        assert "whose: operator  reason: STORE_READ_ONLY" in told
        disk.mount("rw")
        await asyncio.to_thread(site.start)
        await feed.acknowledgement(15)
    assert site.stop()[0] == 0
    assert found(site, feed).lost == found(site, feed).doubled == 0
    for file in disk.folder.rglob("*.duckdb"):
        file.unlink()
    disk.fill()
    told = told_at_start(site)
    assert "full" in told
    assert "Free space" in told
    assert "whose: operator  reason: STORE_DISK_FULL" in told
    disk.free()
    site.start()


async def test_stopped_while_full(street: tuple[Any, Disk, Feed]) -> None:
    """An edge whose disk is full stops when it is told to, and loses nothing by it."""
    site, disk, feed = street
    async with running([feed]):
        await feed.acknowledgement(20)
        disk.fill()
        await refused(feed, "STORE_DISK_FULL")
        status, took_s = await asyncio.to_thread(site.stop)
    assert "Traceback" not in site.log_file.read_text()
    assert (status, took_s < 5) == (0, True)
    disk.free()
    assert found(site, feed).lost == found(site, feed).doubled == 0
