"""A reading in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.cli.output import enum_word, safe
from edge.domain.reading import Quality
from edge_sdk.wire.v1.meter_pb2 import SubMeterKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from edge_sdk.wire.v1.household_pb2 import MeterReading
    from edge_sdk.wire.v1.meter_pb2 import SubMeter

_MARKS = {
    Quality.COUNTER_BACKWARDS.name: "a counter is lower than before",
    Quality.OUT_OF_ORDER.name: "it came after a newer one",
    Quality.TIME_REPEATED.name: "it has the time of the one before",
    Quality.CLOCK_AHEAD.name: "the meter's clock is ahead",
    Quality.ENERGY_JUMP.name: "a counter rose by more than the connection can carry",
}
# By the end of a register's name: what it is counted in, and how many of that a person would call one.
_UNITS = {"_wh": ("Wh", 1), "_w": ("W", 1), "_dv": ("V", 10), "_ma": ("A", 1000), "_l": ("L", 1)}


def reading_text(item: MeterReading, show: Callable[[int], str]) -> str:
    """Returns a reading as lines for a person; times are written by `show`."""
    said = item.reading
    registers = _registers(said)
    for number, phase in enumerate(said.phases, start=1):
        registers += [f"L{number} {register}" for register in _registers(phase)]
    lines = [f"{show(said.time_ms)}  {item.meter_id}  {', '.join(registers) or 'no register'}"]
    lines += [f"    {_sub_meter(sub, show)}" for sub in said.sub_meters]
    lines += [f"    {register.code}: {register.value} {register.unit}".rstrip() for register in said.raw_registers]
    if item.marks:
        lines.append(f"    odd: {'; '.join(_MARKS.get(mark, mark) for mark in item.marks)}")
    return "\n".join(safe(line) for line in lines)


def _sub_meter(sub: SubMeter, show: Callable[[int], str]) -> str:
    kind = enum_word(SubMeterKind.Name(sub.kind), "SubMeterKind")
    return f"{kind} on channel {sub.channel} at {show(sub.time_ms)}: {', '.join(_registers(sub)) or 'nothing'}"


def _registers(message: Message) -> list[str]:
    """Returns what a message says in fields that may be absent."""
    return [
        _register(field.name, getattr(message, field.name))
        for field in message.DESCRIPTOR.fields
        if field.has_presence and field.message_type is None and message.HasField(field.name)
    ]


def _register(name: str, value: int) -> str:
    for ending, (unit, divisor) in _UNITS.items():
        if name.endswith(ending):
            shown = f"{value:,}" if divisor == 1 else f"{value / divisor:,}"
            return f"{name.removesuffix(ending).replace('_', ' ')} {shown} {unit}"
    return f"{name.replace('_', ' ')} {value:,}"
