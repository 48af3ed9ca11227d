"""Telegrams of a real meter become stored readings."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge.gateway.spool import Spool
from edge.store.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable

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
    assert b"readings are kept" in gateway.stderr.readline()
    gateway.kill()
    gateway.communicate()
    with Spool.open(meter / "spool.sqlite", 1_000) as spool:
        waiting = spool.pending()
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
