"""Readings from the wire."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.reading import PHASES_MAX, SubMeterKind
from edge.errors import InvalidRequestError
from edge.rpc.batch import batch_from_wire, size_of
from edge_sdk.columns import encode
from edge_sdk.wire.v1 import meter_pb2 as pb
from tests.rows import Phase, Reading, SubReading, readings_of

if TYPE_CHECKING:
    from edge.domain.batch import ReadingBatch

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


RAW = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5)), max_size=3)
RAW_MAX = 3


@st.composite
def readings(draw: st.DrawFn, *, phases_max: int = PHASES_MAX) -> tuple[pb.Reading, Reading]:
    """Any reading, as it stands on the wire and as the edge is to hold it."""
    plain = draw(values(pb.Reading, OPTIONAL))
    phases = draw(st.lists(values(pb.Phase, OF_PHASE), max_size=phases_max))
    subs = draw(st.lists(SUB_METERS, max_size=3))
    raw = draw(RAW)
    sequence, time_ms = draw(st.integers(0, 2**63 - 1)), draw(INT64)
    wire = pb.Reading(
        sequence=sequence,
        time_ms=time_ms,
        phases=[pb.Phase(**phase) for phase in phases],
        sub_meters=[pb.SubMeter(**sub) for sub in subs],  # type: ignore[arg-type]
        raw_registers=[pb.RawRegister(code=code, value=value, unit=unit) for code, value, unit in raw],
        **plain,
    )
    whole = [*(Phase(**phase) for phase in phases), *[Phase()] * 3][:3]
    expected = Reading(
        sequence=sequence,
        time_ms=time_ms,
        phases=tuple(whole),
        sub_readings=tuple(SubReading(**{**sub, "kind": SubMeterKind(sub["kind"])}) for sub in subs),  # type: ignore[arg-type]
        raw=tuple(raw),
        **plain,
    )
    return wire, expected


def received(request: pb.ReportReadingsRequest, raw_registers_max: int = RAW_MAX) -> ReadingBatch:
    """What the edge makes of a request, over the bytes of the wire."""
    return batch_from_wire(pb.ReportReadingsRequest.FromString(request.SerializeToString()), raw_registers_max)


@given(drawn=st.lists(readings(), max_size=20))
def test_every_field_arrives_in_both_forms(drawn: list[tuple[pb.Reading, Reading]]) -> None:
    """Whatever a gateway sends arrives as it was, as rows and as columns: absent is absent, zero is zero."""
    wire, expected = [reading for reading, _ in drawn], [reading for _, reading in drawn]
    for request in (pb.ReportReadingsRequest(readings=wire), pb.ReportReadingsRequest(columns=encode(wire))):
        assert size_of(request) == len(wire)
        batch = received(request)
        assert readings_of(batch) == expected
        assert batch.overfull == ()


def test_absent_is_not_zero() -> None:
    """What is absent stays absent, also beside a reading that has it; what was measured as zero is zero."""
    wire = [
        pb.Reading(sequence=1, time_ms=2, power_import_w=0, phases=[pb.Phase(voltage_dv=0)]),
        pb.Reading(sequence=2, time_ms=2, power_export_w=0),
    ]
    for request in (pb.ReportReadingsRequest(readings=wire), pb.ReportReadingsRequest(columns=encode(wire))):
        first, second = readings_of(received(request))
        assert (first.power_import_w, first.power_export_w, first.phases[0].voltage_dv) == (0, None, 0)
        assert (second.power_import_w, second.power_export_w, second.phases[0].voltage_dv) == (None, 0, None)


@given(drawn=st.lists(readings(phases_max=5), min_size=1, max_size=5))
def test_more_phases_than_there_are(drawn: list[tuple[pb.Reading, Reading]]) -> None:
    """Rows with more than three phases are marked, to be refused one by one; columns have no place for them."""
    wire = [reading for reading, _ in drawn]
    marked = tuple(row for row, reading in enumerate(wire) if len(reading.phases) > PHASES_MAX)
    assert received(pb.ReportReadingsRequest(readings=wire)).overfull == marked
    assert (encode(wire) is None) is bool(marked)


def test_sequence_beyond_64_bits_with_sign() -> None:
    """A sequence of 2^63 or more breaks the contract; columns have no place for it."""
    wire = [pb.Reading(sequence=2**63)]
    assert encode(wire) is None
    with pytest.raises(InvalidRequestError) as caught:
        received(pb.ReportReadingsRequest(readings=wire)).check_ascending()
    assert caught.value.reason == "SEQUENCE_NOT_ASCENDING"


def test_raw_registers_are_left_out_unless_asked_for() -> None:
    """An edge that keeps no raw registers does not take them in."""
    wire = [pb.Reading(sequence=1, raw_registers=[pb.RawRegister(code="1.8.0", value="1", unit="kWh")])]
    for request in (pb.ReportReadingsRequest(readings=wire), pb.ReportReadingsRequest(columns=encode(wire))):
        assert received(request, 0).raw is None
        assert readings_of(received(request))[0].raw == (("1.8.0", "1", "kWh"),)


def test_no_more_is_looked_at_than_a_rule_needs() -> None:
    """Of a reading with a thousand sub-meters and raw registers as many are taken as refuse it."""
    flood = pb.Reading(sequence=1, sub_meters=[pb.SubMeter()] * 1_000, raw_registers=[pb.RawRegister()] * 1_000)
    batch = received(pb.ReportReadingsRequest(readings=[flood, pb.Reading(sequence=2)]))
    assert batch.sub_readings is not None
    assert batch.raw is not None
    assert (batch.sub_readings.row.tolist(), batch.raw.row.tolist()) == ([0] * 5, [0] * 4)


def test_no_field_is_forgotten() -> None:
    """Every field of the wire's reading has a place in the columns and in the edge's, under the same name."""
    known = {field.name for field in fields(Reading)}
    assert {*OPTIONAL, "sequence", "time_ms", "phases", "sub_readings", "raw"} == known
    assert {*OF_PHASE} == {field.name for field in fields(Phase)}
    on_wire = {field.name for field in pb.SubMeter.DESCRIPTOR.fields}
    assert on_wire == {field.name for field in fields(SubReading)}
    of_reading = {field.name for field in pb.Reading.DESCRIPTOR.fields}
    assert {field.name for field in pb.ReadingColumns.DESCRIPTOR.fields} == of_reading | {"count"}
    assert {field.name for field in pb.PhaseColumns.DESCRIPTOR.fields} == {*OF_PHASE}
    assert {field.name for field in pb.SubMeterColumns.DESCRIPTOR.fields} == on_wire | {"row"}


def full(*values: int) -> pb.Column:
    """A column without gaps."""
    return pb.Column(values=values)


def columns(**changes: Any) -> pb.ReadingColumns:
    """Two good readings as columns, but for `changes`."""
    return pb.ReadingColumns(**{"count": 2, "sequence": full(1, 2), "time_ms": full(5, 6), **changes})


MALFORMED = {
    "sequence has 1 values for 2 rows": columns(sequence=full(1)),
    "time_ms has 0 values for 2 rows": columns(time_ms=None),
    "time_ms is absent from some rows": columns(time_ms=pb.Column(values=[5], presence=b"\1")),
    "tariff has 3 values for 2 rows": columns(tariff=full(1, 2, 1)),
    "tariff has 2 values for 1 rows": columns(tariff=pb.Column(values=[1, 2], presence=b"\2")),
    "tariff has 2 bytes of presence for 2 rows": columns(tariff=pb.Column(values=[1], presence=b"\1\0")),
    "presence of tariff has bits beyond the last of 2 rows": columns(
        tariff=pb.Column(values=[1, 2, 1], presence=b"\7")
    ),
    "demand_w has both values and differences": columns(demand_w=pb.Column(values=[1, 2], differences=[1, 1])),
    "differences of demand_w add up to more": columns(demand_w=pb.Column(differences=[2**63 - 1, 1])),
    "differences of sequence add up to more": columns(sequence=pb.Column(differences=[-(2**63), -1])),
    "L2 voltage_dv has 1 values for 2 rows": columns(phases=[{}, {"voltage_dv": full(1)}]),
    "It has 4 phases, more than 3": columns(phases=[{}] * 4),
    "sub_meters.channel has 0 values for 1 rows": columns(sub_meters={"row": full(0)}),
    "sub_meters.row has 11 rows, too many for 2 readings": columns(sub_meters={"row": full(*[0] * 11)}),
    "sub_meters.row descends": columns(sub_meters={"row": full(1, 0)}),
    "or names a reading that is not there": columns(sub_meters={"row": full(2)}),
    "sub_meters.row descends, or": columns(sub_meters={"row": full(-1)}),
    "raw_registers has 1 registers for 2 rows": columns(raw_registers={"row": full(0, 1), "registers": [{}]}),
    "raw_registers.row has 9 rows, too many": columns(raw_registers={"row": full(*[0] * 9)}),
    "sequence has 0 values for 4294967295 rows": pb.ReadingColumns(count=2**32 - 1),
}


@pytest.mark.parametrize(("message", "malformed"), MALFORMED.items(), ids=list(MALFORMED))
def test_columns_that_do_not_agree(message: str, malformed: pb.ReadingColumns) -> None:
    """Columns that do not agree are refused whole, and the refusal says which and how."""
    with pytest.raises(InvalidRequestError) as caught:
        received(pb.ReportReadingsRequest(columns=malformed))
    assert caught.value.reason == "BATCH_MALFORMED"
    assert message in caught.value.message


def test_one_form_at_a_time() -> None:
    """A request with readings and columns is refused: nobody could say in which order they are."""
    with pytest.raises(InvalidRequestError, match="both readings and columns"):
        received(pb.ReportReadingsRequest(readings=[pb.Reading(sequence=1)], columns=columns()))


COLUMN = st.builds(
    pb.Column,
    values=st.lists(INT64, max_size=3),
    differences=st.lists(INT64, max_size=3),
    presence=st.binary(max_size=2),
)
SUBS = st.builds(pb.SubMeterColumns, **dict.fromkeys(("row", "channel", "kind", "time_ms", "volume_l"), COLUMN))
ANY_COLUMNS = st.builds(
    pb.ReadingColumns,
    count=st.integers(0, 3),
    **dict.fromkeys(("sequence", "time_ms", "tariff", "energy_import_wh"), COLUMN),
    phases=st.lists(st.builds(pb.PhaseColumns, current_ma=COLUMN), max_size=2),
    sub_meters=st.none() | SUBS,
)


@given(drawn=ANY_COLUMNS)
def test_whatever_comes_is_a_batch_or_refused(drawn: pb.ReadingColumns) -> None:
    """Columns made of anything give a batch of as many readings as they say, or a refusal; never another error."""
    with suppress(InvalidRequestError):
        batch = received(pb.ReportReadingsRequest(columns=drawn))
        assert all(column.values.size == batch.size == drawn.count for column in batch.registers.values())
        assert len(readings_of(batch)) == drawn.count


@pytest.mark.parametrize("kind", [6, 2**31 - 1, -1])
def test_kinds_to_come(kind: int) -> None:
    """A sub-meter of a kind that this release does not know is kept, as one of no known kind, with its values."""
    wire = [pb.Reading(sequence=1, sub_meters=[pb.SubMeter(channel=2, kind=kind, volume_l=7)])]  # type: ignore[arg-type]
    for request in (pb.ReportReadingsRequest(readings=wire), pb.ReportReadingsRequest(columns=encode(wire))):
        (sub,) = readings_of(received(request))[0].sub_readings
        assert (sub.kind, sub.channel, sub.volume_l) == (SubMeterKind.UNSPECIFIED, 2, 7)


def test_kinds_have_the_wires_numbers() -> None:
    """The domain's kinds of sub-meter are numbered as on the wire."""
    wire = {name.removeprefix("SUB_METER_KIND_"): number for name, number in pb.SubMeterKind.items()}
    assert wire == {kind.name: kind.value for kind in SubMeterKind}
