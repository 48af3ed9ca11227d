from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from click.testing import CliRunner

from edge.app import open_store, settings_file
from edge.cli.main import cli
from edge.domain.meter import Meter, MeterKind
from edge.domain.reading import Quality, SubMeterKind
from edge.domain.slot import DAY_MS, day_of
from edge.domain.spool import Spool
from edge.errors import EdgeError, StoreCorruptError, StoreError
from edge.services.provision import EdgePlan, provision
from edge.settings import Settings, load
from edge.store.shelf import date_text
from tests.rows import Reading, StoredReading, SubReading, as_batches

if TYPE_CHECKING:
    from pathlib import Path

TODAY = day_of(time.time_ns() // 1_000_000)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """An edge that has stored readings of four days, and is stopped."""
    folder = tmp_path / "site"
    provision(folder, EdgePlan("edge-1", ("127.0.0.1",), 7443, "Europe/Amsterdam"), TODAY * DAY_MS)
    store = open_store(settings_of(folder), settings_of(folder).paths.data)
    rows = [
        StoredReading(
            Spool("m1", ""),
            0,
            Reading(
                number,
                (TODAY - 4) * DAY_MS + number * 3_600_000,
                power_import_w=number,
                sub_readings=(SubReading(1, SubMeterKind.GAS, (TODAY - 4) * DAY_MS, volume_l=5),),
            ),
            Quality.GOOD,
        )
        for number in range(1, 73)
    ]
    asyncio.run(store.append_readings(as_batches(rows)))
    asyncio.run(store.write(lambda tables: tables.meters.insert(Meter("m1", "h1", MeterKind.ELECTRICITY, 0))))
    store.close()
    return folder


def settings_of(folder: Path) -> Settings:
    """Returns an edge's settings."""
    return load(settings_file(folder))


def run(*arguments: str) -> Any:
    """Runs `edge store` and returns what it printed; raises what it raised."""
    result = CliRunner().invoke(cli, ["store", *arguments], catch_exceptions=False, standalone_mode=False)
    assert result.exit_code == 0, result.output
    return result.output


def status(folder: Path) -> dict[str, Any]:
    """Returns what `edge store status` says."""
    return json.loads(run("status", str(folder), "--json"))  # type: ignore[no-any-return]


def entries(folder: Path) -> list[dict[str, Any]]:
    """Returns what the operator can read in the log."""
    store = open_store(settings_of(folder), settings_of(folder).paths.data)
    leaves = store.read_now(lambda tables: tables.audit.of_subject("operator", 0, 99, 99))
    store.close()
    return [json.loads(leaf.payload) for leaf in leaves]


def test_status(site: Path) -> None:
    """Status names each day with its readings and sizes, and what was set aside."""
    found = status(site)
    assert [(day["day"], day["readings"]) for day in found["days"]] == [
        (date_text(TODAY - 4), 23),
        (date_text(TODAY - 3), 24),
        (date_text(TODAY - 2), 24),
        (date_text(TODAY - 1), 1),
    ]
    assert (found["readings"], found["refused"], found["set_aside"]) == (72, 0, [])
    assert found["bytes_per_reading"] > 0
    (settings_of(site).paths.data / "readings" / f"{date_text(TODAY - 3)}.duckdb").write_bytes(b"")
    found = status(site)
    assert found["readings"] == 48
    assert found["set_aside"] == [f"readings-{date_text(TODAY - 3)}-1.duckdb"]
    assert f"set aside: readings-{date_text(TODAY - 3)}-1.duckdb" in run("status", str(site))


def test_compact(site: Path) -> None:
    """Compacting rewrites every day that is over and loses nothing."""
    assert run("compact", str(site)).count("bytes") == 4
    assert status(site)["readings"] == 72


def test_while_the_edge_runs(site: Path) -> None:
    """A store that an edge has open is left alone, with an error that says so."""
    script = "import sys; from edge.app import open_store; from edge.settings import load; import pathlib\n"
    script += "s = load(pathlib.Path(sys.argv[1])); store = open_store(s, s.paths.data); print('open', flush=True)\n"
    script += "sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(settings_file(site))],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        for arguments in (["status"], ["compact"], ["backup", str(site / "copy")]):
            with pytest.raises(StoreError) as caught:
                run(arguments[0], str(site), *arguments[1:])
            assert caught.value.reason == "STORE_LOCKED"
        other.communicate("")


def test_export(site: Path, tmp_path: Path) -> None:
    """Export writes the days asked for as Parquet that its owner alone can read, and the log says so."""
    out = tmp_path / "out"
    run("export", str(site), "--out", str(out), "--from", date_text(TODAY - 4), "--until", date_text(TODAY - 2))
    names = sorted(path.name for path in out.iterdir())
    assert names == sorted(
        f"{table}-{date_text(day)}.parquet"
        for table in ("readings", "sub_readings", "raw_registers")
        for day in (TODAY - 4, TODAY - 3)
    )
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}
    powers = duckdb.execute(f"SELECT power_import_w FROM '{out}/readings-*.parquet' ORDER BY time_ms").fetchall()
    assert [row[0] for row in powers] == list(range(1, 48))
    (entry,) = entries(site)
    assert (entry["kind"], entry["detail"]) == (
        "readings_exported",
        {"days": [date_text(TODAY - 4), date_text(TODAY - 3)]},
    )


def test_backup_and_restore(site: Path, tmp_path: Path) -> None:
    """A backup put back is the edge as it was, and both logs say what happened."""
    data, copy = settings_of(site).paths.data, tmp_path / "copy"
    run("backup", str(site), str(copy))
    assert b"power_import" not in b"".join(path.read_bytes() for path in copy.rglob("*.duckdb"))
    before = status(site)
    with pytest.raises(StoreError, match="has a store in it"):
        run("restore", str(site), str(copy))
    with pytest.raises(StoreError, match="has a store in it"):
        run("backup", str(site), str(copy))
    data.rename(tmp_path / "lost")
    printed = run("restore", str(site), str(copy))
    assert "withdrew a consent" in printed
    after = status(site)
    assert (after["readings"], after["days"]) == (before["readings"], before["days"])
    store = open_store(settings_of(site), data)
    assert store.progress.read().durable == {("m1", ""): 72}
    store.close()
    assert [entry["kind"] for entry in entries(site)] == ["backup_made", "backup_restored"]


@pytest.mark.parametrize("damage", ["byte", "file", "manifest", "other edge", "outside"])
def test_unusable_backup(site: Path, tmp_path: Path, damage: str) -> None:
    """A backup that was changed, is not whole or is another edge's is not put back, and nothing is left of the try."""
    data, copy = settings_of(site).paths.data, tmp_path / "copy"
    run("backup", str(site), str(copy))
    data.rename(tmp_path / "lost")
    manifest = copy / "backup.json"
    if damage == "byte":
        content = bytearray((copy / "edge.duckdb").read_bytes())
        content[-1] ^= 1
        (copy / "edge.duckdb").write_bytes(content)
    elif damage == "file":
        (copy / "readings" / f"{date_text(TODAY - 3)}.duckdb").unlink()
    elif damage == "manifest":
        manifest.unlink()
    elif damage == "other edge":
        manifest.write_text(manifest.read_text().replace('"edge-1"', '"edge-2"'))
    else:
        manifest.write_text(manifest.read_text().replace('"edge.duckdb"', '"../site/edge/settings.toml"'))
    with pytest.raises(EdgeError) as caught:
        run("restore", str(site), str(copy))
    assert caught.value.reason == "BACKUP_UNUSABLE"
    assert not data.exists()


def test_backup_with_another_key(site: Path, tmp_path: Path) -> None:
    """Without the key that it was made with a backup is not put in force."""
    run("backup", str(site), str(tmp_path / "copy"))
    settings = settings_of(site)
    settings.paths.data.rename(tmp_path / "lost")
    settings.paths.store_key.write_text("ab" * 32)
    with pytest.raises(StoreCorruptError):
        run("restore", str(site), str(tmp_path / "copy"))


def test_copy_is_opened_with_the_same_key(site: Path, tmp_path: Path) -> None:
    """A backup is a store: whoever has the key can open it where it lies."""
    run("backup", str(site), str(tmp_path / "copy"))
    opened = partial(open_store, settings_of(site))(tmp_path / "copy")
    assert opened.readings.count() == (72, 0)
    opened.close()
