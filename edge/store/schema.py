"""The tables, and how older files are brought up to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import StoreError

if TYPE_CHECKING:
    import duckdb

STATE_VERSION = 1

# `Reading.total_import_wh` and `total_export_wh`, as expressions over a row.
TOTAL_IMPORT_WH = (
    "coalesce(energy_import_wh, energy_import_t1_wh + coalesce(energy_import_t2_wh, 0), energy_import_t2_wh)"
)
TOTAL_EXPORT_WH = (
    "coalesce(energy_export_wh, energy_export_t1_wh + coalesce(energy_export_t2_wh, 0), energy_export_t2_wh)"
)

_STATE_1 = """
CREATE TABLE {db}.meters (
    meter_id VARCHAR PRIMARY KEY, household_id VARCHAR NOT NULL, kind VARCHAR NOT NULL, enrolled_ms BIGINT NOT NULL,
    retired_ms BIGINT
);
CREATE TABLE {db}.documents (
    kind VARCHAR NOT NULL, version BIGINT NOT NULL, envelope BLOB NOT NULL, accepted_ms BIGINT NOT NULL
);
CREATE TABLE {db}.modules (
    digest VARCHAR NOT NULL, organization VARCHAR NOT NULL, uploaded_ms BIGINT NOT NULL, wasm BLOB NOT NULL,
    trigger VARCHAR, manifest BLOB, report BLOB NOT NULL, report_digest VARCHAR NOT NULL,
    findings_count BIGINT NOT NULL, first_reason VARCHAR NOT NULL
);
CREATE TABLE {db}.suspensions (digest VARCHAR NOT NULL, organization VARCHAR NOT NULL);
CREATE TABLE {db}.revoked_modules (digest VARCHAR NOT NULL);
CREATE TABLE {db}.approvals (
    organization VARCHAR NOT NULL, trigger VARCHAR NOT NULL, version BIGINT NOT NULL, digest VARCHAR NOT NULL,
    payload BLOB NOT NULL, envelope BLOB NOT NULL, accepted_ms BIGINT NOT NULL
);
CREATE TABLE {db}.consents (
    consent_id VARCHAR NOT NULL, household_id VARCHAR NOT NULL, organization VARCHAR NOT NULL,
    service VARCHAR NOT NULL, purpose VARCHAR NOT NULL,
    series STRUCT(name VARCHAR, window_s BIGINT, resolution_s BIGINT)[] NOT NULL, action_kinds VARCHAR[] NOT NULL,
    decided VARCHAR NOT NULL, decided_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, ended_ms BIGINT
);
CREATE TABLE {db}.evaluations (
    trigger_key VARCHAR NOT NULL, slot_ms BIGINT NOT NULL, digest VARCHAR NOT NULL, evaluations BIGINT NOT NULL,
    faults BIGINT NOT NULL, actions BIGINT NOT NULL, input_digest VARCHAR NOT NULL, ran_ms BIGINT NOT NULL,
    first_slot_ms BIGINT NOT NULL, PRIMARY KEY (trigger_key, slot_ms)
);
CREATE TABLE {db}.actions (
    cursor BIGINT NOT NULL, action_id VARCHAR NOT NULL, household_id VARCHAR NOT NULL, trigger_key VARCHAR NOT NULL,
    declared VARCHAR NOT NULL, organization VARCHAR NOT NULL, service VARCHAR NOT NULL, purpose VARCHAR NOT NULL,
    trigger VARCHAR NOT NULL, module_version VARCHAR NOT NULL, module_digest VARCHAR NOT NULL,
    consent_id VARCHAR NOT NULL, slot_ms BIGINT NOT NULL, created_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL,
    state VARCHAR NOT NULL
);
CREATE TABLE {db}.audit (index BIGINT NOT NULL, leaf_hash BLOB NOT NULL, salt BLOB NOT NULL, payload BLOB NOT NULL);
CREATE TABLE {db}.audit_subjects (subject VARCHAR NOT NULL, index BIGINT NOT NULL);
"""

# The script at place i takes a state file from version i to i + 1.
_STATE_SCRIPTS = (_STATE_1,)

_PHASE_COLUMNS = "".join(
    f"""
    l{number}_power_import_w BIGINT, l{number}_power_export_w BIGINT, l{number}_voltage_dv INTEGER,
    l{number}_current_ma INTEGER, l{number}_voltage_sags BIGINT, l{number}_voltage_swells BIGINT,"""
    for number in (1, 2, 3)
)

_DAY_SCRIPT = f"""
CREATE TABLE IF NOT EXISTS {{db}}.readings (
    meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, sequence BIGINT NOT NULL, time_ms BIGINT NOT NULL,
    received_ms BIGINT NOT NULL, quality UTINYINT NOT NULL,
    energy_import_t1_wh BIGINT, energy_import_t2_wh BIGINT, energy_import_wh BIGINT,
    energy_export_t1_wh BIGINT, energy_export_t2_wh BIGINT, energy_export_wh BIGINT, tariff UTINYINT,
    power_import_w BIGINT, power_export_w BIGINT, {_PHASE_COLUMNS}
    power_failures BIGINT, long_power_failures BIGINT, demand_w BIGINT, peak_demand_w BIGINT
);
CREATE TABLE IF NOT EXISTS {{db}}.sub_readings (
    meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, sequence BIGINT NOT NULL, channel UTINYINT NOT NULL,
    kind UTINYINT NOT NULL, time_ms BIGINT NOT NULL, volume_l BIGINT, energy_wh BIGINT
);
CREATE TABLE IF NOT EXISTS {{db}}.refused (
    meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, sequence BIGINT NOT NULL, time_ms BIGINT NOT NULL,
    received_ms BIGINT NOT NULL, reason VARCHAR NOT NULL, message VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS {{db}}.raw_registers (
    meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, sequence BIGINT NOT NULL, code VARCHAR NOT NULL,
    value VARCHAR NOT NULL, unit VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS {{db}}.progress (
    meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, last_sequence BIGINT NOT NULL, received_ms BIGINT NOT NULL,
    newest_ms BIGINT, import_wh BIGINT, export_wh BIGINT
);
"""


def migrate_state(connection: duckdb.DuckDBPyConnection, db: str) -> None:
    """Brings the state file to `STATE_VERSION`, one version at a time, each in a transaction.

    Raises:
        StoreError: the file was written by a newer release.
    """
    connection.execute(f"CREATE TABLE IF NOT EXISTS {db}.meta (version BIGINT NOT NULL)")
    row = connection.execute(f"SELECT max(version) FROM {db}.meta").fetchone()
    version = row[0] if row and row[0] is not None else 0
    if version > STATE_VERSION:
        raise StoreError(
            f"The state file has schema version {version}; this release knows up to {STATE_VERSION}.",
            advice="Install the release that wrote it, or a newer one.",
            reason="STORE_TOO_NEW",
        )
    for target, script in enumerate(_STATE_SCRIPTS[version:], start=version + 1):
        connection.execute("BEGIN")
        connection.execute(script.format(db=db))
        connection.execute(f"INSERT INTO {db}.meta VALUES (?)", [target])
        connection.execute("COMMIT")


def create_day_tables(connection: duckdb.DuckDBPyConnection, db: str) -> None:
    """Makes the tables of a day's file if they are not there."""
    connection.execute(_DAY_SCRIPT.format(db=db))
