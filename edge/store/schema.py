"""The tables, and how older files are brought up to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

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

# Faults, shadows, and the switch for an organization. Approvals of version 1 have only one mode; when each begins is
# in their canonical JSON.
_STATE_2 = """
ALTER TABLE {db}.approvals ADD COLUMN mode VARCHAR DEFAULT 'active';
ALTER TABLE {db}.approvals ADD COLUMN not_before_ms BIGINT;
UPDATE {db}.approvals SET not_before_ms =
    coalesce(try_cast(regexp_extract(decode(payload), '"not_before_ms":([0-9]+)', 1) AS BIGINT), 0);
CREATE TABLE {db}.organization_suspensions (
    organization VARCHAR NOT NULL, reason VARCHAR NOT NULL, suspended_ms BIGINT NOT NULL
);
CREATE TABLE {db}.module_health (
    organization VARCHAR NOT NULL, digest VARCHAR NOT NULL, evaluations BIGINT NOT NULL, faults BIGINT[] NOT NULL,
    slot_ms BIGINT, slot_evaluations BIGINT, slot_faults BIGINT[], last_fault_slot_ms BIGINT,
    bad_slots BIGINT NOT NULL, runs_again_ms BIGINT NOT NULL, quarantined_ms BIGINT
);
CREATE TABLE {db}.shadow_slots (
    organization VARCHAR NOT NULL, digest VARCHAR NOT NULL, slot_ms BIGINT NOT NULL, evaluations BIGINT NOT NULL,
    faults BIGINT NOT NULL, actions STRUCT(name VARCHAR, actions BIGINT)[] NOT NULL, compared BIGINT NOT NULL,
    different BIGINT NOT NULL
);
CREATE TABLE {db}.shadow_actions (
    organization VARCHAR NOT NULL, digest VARCHAR NOT NULL, household_id VARCHAR NOT NULL, slot_ms BIGINT NOT NULL
);
"""

# What has become of days, which outlasts their files.
_STATE_3 = """
CREATE TABLE {db}.removed_days (
    day BIGINT NOT NULL, readings BIGINT NOT NULL, refused BIGINT NOT NULL, removed_ms BIGINT NOT NULL
);
CREATE TABLE {db}.progress (
    meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, last_sequence BIGINT NOT NULL, received_ms BIGINT NOT NULL,
    newest_ms BIGINT, import_wh BIGINT, export_wh BIGINT
);
CREATE TABLE {db}.set_aside (file VARCHAR NOT NULL, noticed_ms BIGINT NOT NULL);
CREATE TABLE {db}.rewritten_days (day BIGINT NOT NULL, rewritten_ms BIGINT NOT NULL);
"""

# Of each kind of file the script at place i takes one from version i to i + 1. What has been released is never edited:
# a change is a script appended.
_STATE_SCRIPTS = (_STATE_1, _STATE_2, _STATE_3)
STATE_VERSION = len(_STATE_SCRIPTS)

_PHASE_COLUMNS = "".join(
    f"""
    l{number}_power_import_w BIGINT, l{number}_power_export_w BIGINT, l{number}_voltage_dv INTEGER,
    l{number}_current_ma INTEGER, l{number}_voltage_sags BIGINT, l{number}_voltage_swells BIGINT,"""
    for number in (1, 2, 3)
)

# Files that release 0.1 began before day files had a version may have some of these tables.
_DAY_1 = f"""
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
    received_ms BIGINT NOT NULL, reason VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS {{db}}.progress (
    meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, last_sequence BIGINT NOT NULL, received_ms BIGINT NOT NULL,
    newest_ms BIGINT, import_wh BIGINT, export_wh BIGINT
);
"""

# What a person is told of a refusal, and registers that have no column.
_DAY_2 = """
ALTER TABLE {db}.refused ADD COLUMN message VARCHAR DEFAULT '';
CREATE TABLE {db}.raw_registers (
    meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, sequence BIGINT NOT NULL, code VARCHAR NOT NULL,
    value VARCHAR NOT NULL, unit VARCHAR NOT NULL
);
"""

_DAY_SCRIPTS = (_DAY_1, _DAY_2)
DAY_VERSION = len(_DAY_SCRIPTS)

_PHASE_MEANS = "".join(
    f""",
    voltage_l{number}_sum BIGINT NOT NULL, voltage_l{number}_count INTEGER NOT NULL,
    current_l{number}_sum BIGINT NOT NULL, current_l{number}_count INTEGER NOT NULL"""
    for number in (1, 2, 3)
)

_ROLLUPS_1 = "CREATE TABLE {db}.spans (source VARCHAR NOT NULL, span BIGINT NOT NULL);" + "".join(
    f"""
CREATE TABLE {{db}}.means_{bucket_s} (
    meter_id VARCHAR NOT NULL, bucket BIGINT NOT NULL,
    power_import_sum BIGINT NOT NULL, power_import_count INTEGER NOT NULL,
    power_export_sum BIGINT NOT NULL, power_export_count INTEGER NOT NULL,
    power_net_sum BIGINT NOT NULL, power_net_count INTEGER NOT NULL{_PHASE_MEANS},
    tariff_last UTINYINT
);
CREATE TABLE {{db}}.counters_{bucket_s} (
    meter_id VARCHAR NOT NULL, bucket BIGINT NOT NULL,
    energy_import_last BIGINT, energy_import_lowest BIGINT, energy_import_highest BIGINT,
    energy_export_last BIGINT, energy_export_lowest BIGINT, energy_export_highest BIGINT
);
CREATE TABLE {{db}}.sub_counters_{bucket_s} (
    meter_id VARCHAR NOT NULL, channel UTINYINT NOT NULL, bucket BIGINT NOT NULL,
    gas_last BIGINT, gas_lowest BIGINT, gas_highest BIGINT,
    gas_newest STRUCT(time_ms BIGINT, sequence BIGINT, spool_id VARCHAR)
);
"""
    for bucket_s in (60, 900)
)

_ROLLUP_SCRIPTS = (_ROLLUPS_1,)


def migrate_state(connection: duckdb.DuckDBPyConnection, db: str, file: str) -> None:
    """Brings the state file to `STATE_VERSION`, one version at a time, each in a transaction.

    Raises:
        StoreError: it was written by a newer release.
    """
    _migrate(connection, db, _STATE_SCRIPTS, file)


def migrate_day(connection: duckdb.DuckDBPyConnection, db: str, file: str) -> None:
    """Brings a day's file of readings to `DAY_VERSION`, in the same way.

    Raises:
        StoreError: it was written by a newer release.
    """
    _migrate(connection, db, _DAY_SCRIPTS, file)


def migrate_rollups(connection: duckdb.DuckDBPyConnection, db: str, file: str) -> None:
    """Brings a day's file of roll-ups up to date, in the same way.

    Raises:
        StoreError: it was written by a newer release.
    """
    _migrate(connection, db, _ROLLUP_SCRIPTS, file)


def _migrate(connection: duckdb.DuckDBPyConnection, db: str, scripts: Sequence[str], file: str) -> None:
    connection.execute(f"CREATE TABLE IF NOT EXISTS {db}.meta (version BIGINT NOT NULL)")
    row = connection.execute(f"SELECT max(version) FROM {db}.meta").fetchone()
    version = row[0] if row and row[0] is not None else 0
    if version > len(scripts):
        raise StoreError(
            f"{file} has schema version {version}; this release knows up to {len(scripts)}.",
            advice="Install the release that wrote it, or a newer one.",
            reason="STORE_TOO_NEW",
        )
    for target, script in enumerate(scripts[version:], start=version + 1):
        connection.execute("BEGIN")
        connection.execute(script.format(db=db))
        connection.execute(f"INSERT INTO {db}.meta VALUES (?)", [target])
        connection.execute("COMMIT")
