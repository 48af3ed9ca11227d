"""Readings from the wire."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.reading import Phase, Reading, SubMeterKind, SubReading
from edge.rpc.meter import reading_from_wire
from edge_sdk.wire.v1 import meter_pb2 as pb

OPTIONAL = [field.name for field in pb.Reading.DESCRIPTOR.fields if field.containing_oneof is not None]
OF_PHASE = [field.name for field in pb.Phase.DESCRIPTOR.fields]
UINT32 = st.integers(0, 2**32 - 1)
INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
RANGES = {"uint32": UINT32, "int32": INT32, "int64": INT64}


def values(message: Any, names: list[str]) -> st.SearchStrategy[dict[str, int]]:
    """Any subset of a message's fields, each with any value that its type has room for."""
    types = {field.name: field for field in message.DESCRIPTOR.fields}
    ranges = {name: RANGES[_type_name(types[name])] for name in names}
    return st.fixed_dictionaries({}, optional=ranges)


def _type_name(field: Any) -> str:
    return {field.TYPE_UINT32: "uint32", field.TYPE_INT32: "int32", field.TYPE_INT64: "int64"}[field.type]


SUB_METERS = st.fixed_dictionaries(
    {"channel": UINT32, "kind": st.integers(0, 5), "time_ms": INT64},
    optional={"volume_l": INT64, "energy_wh": INT64},
)


@given(
    plain=values(pb.Reading, OPTIONAL),
    phases=st.lists(values(pb.Phase, OF_PHASE), max_size=4),
    sub_meters=st.lists(SUB_METERS, max_size=3),
    sequence=st.integers(0, 2**64 - 1),
    time_ms=INT64,
)
def test_every_field_arrives(
    plain: dict[str, int],
    phases: list[dict[str, int]],
    sub_meters: list[dict[str, int]],
    sequence: int,
    time_ms: int,
) -> None:
    """Whatever a gateway sends arrives as it was, over the bytes of the wire: absent is None, zero is zero."""
    sent = pb.Reading(
        sequence=sequence,
        time_ms=time_ms,
        phases=[pb.Phase(**phase) for phase in phases],
        sub_meters=[pb.SubMeter(**sub) for sub in sub_meters],  # type: ignore[arg-type]
        **plain,
    )
    expected_subs = [SubReading(**{**sub, "kind": SubMeterKind(sub["kind"])}) for sub in sub_meters]  # type: ignore[arg-type]
    assert reading_from_wire(pb.Reading.FromString(sent.SerializeToString())) == Reading(
        sequence=sequence,
        time_ms=time_ms,
        phases=tuple(Phase(**phase) for phase in phases),
        sub_readings=tuple(expected_subs),
        **plain,
    )


def test_absent_is_not_zero() -> None:
    """A field that is absent is None; one that was measured as zero is zero."""
    reading = reading_from_wire(pb.Reading(sequence=1, time_ms=2, power_import_w=0, phases=[pb.Phase(voltage_dv=0)]))
    assert (reading.power_import_w, reading.power_export_w) == (0, None)
    assert (reading.phases[0].voltage_dv, reading.phases[0].current_ma) == (0, None)


def test_no_field_is_forgotten() -> None:
    """Every field of the wire's reading has a place in the domain's, under the same name."""
    known = {field.name for field in fields(Reading)}
    assert {*OPTIONAL, "sequence", "time_ms", "phases", "sub_readings"} == known
    assert {*OF_PHASE} == {field.name for field in fields(Phase)}
    on_wire = {field.name for field in pb.SubMeter.DESCRIPTOR.fields}
    assert on_wire == {field.name for field in fields(SubReading)}


@pytest.mark.parametrize("kind", [6, 2**31 - 1, -1])
def test_kinds_to_come(kind: int) -> None:
    """A sub-meter of a kind that this release does not know is kept, as one of no known kind, with its values."""
    sent = pb.Reading(sequence=1, sub_meters=[pb.SubMeter(channel=2, kind=kind, volume_l=7)])  # type: ignore[arg-type]
    (sub,) = reading_from_wire(pb.Reading.FromString(sent.SerializeToString())).sub_readings
    assert (sub.kind, sub.channel, sub.volume_l) == (SubMeterKind.UNSPECIFIED, 2, 7)


def test_kinds_have_the_wires_numbers() -> None:
    """The domain's kinds of sub-meter are numbered as on the wire."""
    wire = {name.removeprefix("SUB_METER_KIND_"): number for name, number in pb.SubMeterKind.items()}
    assert wire == {kind.name: kind.value for kind in SubMeterKind}
