"""Telegrams of a real meter become stored readings."""

from __future__ import annotations

import json
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge.cli.gateway import connector
from edge.gateway.spool import Spool
from edge.store.engine import Engine
from edge_sdk.errors import IdentityError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "dsmr" / "dsmr5-566-telegrams.txt"
FIRST_TIME_MS = int(datetime(2019, 3, 24, 14, 5, 19, tzinfo=UTC).timestamp() * 1000)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", *map(str, arguments)], capture_output=True, text=True, timeout=100, check=False
    )


def crc16(data: bytes) -> int:
    """CRC-16/ARC, as DSMR has it."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def telegrams_like_the_real_ones() -> bytes:
    """566 telegrams a second apart, lines ending in LF, the first one cut: shape and defects of the real file."""
    pieces = []
    for number in range(567):
        seconds = 5 * 60 + 18 + number
        stamp = f"19032415{seconds // 60:02d}{seconds % 60:02d}W"
        body = "\r\n".join(
            [
                "/ISK5\\2M550T-1012",
                "",
                "1-3:0.2.8(50)",
                f"0-0:1.0.0({stamp})",
                "1-0:1.8.1(003432.827*kWh)",
                "1-0:1.8.2(003224.632*kWh)",
                "1-0:2.8.1(000000.000*kWh)",
                "1-0:2.8.2(000000.000*kWh)",
                "0-0:96.14.0(0001)",
                "1-0:1.7.0(00.378*kW)",
                "1-0:2.7.0(00.000*kW)",
                "1-0:32.7.0(237.1*V)",
                "1-0:31.7.0(002*A)",
                "!",
            ]
        ).encode()
        pieces.append(body + f"{crc16(body):04X}\r\n".encode())
    return b"".join(pieces).replace(b"\r\n", b"\n")[100:]


def sources(tmp_path: Path) -> dict[str, Path]:
    twin = tmp_path / "twin.txt"
    twin.write_bytes(telegrams_like_the_real_ones())
    return {"twin": twin, "real": REAL} if REAL.exists() else {"twin": twin}


@pytest.mark.timeout(300)
def test_every_whole_telegram_is_stored_once(make_site: Callable[[], Any], tmp_path: Path) -> None:
    """566 telegrams are 566 readings in Wh, W and UTC, each stored once; the cut one is reported with its place."""
    for name, file in sources(tmp_path).items():
        site = make_site()
        site.change_settings(past_days_max=36_500)  # the telegrams are of 2019
        site.start()
        meter = site.identity("meter", "m1")
        assert run("meter", "enrol", "m1", "--household", "h1", "--as", site.operator).returncode == 0
        done = run("meter", "p1", "--file", file, "--as", meter, "--json")
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert (report["readings"], report["waiting"], report["refused_by_edge"]) == (566, 0, 0), name
        assert [item["reason"] for item in report["rejected"]] == ["TELEGRAM_CUT"]
        assert site.stop()[0] == 0
        rows = stored(site.folder / "edge")
        assert len(rows) == 566
        first = rows[0]
        assert first["time_ms"] == FIRST_TIME_MS, name
        assert first["energy_import_t1_wh"] == 3_432_827
        assert first["energy_import_t2_wh"] == 3_224_632
        assert first["power_import_w"] == 378
        assert first["l1_voltage_dv"] == 2_371
        times_ms = [row["time_ms"] for row in rows]
        # The real meter left out a second here and there.
        assert times_ms == sorted(set(times_ms))
        assert times_ms[-1] - times_ms[0] <= 580_000


def test_a_file_of_telegrams_waits_while_the_edge_is_away(make_site: Callable[[], Any], tmp_path: Path) -> None:
    """What is read while the edge does not run waits on the gateway's disk, also over `kill -9`, and arrives later."""
    site = make_site()
    site.change_settings(past_days_max=36_500)
    meter = site.identity("meter", "m1")
    file = sources(tmp_path)["twin"]
    gateway = subprocess.Popen(
        [sys.executable, "-m", "edge", "meter", "p1", "--file", str(file), "--as", str(meter)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert gateway.stderr is not None
    assert b"Readings are kept" in gateway.stderr.readline()
    gateway.kill()
    gateway.communicate()
    waiting = pending(meter)
    assert waiting > 0
    site.start()
    assert run("meter", "enrol", "m1", "--household", "h1", "--as", site.operator).returncode == 0
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    done = run("meter", "p1", "--file", empty, "--as", meter, "--json")
    assert json.loads(done.stdout)["waiting"] == 0, done.stderr
    assert site.stop()[0] == 0
    rows = stored(site.folder / "edge")
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) == waiting


@pytest.mark.parametrize("name", ["twin", "real"] if REAL.exists() else ["twin"])
def test_a_dry_run_reports_what_a_file_holds(tmp_path: Path, name: str) -> None:
    """Without an identity: 566 whole telegrams, as many readings, and the cut one by its place."""
    done = run("meter", "p1", "--file", sources(tmp_path)[name], "--dry-run", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["telegrams"], report["readings"]) == (0, 566, 566)
    assert [(piece["position_bytes"], piece["reason"]) for piece in report["rejected"]] == [(0, "TELEGRAM_CUT")]


def pending(meter: Path) -> int:
    with Spool.open(meter / "spool.sqlite", 1_000, random.Random(1)) as spool:
        return spool.pending()


@contextmanager
def reading_live(meter: Path) -> Iterator[tuple[subprocess.Popen[str], Callable[[int], None]]]:
    """A gateway on a pseudo-terminal, and what sends it as many telegrams."""
    sender, receiver = pty.openpty()
    arguments = ["meter", "p1", "--serial", os.ttyname(receiver), "--as", str(meter), "--json"]
    whole = telegrams_like_the_real_ones().split(b"/")[1:]

    def send(count: int) -> None:
        # Before the gateway has opened it, the terminal would translate line ends.
        while termios.tcgetattr(receiver)[3] & termios.ICANON:
            time.sleep(0.01)
        for body in whole[:count]:
            os.write(sender, b"/" + body.replace(b"\n", b"\r\n"))

    with subprocess.Popen(
        [sys.executable, "-m", "edge", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as gateway:
        try:
            yield gateway, send
        finally:
            gateway.kill()
            os.close(receiver)
            os.close(sender)


def test_a_live_meter_is_read_before_it_is_enrolled(make_site: Callable[[], Any]) -> None:
    """The gateway says once what is wrong and whose fault it is, reads on, and the next run delivers what waits."""
    site = make_site()
    site.change_settings(past_days_max=36_500)
    site.start()
    meter = site.identity("meter", "m1")
    with reading_live(meter) as (gateway, send):
        assert gateway.stderr is not None
        told = gateway.stderr.readline()
        assert "METER_UNKNOWN" in told
        assert "edge meter enrol" in told
        send(20)
        time.sleep(2)
        assert gateway.poll() is None
        began_s = time.monotonic()
        gateway.send_signal(signal.SIGTERM)
        out, error = gateway.communicate(timeout=20)
        assert time.monotonic() - began_s < 8
    summary = json.loads(out)
    assert (gateway.returncode, summary["readings"], summary["waiting"]) == (0, 20, 20)
    assert "METER_UNKNOWN" not in error
    assert run("meter", "enrol", "m1", "--household", "h1", "--as", site.operator).returncode == 0
    done = run("meter", "p1", "--file", os.devnull, "--as", meter, "--json")
    assert json.loads(done.stdout)["waiting"] == 0, done.stderr
    assert site.stop()[0] == 0
    assert len(stored(site.folder / "edge")) == 20


def test_a_second_interruption_ends_a_gateway_at_once(make_site: Callable[[], Any]) -> None:
    """With the edge away, the second Ctrl-C does not wait; the summary says what stays in the spool."""
    meter = make_site().identity("meter", "m1")
    with reading_live(meter) as (gateway, send):
        assert gateway.stderr is not None
        assert "UNREACHABLE" in gateway.stderr.readline()
        send(5)
        time.sleep(1)
        gateway.send_signal(signal.SIGINT)
        time.sleep(0.2)
        began_s = time.monotonic()
        gateway.send_signal(signal.SIGINT)
        out, _ = gateway.communicate(timeout=20)
        assert time.monotonic() - began_s < 2
    assert json.loads(out)["waiting"] == pending(meter) == 5


def test_a_file_of_an_unknown_meter_waits_as_a_whole(site: Any, tmp_path: Path) -> None:
    """A batch job ends with exit status 1 at a refusal for good, after all of its readings are in the spool."""
    meter = site.identity("meter", "m1")
    done = run("meter", "p1", "--file", sources(tmp_path)["twin"], "--as", meter)
    assert done.returncode == 1
    assert "METER_UNKNOWN" in done.stderr
    assert "566 readings wait" in done.stderr
    assert pending(meter) == 566


def test_a_second_gateway_on_one_spool_is_turned_away(make_site: Callable[[], Any], tmp_path: Path) -> None:
    """It exits with 1, says who is in the way, and the first one reads on."""
    meter = make_site().identity("meter", "m1")
    with reading_live(meter) as (gateway, send):
        assert gateway.stderr is not None
        gateway.stderr.readline()
        second = run("meter", "p1", "--file", sources(tmp_path)["twin"], "--as", meter)
        assert second.returncode == 1
        assert "SPOOL_BUSY" in second.stderr
        assert "stop that" in second.stderr
        send(3)
        time.sleep(1)
        assert gateway.poll() is None
    assert pending(meter) == 3


def test_a_renewed_identity_is_taken_up(make_site: Callable[[], Any]) -> None:
    """Each attempt connects with the identity as it is on disk then, but never as another meter."""
    site = make_site()
    folder, other = site.identity("meter", "m1"), site.identity("meter", "m2")
    connect = connector(folder)
    before = connect().identity
    again = run("identity", "issue", "meter", "m1", "--operator", site.operator_folder, "--out", folder.parent / "new")
    assert again.returncode == 0, again.stderr
    shutil.copytree(folder.parent / "new", folder, dirs_exist_ok=True)
    after = connect().identity
    assert after.name == before.name
    assert after.certificate_pem != before.certificate_pem
    shutil.copytree(other, folder, dirs_exist_ok=True)
    with pytest.raises(IdentityError, match="identity of meter m2"):
        connect()


def stored(folder: Path) -> list[dict[str, Any]]:
    """Returns every stored reading, by sequence."""
    key = (folder / "secrets" / "store.key").read_text().strip()
    engine = Engine.open(folder / "data", key, memory_bytes_max=2**28, threads_max=1)
    cursor = engine.cursor()
    try:
        rows: list[dict[str, Any]] = []
        for day in engine.days():
            result = cursor.execute(f"SELECT * FROM {engine.attach_day(day)}.readings")
            names = [column[0] for column in result.description]
            rows += [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        return sorted(rows, key=lambda row: row["sequence"])
    finally:
        cursor.close()
        engine.close()
