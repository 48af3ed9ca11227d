from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from edge.domain.consent import ConsentState, SeriesTerms
from edge.domain.meter import Meter, MeterKind
from edge.domain.reading import Quality, SubMeterKind
from edge.domain.spool import Spool
from edge.errors import StoreError
from edge.store.schema import STATE_VERSION
from tests.rows import Reading, StoredReading, SubReading, as_batches

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.store.store import Store

    OpenStore = Callable[[], Store]
    WriteFile = Callable[[str, str], None]

# A state file as release 0.1 wrote it. Never changed: a later release must be able to open it.
VERSION_1 = """
CREATE TABLE meta (version BIGINT NOT NULL);
INSERT INTO meta VALUES (1);
CREATE TABLE meters (meter_id VARCHAR PRIMARY KEY, household_id VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    enrolled_ms BIGINT NOT NULL, retired_ms BIGINT);
CREATE TABLE documents (kind VARCHAR NOT NULL, version BIGINT NOT NULL, envelope BLOB NOT NULL,
    accepted_ms BIGINT NOT NULL);
CREATE TABLE modules (digest VARCHAR NOT NULL, organization VARCHAR NOT NULL, uploaded_ms BIGINT NOT NULL,
    wasm BLOB NOT NULL, trigger VARCHAR, manifest BLOB, report BLOB NOT NULL, report_digest VARCHAR NOT NULL,
    findings_count BIGINT NOT NULL, first_reason VARCHAR NOT NULL);
CREATE TABLE suspensions (digest VARCHAR NOT NULL, organization VARCHAR NOT NULL);
CREATE TABLE revoked_modules (digest VARCHAR NOT NULL);
CREATE TABLE approvals (organization VARCHAR NOT NULL, trigger VARCHAR NOT NULL, version BIGINT NOT NULL,
    digest VARCHAR NOT NULL, payload BLOB NOT NULL, envelope BLOB NOT NULL, accepted_ms BIGINT NOT NULL);
CREATE TABLE consents (consent_id VARCHAR NOT NULL, household_id VARCHAR NOT NULL, organization VARCHAR NOT NULL,
    service VARCHAR NOT NULL, purpose VARCHAR NOT NULL,
    series STRUCT(name VARCHAR, window_s BIGINT, resolution_s BIGINT)[] NOT NULL, action_kinds VARCHAR[] NOT NULL,
    decided VARCHAR NOT NULL, decided_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, ended_ms BIGINT);
CREATE TABLE evaluations (trigger_key VARCHAR NOT NULL, slot_ms BIGINT NOT NULL, digest VARCHAR NOT NULL,
    evaluations BIGINT NOT NULL, faults BIGINT NOT NULL, actions BIGINT NOT NULL, input_digest VARCHAR NOT NULL,
    ran_ms BIGINT NOT NULL, PRIMARY KEY (trigger_key, slot_ms));
CREATE TABLE actions (cursor BIGINT NOT NULL, action_id VARCHAR NOT NULL, household_id VARCHAR NOT NULL,
    trigger_key VARCHAR NOT NULL, declared VARCHAR NOT NULL, organization VARCHAR NOT NULL, service VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL, trigger VARCHAR NOT NULL, module_version VARCHAR NOT NULL,
    module_digest VARCHAR NOT NULL, consent_id VARCHAR NOT NULL, slot_ms BIGINT NOT NULL, created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL, state VARCHAR NOT NULL);
CREATE TABLE audit (index BIGINT NOT NULL, leaf_hash BLOB NOT NULL, salt BLOB NOT NULL, payload BLOB NOT NULL);
CREATE TABLE audit_subjects (subject VARCHAR NOT NULL, index BIGINT NOT NULL);

INSERT INTO meters VALUES ('m1', 'h1', 'electricity', 5, NULL);
INSERT INTO documents VALUES ('policy', 4, 'signed'::BLOB, 6);
INSERT INTO consents VALUES ('c1', 'h1', 'sunny', 'advice', 'Advise.',
    [{'name': 'power_net', 'window_s': 3600, 'resolution_s': 300}], ['recommendation'], 'granted', 7, 9, NULL);
INSERT INTO evaluations VALUES ('sunny/ev', 900000, 'sha256:00', 10, 1, 2, 'sha256:11', 900005);
INSERT INTO actions VALUES (1, 'a1', 'h1', 'sunny/ev',
    '{"name":"go","kind":"recommendation","text":{"en":"Go."}}', 'sunny', 'advice', 'Advise.', 'ev', '1.0.0',
    'sha256:00', 'c1', 900000, 900005, 4500000, 'waiting');
INSERT INTO audit VALUES (0, 'leaf'::BLOB, 'salt'::BLOB, '{"kind":"release"}'::BLOB);
INSERT INTO audit_subjects VALUES ('household/h1', 0);
"""
DAY_FILE_1 = """
CREATE TABLE readings (meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, sequence BIGINT NOT NULL,
    time_ms BIGINT NOT NULL, received_ms BIGINT NOT NULL, quality UTINYINT NOT NULL,
    energy_import_t1_wh BIGINT, energy_import_t2_wh BIGINT, energy_import_wh BIGINT,
    energy_export_t1_wh BIGINT, energy_export_t2_wh BIGINT, energy_export_wh BIGINT,
    tariff UTINYINT, power_import_w BIGINT, power_export_w BIGINT, power_failures BIGINT, long_power_failures BIGINT,
    demand_w BIGINT, peak_demand_w BIGINT,
    l1_power_import_w BIGINT, l1_power_export_w BIGINT, l1_voltage_dv INTEGER, l1_current_ma INTEGER,
    l1_voltage_sags BIGINT, l1_voltage_swells BIGINT,
    l2_power_import_w BIGINT, l2_power_export_w BIGINT, l2_voltage_dv INTEGER, l2_current_ma INTEGER,
    l2_voltage_sags BIGINT, l2_voltage_swells BIGINT,
    l3_power_import_w BIGINT, l3_power_export_w BIGINT, l3_voltage_dv INTEGER, l3_current_ma INTEGER,
    l3_voltage_sags BIGINT, l3_voltage_swells BIGINT);
INSERT INTO readings (meter_id, spool_id, sequence, time_ms, received_ms, quality, energy_import_wh)
    VALUES ('m1', '', 7, 1728000000000, 1728000000001, 0, 42);
"""


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


def test_version_1_opens(write_file: WriteFile, open_store: OpenStore) -> None:
    """A state file of version 1 is brought up to date with all that is in it."""
    write_file("edge.duckdb", VERSION_1)
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
    store.close()


def test_opening_again_changes_nothing(open_store: OpenStore) -> None:
    """A file that is up to date is left as it is."""
    for _ in range(3):
        store = open_store()
        assert version_of(store) == list(range(1, STATE_VERSION + 1))
        store.close()


def test_newer_file_is_refused(tmp_path: Path, write_file: WriteFile, open_store: OpenStore) -> None:
    """A state file of a newer release is refused, with what to do, and stays as it is."""
    write_file("edge.duckdb", VERSION_1 + f"INSERT INTO meta VALUES ({STATE_VERSION + 1});")
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


async def test_day_file_with_one_table(write_file: WriteFile, open_store: OpenStore) -> None:
    """A day's file whose making was interrupted between two tables gets those that it lacks and keeps what it has."""
    write_file("readings/2024-10-04.duckdb", DAY_FILE_1)
    store = open_store()
    assert store.progress.read().durable == {("m1", ""): 7}
    reading = Reading(8, 1_728_000_010_000, sub_readings=(SubReading(1, SubMeterKind.GAS, 1_728_000_000_000),))
    kept = StoredReading(Spool("m1", ""), 0, reading, Quality.GOOD)
    refused = StoredReading(Spool("m1", ""), 1_728_000_020_000, Reading(9, 0), Quality.GOOD, "READING_TOO_OLD")
    await store.append_readings(as_batches([kept, refused]))
    assert store.progress.read().durable == {("m1", ""): 9}
    assert store.readings.count() == (2, 1)
    store.close()
