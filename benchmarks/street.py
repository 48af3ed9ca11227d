"""Days of readings for benchmarks: counters that rise, powers that vary, voltages as they are, written in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.slot import DAY_MS

if TYPE_CHECKING:
    from edge.store.store import Store

DAY = 20_000
KEY_HEX = "0f" * 32
# Meters report in whole watts, decivolts and milliamperes; a load goes on for minutes and then changes.
_ROWS = """
INSERT INTO {db}.readings (meter_id, spool_id, sequence, time_ms, received_ms, quality,
    energy_import_t1_wh, energy_import_t2_wh, energy_export_t1_wh, energy_export_t2_wh, tariff,
    power_import_w, power_export_w, l1_power_import_w, l1_power_export_w, l1_voltage_dv, l1_current_ma)
SELECT 'meter-' || m, md5('' || m), {first} + i + 1, t, t + 400 + hash(m + i) % 300, 0,
    1000000 * m + i * {step_s} // 9, 2000000 * m + i * {step_s} // 7, i * {step_s} // 40, i * {step_s} // 30,
    1 + (i * {step_s} // 25200) % 2,
    CASE WHEN sun THEN 0 ELSE load END, CASE WHEN sun THEN load ELSE 0 END,
    CASE WHEN sun THEN 0 ELSE load END, CASE WHEN sun THEN load ELSE 0 END,
    2300 + (hash(i * 7 + m) % 40)::INTEGER, (load * 1000 // 230 // 100 * 100)::INTEGER
FROM (
    SELECT m, i, {day_ms} + i * {step_s} * 1000 + m % 1000 AS t, m % 3 = 0 AND i * {step_s} BETWEEN 28800 AND 57600
            AS sun,
        (100 + hash(m * 1000 + i * {step_s} // 300) % 2500 + hash(m * 100000 + i) % 30)::BIGINT AS load
    FROM range({readings}) times(i), range({meters}) meters(m)
) ORDER BY i, m
"""


def fill_day(store: Store, day: int, meters: int, step_s: int) -> int:
    """Writes a day of readings of each meter, in the order that they would come in; returns how many."""
    readings = DAY_MS // 1000 // step_s
    engine = store._engine  # noqa: SLF001 - the store takes readings by the thousand, this takes millions
    db = engine.attach_day(day)
    with engine.reading() as cursor:
        first = day * readings
        sql = _ROWS.format(db=db, first=first, day_ms=day * DAY_MS, step_s=step_s, readings=readings, meters=meters)
        cursor.execute(sql)
        cursor.execute(f"CHECKPOINT {db}")
    return readings * meters
