from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from edge.domain.meter import Meter, MeterKind
from edge.errors import StoreError

if TYPE_CHECKING:
    from edge.store.store import Store, Tables

METERS = [Meter(f"m-{kind}", "h1", kind, enrolled_ms=2**45 + number) for number, kind in enumerate(MeterKind)]


def insert(meter: Meter, tables: Tables) -> None:
    """Enrols a meter."""
    tables.meters.insert(meter)


def get(meter_id: str, tables: Tables) -> Meter | None:
    """Returns one meter."""
    return tables.meters.get(meter_id)


async def test_kept_as_enrolled(store: Store) -> None:
    """A meter of each kind is read back as it was enrolled, alone and among all, by id."""
    for meter in reversed(METERS):
        await store.write(partial(insert, meter))
    assert [store.read_now(partial(get, meter.meter_id)) for meter in METERS] == METERS
    assert store.read_now(lambda tables: tables.meters.all()) == sorted(METERS, key=lambda meter: meter.meter_id)


async def test_retired(store: Store) -> None:
    """A meter that is retired stays in the list, with the time; the others are left alone."""
    for meter in METERS:
        await store.write(partial(insert, meter))
    retired = replace(METERS[1], retired_ms=2**46)
    await store.write(lambda tables: tables.meters.update(retired))
    assert store.read_now(lambda tables: {meter.meter_id: meter for meter in tables.meters.all()}) == {
        meter.meter_id: meter for meter in (METERS[0], retired, METERS[2])
    }


@pytest.mark.parametrize("meter_id", ["", "m-%", "m_electricity", "M-ELECTRICITY", "' OR 1 = 1 --"])
async def test_unknown_meter(store: Store, meter_id: str) -> None:
    """A meter that is not there is None, also where its name looks like a pattern or like SQL."""
    await store.write(partial(insert, METERS[0]))
    assert store.read_now(partial(get, meter_id)) is None


async def test_enrolled_once(store: Store) -> None:
    """A meter's id is unique; the first enrolment stays."""
    await store.write(partial(insert, METERS[0]))
    with pytest.raises(StoreError):
        await store.write(partial(insert, Meter(METERS[0].meter_id, "h2", MeterKind.GAS, 0)))
    assert store.read_now(lambda tables: tables.meters.all()) == METERS[:1]
