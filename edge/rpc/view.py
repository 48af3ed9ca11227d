"""Readings and samples of a household, to the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.reading import OF_PHASE, PHASES_MAX, phase_register
from edge.domain.series_query import SeriesQuery
from edge_sdk.catalogue import CATALOGUE
from edge_sdk.wire.v1 import household_pb2 as pb
from edge_sdk.wire.v1 import meter_pb2

if TYPE_CHECKING:
    from edge.domain.meter_reading import MeterReading
    from edge.domain.series_query import SeriesPart

_OF_PHASES = {phase_register(number, name): (number, name) for number in range(1, PHASES_MAX + 1) for name in OF_PHASE}


def series_query(request: pb.ReadSeriesRequest) -> SeriesQuery:
    """Returns the domain's query."""
    return SeriesQuery(tuple(request.series), request.from_ms, request.until_ms, request.resolution_s)


def part_to_wire(part: SeriesPart, resolution_s: int, timezone: str) -> pb.ReadSeriesResponse:
    """Returns a run of samples for the wire."""
    series = [
        pb.SeriesSamples(name=name, unit=CATALOGUE[name].unit, values=values.tolist())
        for name, values in part.values.items()
    ]
    return pb.ReadSeriesResponse(from_ms=part.from_ms, resolution_s=resolution_s, series=series, timezone=timezone)


def reading_to_wire(reading: MeterReading) -> pb.MeterReading:
    """Returns a reading for the wire; what was not measured is absent."""
    place = reading.place
    said = meter_pb2.Reading(sequence=place.sequence, time_ms=place.time_ms)
    phases = [_OF_PHASES[name][0] for name in reading.registers if name in _OF_PHASES]
    said.phases.extend(meter_pb2.Phase() for _ in range(max(phases, default=0)))
    for name, value in reading.registers.items():
        if name in _OF_PHASES:
            number, field = _OF_PHASES[name]
            setattr(said.phases[number - 1], field, value)
        else:
            setattr(said, name, value)
    for sub in reading.sub_readings:
        said.sub_meters.add(
            channel=sub.channel,
            kind=meter_pb2.SubMeterKind.Name(sub.kind),
            time_ms=sub.time_ms,
            volume_l=sub.volume_l,
            energy_wh=sub.energy_wh,
        )
    said.raw_registers.extend(
        meter_pb2.RawRegister(code=code, value=value, unit=unit) for code, value, unit in reading.raw
    )
    return pb.MeterReading(
        meter_id=place.meter_id,
        received_ms=reading.received_ms,
        marks=[str(mark.name) for mark in reading.quality],
        reading=said,
    )
