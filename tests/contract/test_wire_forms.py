"""Readings mean the same in whichever form they are sent."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import SimulatedClock
from edge.domain.meter import Meter, MeterKind
from edge.metrics import Metrics
from edge.rpc.batch import batch_from_wire
from edge.services.ingest import Ingest
from edge.settings import IngestSection
from edge.store.engine import day_name
from edge.store.store import Store
from edge_sdk.columns import encode
from edge_sdk.wire.v1 import meter_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.services.stream import Acknowledgement

DAY_MS = 86_400_000
NOW_MS = 20_623 * DAY_MS + 1_800_000
SETTINGS = IngestSection(flush_ms=1, keep_raw=True, raw_registers_max=2, raw_chars_max=8)
FRESH = itertools.count()

# Around every limit: some of each are absent, zero, usual, at the limit, beyond it, negative.
WATTS = st.sampled_from([0, 1, 500, 100_000, 100_001, -1])
WATT_HOURS = st.sampled_from([0, 5, 1_000, 10**10, 10**10 + 1, -1])
COUNTS = st.sampled_from([0, 7, 2**32 - 1])
LITRES = st.sampled_from([0, 1, 10**9, 10**9 + 1, -1])
# Over midnight, too old, and too far ahead to wait.
TIMES_MS = st.integers(-3, 0).map(lambda quarters: NOW_MS + quarters * 900_000) | st.sampled_from(
    [NOW_MS - 40 * DAY_MS, NOW_MS + 2 * DAY_MS, NOW_MS - 1_800_001, NOW_MS - 1_800_000]
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any subset of fields."""
    return st.fixed_dictionaries({}, optional=fields)


PHASES = some(
    power_import_w=WATTS,
    power_export_w=WATTS,
    voltage_dv=st.sampled_from([0, 2_300, 5_000, 5_001, -1]),
    current_ma=st.sampled_from([0, 200_000, 200_001, -1]),
    voltage_sags=COUNTS,
    voltage_swells=COUNTS,
).map(lambda fields: pb.Phase(**fields))
SUB_METERS = st.builds(
    lambda channel, kind, time_ms, values: pb.SubMeter(channel=channel, kind=kind, time_ms=time_ms, **values),
    st.integers(0, 5),
    st.integers(0, 7),
    TIMES_MS,
    some(volume_l=LITRES, energy_wh=WATT_HOURS),
)
RAW = st.builds(pb.RawRegister, code=st.text(max_size=4), value=st.text(max_size=4), unit=st.sampled_from(["", "W"]))
READINGS = st.builds(
    lambda time_ms, phases, subs, raw, values: pb.Reading(
        time_ms=time_ms, phases=phases, sub_meters=subs, raw_registers=raw, **values
    ),
    TIMES_MS,
    st.lists(PHASES, max_size=3),
    st.lists(SUB_METERS, max_size=5),
    st.lists(RAW, max_size=3),
    some(
        **dict.fromkeys(("energy_import_t1_wh", "energy_import_t2_wh", "energy_import_wh"), WATT_HOURS),
        **dict.fromkeys(("energy_export_t1_wh", "energy_export_t2_wh", "energy_export_wh"), WATT_HOURS),
        **dict.fromkeys(("power_import_w", "power_export_w", "demand_w", "peak_demand_w"), WATTS),
        **dict.fromkeys(("power_failures", "long_power_failures"), COUNTS),
        tariff=st.integers(0, 3),
    ),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("store")
    opened = Store.open(folder, "5e" * 32, memory_bytes_max=2**28, threads_max=1, write_queue_max=100)
    yield opened
    opened.close()


def stored(store: Store, meter_id: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the days' files hold of a meter, but its name."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with store.readings._engine.reading() as cursor:
        for day in store.readings._engine.days():
            for table in ("readings", "sub_readings", "raw_registers", "refused"):
                sql = f"SELECT * EXCLUDE meter_id FROM {day_name(day)}.{table} WHERE meter_id = ? ORDER BY ALL"
                found.setdefault(table, []).extend(cursor.execute(sql, [meter_id]).fetchall())
    return found


async def taken(ingest: Ingest, meter_id: str, requests: Sequence[pb.ReportReadingsRequest]) -> list[Acknowledgement]:
    """What a stream is answered."""
    async with ingest.stream(meter_id, "") as stream:
        batches = []
        for request in requests:
            parsed = pb.ReportReadingsRequest.FromString(request.SerializeToString())
            size = len(parsed.readings) or parsed.columns.count
            batches.append(await ingest.accept(stream, lambda: batch_from_wire(parsed, 2), size))  # noqa: B023 - called there
        return [await batch.acknowledged() for batch in batches]


@settings(max_examples=25, deadline=None)
@given(drawn=st.lists(READINGS, min_size=1, max_size=12), cut=st.integers(0, 12))
def test_both_forms_mean_the_same(store: Store, drawn: list[pb.Reading], cut: int) -> None:
    """Any readings, sent as rows and as columns, leave the same rows on disk and get the same answers."""
    number = next(FRESH)
    for sequence, reading in enumerate(drawn, start=1):
        reading.sequence = sequence
    batches = [batch for batch in (drawn[:cut], drawn[cut:]) if batch]
    forms = {
        f"rows-{number}": [pb.ReportReadingsRequest(readings=batch) for batch in batches],
        f"columns-{number}": [pb.ReportReadingsRequest(columns=encode(batch)) for batch in batches],
    }

    async def both() -> list[list[Acknowledgement]]:
        ingest = Ingest(store, SETTINGS, SimulatedClock(NOW_MS), Metrics())
        for meter_id in forms:
            meter = Meter(meter_id, "h1", MeterKind.ELECTRICITY, NOW_MS)
            await store.write(lambda tables: tables.meters.insert(meter))  # noqa: B023 - awaited here
        await ingest.start()
        answers = [await taken(ingest, meter_id, requests) for meter_id, requests in forms.items()]
        await ingest.stop()
        return answers

    by_rows, by_columns = asyncio.run(both())
    assert by_rows == by_columns
    assert by_rows[-1].durable_sequence == len(drawn)
    of_rows, of_columns = (stored(store, meter_id) for meter_id in forms)
    assert of_rows == of_columns
    assert len(of_rows["readings"]) + len(of_rows["refused"]) == len(drawn)
