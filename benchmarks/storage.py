"""How many bytes a reading takes on disk: as it came, rewritten, and as roll-ups.

Measures one day of an encrypted store. The baseline is the same rows as JSON lines and as uncompressed numbers (8 bytes
each, 32 a text). Figures for a year are the day's multiplied, and say so.

    python benchmarks/storage.py
    python benchmarks/storage.py --households 500 --step 10
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

from street import DAY, KEY_HEX, fill_day

from edge.domain.slot import DAY_MS
from edge.store.store import Store

_GB = 1e9
_JSON_SAMPLE = 20_000


def measure(households: int, step_s: int, folder: Path) -> dict[str, float]:
    """Returns sizes of one day, in bytes a reading, and how long rewriting took."""
    store = Store.open(folder, KEY_HEX, memory_bytes_max=2**30, threads_max=2, write_queue_max=10)
    readings = fill_day(store, DAY, households, step_s)
    store.close()  # as a checkpoint: what is in a log is in the file then
    store = Store.open(folder, KEY_HEX, memory_bytes_max=2**30, threads_max=2, write_queue_max=10)
    (came,) = store.files.days()
    json_bytes, row_bytes = baseline(store)
    while asyncio.run(store.roll_up((DAY + 3) * DAY_MS)):
        pass
    began = time.perf_counter()
    asyncio.run(store.rewrite_day(DAY, 0))
    rewriting_s = time.perf_counter() - began
    (rewritten,) = store.files.days()
    store.close()
    return {
        "readings": readings,
        "json_lines": json_bytes,
        "uncompressed_rows": row_bytes,
        "as_it_came": came.readings_bytes / readings,
        "rewritten": rewritten.readings_bytes / readings,
        "rollups": rewritten.rollups_bytes / readings,
        "rewriting_s": rewriting_s,
    }


def baseline(store: Store) -> tuple[float, float]:
    """Returns the bytes of a reading as a JSON line, without what it does not hold, and as uncompressed columns."""
    with store._engine.reading() as cursor:  # noqa: SLF001 - no caller gets a reading, a benchmark has to look
        cursor.execute(f"SELECT * FROM day_{DAY}.readings LIMIT {_JSON_SAMPLE}")  # noqa: S608
        names = [column[0] for column in cursor.description or []]
        rows = cursor.fetchall()
    lines = [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows]
    size = sum(len(json.dumps(line)) + 1 for line in lines)
    texts = sum(len(value) if isinstance(value, str) else 8 for line in lines for value in line.values())
    return size / len(rows), texts / len(rows)


def main() -> None:
    """Runs it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--households", type=int, default=500)
    arguments.add_argument("--step", type=int, default=10, help="Seconds between two readings of a meter.")
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sizes = measure(given.households, given.step, Path(folder))
    a_year = sizes["readings"] * 365
    result = {name: round(size, 2) for name, size in sizes.items()} | {
        "ratio_to_json_lines": round(sizes["json_lines"] / sizes["rewritten"], 1),
        "ratio_to_uncompressed_rows": round(sizes["uncompressed_rows"] / sizes["rewritten"], 1),
        "ratio_of_rewriting": round(sizes["as_it_came"] / sizes["rewritten"], 2),
        "year_of_readings_gb": round(a_year * sizes["rewritten"] / _GB, 1),
        "year_of_rollups_gb": round(a_year * sizes["rollups"] / _GB, 1),
        "year_of_json_lines_gb": round(a_year * sizes["json_lines"] / _GB, 1),
    }
    if given.json:
        print(json.dumps(result))
        return
    print(f"measured: a day of {given.households} households, every {given.step} s, {sizes['readings']:,.0f} readings")
    for name in ("json_lines", "uncompressed_rows", "as_it_came", "rewritten", "rollups"):
        print(f"  {name.replace('_', ' '):20} {sizes[name]:8.2f} bytes a reading")
    print(f"  rewritten, a reading takes 1/{result['ratio_to_json_lines']} of a JSON line", end="")
    print(f" and 1/{result['ratio_to_uncompressed_rows']} of a row; rewriting took {sizes['rewriting_s']:.1f} s")
    print("multiplied by 365, not measured:")
    print(f"  readings {result['year_of_readings_gb']} GB, roll-ups {result['year_of_rollups_gb']} GB", end="")
    print(f", as JSON lines {result['year_of_json_lines_gb']} GB")


if __name__ == "__main__":
    main()
