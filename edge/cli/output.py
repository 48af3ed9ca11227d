"""What commands print: for people on a terminal, or one JSON object for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from google.protobuf.message import Message

from edge_sdk.text import printable
from edge_sdk.wire.v1.module_pb2 import FaultCounts, Module, ModuleHealth, ModuleState

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORT_DIGEST = 19  # "sha256:" and 12 digits


def print_json(value: dict[str, Any]) -> None:
    """Prints one JSON object."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def plain(message: Message) -> dict[str, Any]:
    """Returns a message as plain values: names as in the protocol, numbers as numbers, enums as words, bytes as hex."""
    values: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            values[field.name] = dict(value)
        elif field.is_repeated:
            values[field.name] = [_plain_value(field, item) for item in value]
        else:
            values[field.name] = _plain_value(field, value)
    return values


def _plain_value(field: Any, value: Any) -> Any:
    if isinstance(value, Message):
        return plain(value)
    if isinstance(value, bytes):
        return value.hex()
    if field.enum_type is not None:
        return enum_word(field.enum_type.values_by_number[value].name, field.enum_type.name)
    return value


def enum_word(value_name: str, enum_name: str) -> str:
    """Returns `MODULE_STATE_ACTIVE` of `ModuleState` as `active`."""
    prefix = "".join(f"_{letter}" if letter.isupper() else letter for letter in enum_name).strip("_").upper()
    return value_name.removeprefix(f"{prefix}_").lower()


def time_text(time_ms: int) -> str:
    """Returns a time for a person, in UTC."""
    return datetime.fromtimestamp(time_ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def safe(text: str) -> str:
    """Returns text of another party's making with every character that a terminal could act on made visible."""
    return printable(text, chars_max=None)


def show_modules(modules: Iterable[Module]) -> None:
    """Prints modules for people, a line each, and what stands against those that were refused."""
    for item in modules:
        state = enum_word(ModuleState.Name(item.state), "ModuleState")
        click.echo(
            f"{safe(item.digest[:SHORT_DIGEST])}  {safe(item.organization):16} {safe(item.name) or '-':20} "
            f"{safe(item.version) or '-':8} {state:11} uploaded {time_text(item.uploaded_ms)}"
        )
        if item.HasField("health"):
            click.echo(f"    {_health_text(item.health)}")
        for finding in item.report.findings:
            click.echo(safe(f"    {finding.check}: {finding.message} {finding.advice}").rstrip())
        if item.admission.findings_count and not item.report.findings:
            click.echo(safe(f"    {item.admission.findings_count} findings, the first {item.admission.first_reason}"))


def _health_text(health: ModuleHealth) -> str:
    parts = [f"{health.evaluations:,} evaluations, {_faults_text(health.faults)}"]
    if health.HasField("last_fault_slot_ms"):
        last = f"{_faults_text(health.last_slot_faults)} of {health.last_slot_evaluations:,}"
        parts.append(f"in the last slot {last}; last fault {time_text(health.last_fault_slot_ms)}")
    if health.HasField("runs_again_ms"):
        parts.append(f"{health.bad_slots} bad slots, runs again from {time_text(health.runs_again_ms)}")
    if health.HasField("quarantined_ms"):
        since = time_text(health.quarantined_ms)
        parts.append(f"{health.bad_slots} bad slots, quarantined since {since} until `edge module resume`")
    return "; ".join(parts)


def _faults_text(faults: FaultCounts) -> str:
    counts = {name: count for name, count in plain(faults).items() if count}
    by_code = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())
    return f"{sum(counts.values()):,} faults" + (f" ({by_code})" if by_code else "")
