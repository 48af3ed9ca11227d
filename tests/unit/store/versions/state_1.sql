-- The tables of a state file of version 1, as they were released. Never changed.
CREATE TABLE meta (version BIGINT NOT NULL);
INSERT INTO meta VALUES (1);
CREATE TABLE meters (
    meter_id VARCHAR PRIMARY KEY, household_id VARCHAR NOT NULL, kind VARCHAR NOT NULL, enrolled_ms BIGINT NOT NULL,
    retired_ms BIGINT
);
CREATE TABLE documents (
    kind VARCHAR NOT NULL, version BIGINT NOT NULL, envelope BLOB NOT NULL, accepted_ms BIGINT NOT NULL
);
CREATE TABLE modules (
    digest VARCHAR NOT NULL, organization VARCHAR NOT NULL, uploaded_ms BIGINT NOT NULL, wasm BLOB NOT NULL,
    trigger VARCHAR, manifest BLOB, report BLOB NOT NULL, report_digest VARCHAR NOT NULL,
    findings_count BIGINT NOT NULL, first_reason VARCHAR NOT NULL
);
CREATE TABLE suspensions (digest VARCHAR NOT NULL, organization VARCHAR NOT NULL);
CREATE TABLE revoked_modules (digest VARCHAR NOT NULL);
CREATE TABLE approvals (
    organization VARCHAR NOT NULL, trigger VARCHAR NOT NULL, version BIGINT NOT NULL, digest VARCHAR NOT NULL,
    payload BLOB NOT NULL, envelope BLOB NOT NULL, accepted_ms BIGINT NOT NULL
);
CREATE TABLE consents (
    consent_id VARCHAR NOT NULL, household_id VARCHAR NOT NULL, organization VARCHAR NOT NULL,
    service VARCHAR NOT NULL, purpose VARCHAR NOT NULL,
    series STRUCT(name VARCHAR, window_s BIGINT, resolution_s BIGINT)[] NOT NULL, action_kinds VARCHAR[] NOT NULL,
    decided VARCHAR NOT NULL, decided_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, ended_ms BIGINT
);
CREATE TABLE evaluations (
    trigger_key VARCHAR NOT NULL, slot_ms BIGINT NOT NULL, digest VARCHAR NOT NULL, evaluations BIGINT NOT NULL,
    faults BIGINT NOT NULL, actions BIGINT NOT NULL, input_digest VARCHAR NOT NULL, ran_ms BIGINT NOT NULL,
    first_slot_ms BIGINT NOT NULL, PRIMARY KEY (trigger_key, slot_ms)
);
CREATE TABLE actions (
    cursor BIGINT NOT NULL, action_id VARCHAR NOT NULL, household_id VARCHAR NOT NULL, trigger_key VARCHAR NOT NULL,
    declared VARCHAR NOT NULL, organization VARCHAR NOT NULL, service VARCHAR NOT NULL, purpose VARCHAR NOT NULL,
    trigger VARCHAR NOT NULL, module_version VARCHAR NOT NULL, module_digest VARCHAR NOT NULL,
    consent_id VARCHAR NOT NULL, slot_ms BIGINT NOT NULL, created_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL,
    state VARCHAR NOT NULL
);
CREATE TABLE audit (index BIGINT NOT NULL, leaf_hash BLOB NOT NULL, salt BLOB NOT NULL, payload BLOB NOT NULL);
CREATE TABLE audit_subjects (subject VARCHAR NOT NULL, index BIGINT NOT NULL);
