-- The tables of a file of roll-ups of version 1, as they were released. Never changed.
CREATE TABLE meta (version BIGINT NOT NULL);
INSERT INTO meta VALUES (1);
CREATE TABLE spans (source VARCHAR NOT NULL, span BIGINT NOT NULL);
CREATE TABLE means_60 (
    meter_id VARCHAR NOT NULL, bucket BIGINT NOT NULL,
    power_import_sum BIGINT NOT NULL, power_import_count INTEGER NOT NULL,
    power_export_sum BIGINT NOT NULL, power_export_count INTEGER NOT NULL,
    power_net_sum BIGINT NOT NULL, power_net_count INTEGER NOT NULL,
    voltage_l1_sum BIGINT NOT NULL, voltage_l1_count INTEGER NOT NULL,
    current_l1_sum BIGINT NOT NULL, current_l1_count INTEGER NOT NULL,
    voltage_l2_sum BIGINT NOT NULL, voltage_l2_count INTEGER NOT NULL,
    current_l2_sum BIGINT NOT NULL, current_l2_count INTEGER NOT NULL,
    voltage_l3_sum BIGINT NOT NULL, voltage_l3_count INTEGER NOT NULL,
    current_l3_sum BIGINT NOT NULL, current_l3_count INTEGER NOT NULL,
    tariff_last UTINYINT
);
CREATE TABLE counters_60 (
    meter_id VARCHAR NOT NULL, bucket BIGINT NOT NULL,
    energy_import_last BIGINT, energy_import_lowest BIGINT, energy_import_highest BIGINT,
    energy_export_last BIGINT, energy_export_lowest BIGINT, energy_export_highest BIGINT
);
CREATE TABLE sub_counters_60 (
    meter_id VARCHAR NOT NULL, channel UTINYINT NOT NULL, bucket BIGINT NOT NULL,
    gas_last BIGINT, gas_lowest BIGINT, gas_highest BIGINT,
    gas_newest STRUCT(time_ms BIGINT, sequence BIGINT, spool_id VARCHAR)
);

CREATE TABLE means_900 (
    meter_id VARCHAR NOT NULL, bucket BIGINT NOT NULL,
    power_import_sum BIGINT NOT NULL, power_import_count INTEGER NOT NULL,
    power_export_sum BIGINT NOT NULL, power_export_count INTEGER NOT NULL,
    power_net_sum BIGINT NOT NULL, power_net_count INTEGER NOT NULL,
    voltage_l1_sum BIGINT NOT NULL, voltage_l1_count INTEGER NOT NULL,
    current_l1_sum BIGINT NOT NULL, current_l1_count INTEGER NOT NULL,
    voltage_l2_sum BIGINT NOT NULL, voltage_l2_count INTEGER NOT NULL,
    current_l2_sum BIGINT NOT NULL, current_l2_count INTEGER NOT NULL,
    voltage_l3_sum BIGINT NOT NULL, voltage_l3_count INTEGER NOT NULL,
    current_l3_sum BIGINT NOT NULL, current_l3_count INTEGER NOT NULL,
    tariff_last UTINYINT
);
CREATE TABLE counters_900 (
    meter_id VARCHAR NOT NULL, bucket BIGINT NOT NULL,
    energy_import_last BIGINT, energy_import_lowest BIGINT, energy_import_highest BIGINT,
    energy_export_last BIGINT, energy_export_lowest BIGINT, energy_export_highest BIGINT
);
CREATE TABLE sub_counters_900 (
    meter_id VARCHAR NOT NULL, channel UTINYINT NOT NULL, bucket BIGINT NOT NULL,
    gas_last BIGINT, gas_lowest BIGINT, gas_highest BIGINT,
    gas_newest STRUCT(time_ms BIGINT, sequence BIGINT, spool_id VARCHAR)
);
