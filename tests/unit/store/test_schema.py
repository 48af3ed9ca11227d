from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from edge.domain.consent import ConsentState, SeriesTerms
from edge.domain.meter import Meter, MeterKind
from edge.domain.reading import Quality, SubMeterKind
from edge.domain.slot import DAY_MS
from edge.domain.spool import Spool
from edge.domain.window import WindowSpec
from edge.errors import StoreError
from edge.store.schema import DAY_VERSION, STATE_VERSION
from edge_sdk.catalogue import CATALOGUE
from tests.rows import Reading, StoredReading, SubReading, as_batches

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.store.store import Store

    OpenStore = Callable[[], Store]
    WriteFile = Callable[[str, str], None]

VERSIONS = Path(__file__).parent / "versions"
SCRIPTS = {path.stem: path.read_text(encoding="utf-8") for path in VERSIONS.glob("*.sql")}

STATE_ROWS = """
INSERT INTO meters VALUES ('m1', 'h1', 'electricity', 5, NULL);
INSERT INTO documents VALUES ('policy', 4, 'signed'::BLOB, 6);
INSERT INTO consents VALUES ('c1', 'h1', 'sunny', 'advice', 'Advise.',
    [{'name': 'power_net', 'window_s': 3600, 'resolution_s': 300}], ['recommendation'], 'granted', 7, 9, NULL);
INSERT INTO evaluations VALUES ('sunny/ev', 900000, 'sha256:00', 10, 1, 2, 'sha256:11', 900005, 0);
INSERT INTO actions VALUES (1, 'a1', 'h1', 'sunny/ev',
    '{"name":"go","kind":"recommendation","text":{"en":"Go."}}', 'sunny', 'advice', 'Advise.', 'ev', '1.0.0',
    'sha256:00', 'c1', 900000, 900005, 4500000, 'waiting');
INSERT INTO modules VALUES ('sha256:00', 'sunny', 4, ''::BLOB, 'ev', NULL, '{}'::BLOB, 'sha256:22', 0, '');
INSERT INTO approvals VALUES
    ('sunny', 'ev', 1, 'sha256:00', '{"kind":"approval","not_before_ms":5000}'::BLOB, 'signed'::BLOB, 6),
    ('sunny', 'ev', 2, 'sha256:11', '{"kind":"approval","not_before_ms":7000}'::BLOB, 'signed'::BLOB, 8);
INSERT INTO audit VALUES (0, 'leaf'::BLOB, 'salt'::BLOB, '{"kind":"release"}'::BLOB);
INSERT INTO audit_subjects VALUES ('household/h1', 0);
"""
DAY_ROWS = """
INSERT INTO readings (meter_id, spool_id, sequence, time_ms, received_ms, quality, energy_import_wh, power_import_w)
    VALUES ('m1', '', 6, 1727999100000, 1727999100001, 0, 40, 100),
        ('m1', '', 7, 1728000000000, 1728000000001, 0, 42, 8);
INSERT INTO sub_readings VALUES ('m1', '', 6, 1, 1, 1727999100000, 1000, NULL),
    ('m1', '', 7, 1, 1, 1728000000000, 1500, NULL);
INSERT INTO refused VALUES ('m1', '', 8, 0, 1728000000002, 'READING_TOO_OLD');
INSERT INTO progress VALUES ('m1', '', 8, 1728000000002, 1728000000000, 42, NULL);
"""
MEANS = ["power_import", "power_export", "power_net", *(f"{n}_l{p}" for n in ("voltage", "current") for p in (1, 2, 3))]
PARTS = [("sum", "7"), ("count", "2")]
DAY = 20_000  # 2024-10-04, which begins at 1728000000000


@pytest.fixture
def write_file(tmp_path: Path, key_hex: str) -> WriteFile:
    """Writes an encrypted file under the data folder with nothing but DuckDB and a script of SQL."""

    def write(name: str, script: str) -> None:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        package = Path(str(importlib.resources.files("duckdb_extension_httpfs")))
        connection = duckdb.connect()
        connection.execute(f"LOAD '{package}/extensions/v{duckdb.__version__}/httpfs.duckdb_extension'")
        connection.execute(f"ATTACH '{file}' AS written (ENCRYPTION_KEY '{key_hex}')")
        connection.execute("USE written")
        connection.execute(script)
        connection.execute("USE memory")
        connection.execute("DETACH written")
        connection.close()

    return write


def version_of(store: Store) -> list[int]:
    """Returns the versions that the state file has been brought to."""
    with store.readings._engine.reading() as cursor:
        return [row[0] for row in cursor.execute("SELECT version FROM state.meta ORDER BY version").fetchall()]


def test_new_file(store: Store) -> None:
    """A new state file has the newest version."""
    assert version_of(store)[-1] == STATE_VERSION


@pytest.mark.parametrize("script", [SCRIPTS[name] for name in sorted(SCRIPTS) if name.startswith("state")])
def test_earlier_state_opens(write_file: WriteFile, open_store: OpenStore, script: str) -> None:
    """A state file of every earlier version is brought up to date with all that is in it."""
    write_file("edge.duckdb", script + STATE_ROWS)
    store = open_store()
    assert version_of(store) == list(range(1, STATE_VERSION + 1))
    tables = store.read_now(
        lambda tables: (
            tables.meters.all(),
            tables.documents.newest("policy"),
            tables.consents.get("h1", "c1"),
            tables.evaluations.newest_slots(),
            tables.actions.inbox("h1", 0, 10, waiting_only=True),
            tables.audit.of_subject("household/h1", 0, 1, 10),
        )
    )
    meters, policy, consent, slots, actions, leaves = tables
    assert meters == [Meter("m1", "h1", MeterKind.ELECTRICITY, 5)]
    assert policy == b"signed"
    assert consent is not None
    assert (consent.decided, consent.terms.series) == (
        ConsentState.GRANTED,
        frozenset({SeriesTerms("power_net", 3_600, 300)}),
    )
    assert slots == {"sunny/ev": 900_000}
    assert [(action.action_id, action.declared.name) for action in actions] == [("a1", "go")]
    assert [leaf.index for leaf in leaves] == [0]
    with store.readings._engine.reading() as cursor:
        approvals = cursor.execute("SELECT version, mode, not_before_ms FROM state.approvals ORDER BY ALL").fetchall()
    assert approvals == [(1, "active", 5_000), (2, "active", 7_000)]
    module = store.read_now(lambda tables: tables.modules.get("sha256:00", "sunny"))
    assert module is not None
    assert module.superseded_from_ms == 7_000
    store.close()


def test_opening_again_changes_nothing(open_store: OpenStore) -> None:
    """A file that is up to date is left as it is."""
    for _ in range(3):
        store = open_store()
        assert version_of(store) == list(range(1, STATE_VERSION + 1))
        store.close()


def test_newer_file_is_refused(tmp_path: Path, write_file: WriteFile, open_store: OpenStore) -> None:
    """A state file of a newer release is refused, with what to do, and stays as it is."""
    write_file("edge.duckdb", SCRIPTS["state_1"] + f"INSERT INTO meta VALUES ({STATE_VERSION + 1});")
    before = (tmp_path / "edge.duckdb").read_bytes()
    with pytest.raises(
        StoreError, match=f"version {STATE_VERSION + 1}; this release knows up to {STATE_VERSION}"
    ) as caught:
        open_store()
    assert caught.value.reason == "STORE_TOO_NEW"
    assert "release" in caught.value.advice
    assert (tmp_path / "edge.duckdb").read_bytes() == before


def test_interrupted_migration(write_file: WriteFile, open_store: OpenStore) -> None:
    """A file that was made but not filled is filled."""
    write_file("edge.duckdb", "CREATE TABLE meta (version BIGINT NOT NULL)")
    store = open_store()
    assert store.read_now(lambda tables: tables.meters.all()) == []
    store.close()


@pytest.mark.parametrize("script", [SCRIPTS[name] for name in sorted(SCRIPTS) if name.startswith("day")])
async def test_earlier_day_opens(write_file: WriteFile, open_store: OpenStore, script: str) -> None:
    """A day's file of every earlier version keeps its readings and windows, and takes new ones."""
    write_file("readings/2024-10-03.duckdb", script + DAY_ROWS)
    store = open_store()
    assert store.progress.read().durable == {("m1", ""): 8}
    assert store.readings.count() == (2, 1)
    specs = [WindowSpec(CATALOGUE[name], 1, 900_000) for name in ("power_import", "energy_import", "gas")]
    meters = [Meter("m1", "h1", MeterKind.ELECTRICITY, 0)]
    for _ in range(2):
        found = store.windows.matrix(specs, DAY * DAY_MS, ["h1"], meters, 1)
        assert [found[place].tolist() for place in range(3)] == [[[100.0]], [[2.0]], [[0.5]]]
        while await store.roll_up((DAY + 3) * DAY_MS):
            pass
    sub = SubReading(1, SubMeterKind.GAS, DAY * DAY_MS)
    kept = StoredReading(Spool("m1", ""), 0, Reading(9, DAY * DAY_MS - 1, sub_readings=(sub,)), Quality.GOOD)
    await store.append_readings(as_batches([kept]))
    assert store.progress.read().durable == {("m1", ""): 9}
    store.close()
    store = open_store()
    assert store.readings.count() == (3, 1)
    assert versions_of_day(store, DAY - 1) == list(range(1, DAY_VERSION + 1))
    store.close()


@pytest.mark.parametrize("script", [SCRIPTS[name] for name in sorted(SCRIPTS) if name.startswith("rollups")])
def test_earlier_rollups_open(write_file: WriteFile, open_store: OpenStore, script: str) -> None:
    """A file of roll-ups of every earlier version is read, also without the readings it was made of."""
    means = "INSERT INTO means_900 (meter_id, bucket, {}) SELECT 'm1', 1919999, {};".format(
        *map(", ".join, zip(*((f"{name}_{part}", value) for name in MEANS for part, value in PARTS), strict=True))
    )
    write_file("rollups/2024-10-03.duckdb", script + means + "INSERT INTO spans VALUES ('readings', 1919999);")
    store = open_store()
    spec = WindowSpec(CATALOGUE["power_import"], 1, 900_000)
    meters = [Meter("m1", "h1", MeterKind.ELECTRICITY, 0)]
    assert store.windows.matrix([spec], DAY * DAY_MS, ["h1"], meters, 1)[0].tolist() == [[3.5]]
    store.close()


async def test_newer_day_is_left_alone(tmp_path: Path, write_file: WriteFile, open_store: OpenStore) -> None:
    """A day's file of a newer release is named and stays as it is; other days work, and that day takes no readings."""
    file = tmp_path / "readings" / "2024-10-04.duckdb"
    write_file("readings/2024-10-04.duckdb", SCRIPTS["day_1"] + f"INSERT INTO meta VALUES ({DAY_VERSION + 1});")
    write_file("readings/2024-10-03.duckdb", SCRIPTS["day_1"] + DAY_ROWS)
    before = file.read_bytes()
    store = open_store()
    said = f"The file {file} has schema version {DAY_VERSION + 1}; this release knows up to {DAY_VERSION}."
    assert store.readings._engine.readings.unusable == {DAY: said}
    assert store.readings.count() == (2, 1)
    reading = StoredReading(Spool("m1", ""), 0, Reading(9, DAY * DAY_MS), Quality.GOOD)
    with pytest.raises(StoreError, match="schema version") as caught:
        await store.append_readings(as_batches([reading]))
    assert caught.value.reason == "STORE_TOO_NEW"
    store.close()
    assert file.read_bytes() == before


async def test_day_file_with_one_table(write_file: WriteFile, open_store: OpenStore) -> None:
    """A day's file whose making was interrupted between two tables gets those that it lacks and keeps what it has."""
    only_first = SCRIPTS["day_0"].split("CREATE TABLE sub_readings")[0]
    write_file("readings/2024-10-03.duckdb", only_first + DAY_ROWS.split("INSERT INTO sub_readings", maxsplit=1)[0])
    store = open_store()
    assert store.progress.read().durable == {("m1", ""): 7}
    reading = Reading(8, 1_728_000_010_000, sub_readings=(SubReading(1, SubMeterKind.GAS, 1_728_000_000_000),))
    kept = StoredReading(Spool("m1", ""), 0, reading, Quality.GOOD)
    refused = StoredReading(Spool("m1", ""), 1_728_000_020_000, Reading(9, 0), Quality.GOOD, "READING_TOO_OLD")
    await store.append_readings(as_batches([kept, refused]))
    assert store.progress.read().durable == {("m1", ""): 9}
    assert store.readings.count() == (3, 1)
    store.close()


def versions_of_day(store: Store, day: int) -> list[int]:
    """Returns the versions that a day's file has been brought to."""
    with store.readings._engine.reading() as cursor:
        rows = cursor.execute(f"SELECT version FROM day_{day}.meta ORDER BY version").fetchall()
    return [row[0] for row in rows]
