-- The tables of a day's file from before such files had a version. Never changed.
CREATE TABLE readings (
    meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, sequence BIGINT NOT NULL, time_ms BIGINT NOT NULL,
    received_ms BIGINT NOT NULL, quality UTINYINT NOT NULL,
    energy_import_t1_wh BIGINT, energy_import_t2_wh BIGINT, energy_import_wh BIGINT,
    energy_export_t1_wh BIGINT, energy_export_t2_wh BIGINT, energy_export_wh BIGINT, tariff UTINYINT,
    power_import_w BIGINT, power_export_w BIGINT,
    l1_power_import_w BIGINT, l1_power_export_w BIGINT, l1_voltage_dv INTEGER,
    l1_current_ma INTEGER, l1_voltage_sags BIGINT, l1_voltage_swells BIGINT,
    l2_power_import_w BIGINT, l2_power_export_w BIGINT, l2_voltage_dv INTEGER,
    l2_current_ma INTEGER, l2_voltage_sags BIGINT, l2_voltage_swells BIGINT,
    l3_power_import_w BIGINT, l3_power_export_w BIGINT, l3_voltage_dv INTEGER,
    l3_current_ma INTEGER, l3_voltage_sags BIGINT, l3_voltage_swells BIGINT,
    power_failures BIGINT, long_power_failures BIGINT, demand_w BIGINT, peak_demand_w BIGINT
);
CREATE TABLE sub_readings (
    meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, sequence BIGINT NOT NULL, channel UTINYINT NOT NULL,
    kind UTINYINT NOT NULL, time_ms BIGINT NOT NULL, volume_l BIGINT, energy_wh BIGINT
);
CREATE TABLE refused (
    meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, sequence BIGINT NOT NULL, time_ms BIGINT NOT NULL,
    received_ms BIGINT NOT NULL, reason VARCHAR NOT NULL
);
CREATE TABLE progress (
    meter_id VARCHAR NOT NULL, spool_id VARCHAR NOT NULL, last_sequence BIGINT NOT NULL, received_ms BIGINT NOT NULL,
    newest_ms BIGINT, import_wh BIGINT, export_wh BIGINT
);
