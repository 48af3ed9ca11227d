"""Turns an SML transmission of a German meter into a reading.

SML has a counter of seconds in place of a time, and few meters count them from an instant that is known. So a reading
has the time at which its transmission arrived, by the gateway's clock.

Sources: SML 1.04 (BSI TR-03109-1); IEC 62056-6-1 for the codes; IEC 62056-6-2 for the numbers of the units.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from smllib.builder.default_context import create_context
from smllib.builder.list_entry import SmlListEntryBuilder
from smllib.crc.x25 import get_crc
from smllib.errors import SmlLibException
from smllib.sml.list_entry import SmlListEntry
from smllib.sml.response_get_list import SmlGetListResponse
from smllib.sml_frame import SmlFrame

from edge.gateway.quantities import CURRENT_MA, ENERGY_WH, POWER_W, VOLTAGE_DV, integer, set_net_power
from edge.gateway.sml_types import check_types
from edge.gateway.telegram import TelegramError
from edge_sdk.wire.v1.meter_pb2 import Phase, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smllib.sml_frame_snippet import SmlFrameSnippet

    from edge.gateway.quantities import Factors

_HEAD_BYTES, _TAIL_BYTES, _CRC_BYTES = 8, 8, 2
_ESCAPE = b"\x1b" * 4
_UNITS: Final[Mapping[int | None, str]] = {27: "W", 30: "Wh", 33: "A", 35: "V"}
_POWER, _NET_POWER, _SERIAL = "0100010700ff", "0100100700ff", "0100600100ff"
_REGISTERS: Final[Mapping[str, tuple[str, Factors]]] = {
    "0100010800ff": ("energy_import_wh", ENERGY_WH),
    "0100010801ff": ("energy_import_t1_wh", ENERGY_WH),
    "0100010802ff": ("energy_import_t2_wh", ENERGY_WH),
    "0100020800ff": ("energy_export_wh", ENERGY_WH),
    "0100020801ff": ("energy_export_t1_wh", ENERGY_WH),
    "0100020802ff": ("energy_export_t2_wh", ENERGY_WH),
    "0100020700ff": ("power_export_w", POWER_W),
}
# Of L1, L2 and L3: net power, and the registers that say nothing of a direction.
_PHASES: Final[tuple[tuple[str, Mapping[str, tuple[str, Factors]]], ...]] = tuple(
    (
        f"0100{group + 15:02x}0700ff",
        {
            f"0100{group:02x}0700ff": ("power_import_w", POWER_W),
            f"0100{group + 1:02x}0700ff": ("power_export_w", POWER_W),
            f"0100{group + 10:02x}0700ff": ("current_ma", CURRENT_MA),
            f"0100{group + 11:02x}0700ff": ("voltage_dv", VOLTAGE_DV),
        },
    )
    for group in (21, 41, 61)
)
# DVS74 of DZG, made before that was mended: see _DvsEntryBuilder.
_DVS_MAKER = "0a01445a47"
_DVS_SERIALS = (range(42_000_000, 49_000_000), range(55_000_000, 59_000_000))
_INTEGER_BYTES = 4


def reading_from_sml(transmission: bytes, received_ms: int) -> Reading:
    """Returns what a transmission says; `sequence` is left 0. What it does not say stays absent.

    Args:
        transmission: from the first escape to the checksum, as `SmlFramer` finds it.
        received_ms: when it arrived, unix ms UTC.

    Raises:
        TelegramError: `TELEGRAM_CRC` or `TELEGRAM_MALFORMED`.
    """
    entries = _entries(_content(transmission))
    reading = Reading()
    try:
        _fill_electricity(reading, entries)
    except ValueError as error:
        raise TelegramError(f"A telegram cannot be understood: it holds {error}.") from error
    if not reading.ListFields():
        raise TelegramError("A telegram holds no electricity register.")
    reading.time_ms = received_ms
    return reading


def _content(transmission: bytes) -> bytes:
    """Returns the messages in a transmission, without escapes, checksum and padding."""
    if get_crc(transmission[:-_CRC_BYTES]) != int.from_bytes(transmission[-_CRC_BYTES:], "big"):
        raise TelegramError("A telegram was damaged: its checksum does not hold.", reason="TELEGRAM_CRC")
    padding_bytes = transmission[-_CRC_BYTES - 1]
    content = transmission[_HEAD_BYTES : -_TAIL_BYTES - padding_bytes]
    return content.replace(_ESCAPE * 2, _ESCAPE)


def _entries(content: bytes) -> Mapping[str, SmlListEntry]:
    """Returns the registers, by their codes in hexadecimal."""
    check_types(content)
    context = {**create_context(), SmlListEntry: _DvsEntryBuilder()}
    try:
        messages = SmlFrame(content, build_ctx=context).parse_frame()
    # The library lets through what indexing and decoding raise.
    except (SmlLibException, ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise TelegramError("A telegram cannot be understood.") from error
    bodies = [message.message_body for message in messages]
    return {entry.obis: entry for body in bodies if isinstance(body, SmlGetListResponse) for entry in body.val_list}


def _fill_electricity(reading: Reading, entries: Mapping[str, SmlListEntry]) -> None:
    _fill(reading, _REGISTERS, entries)
    net_w = _value(entries.get(_NET_POWER), POWER_W)
    power_w = _value(entries.get(_POWER), POWER_W)
    if net_w is not None:
        set_net_power(reading, net_w)
    elif power_w is not None and power_w < 0:
        # EasyMeter has the net power there.
        set_net_power(reading, power_w)
    elif power_w is not None:
        reading.power_import_w = power_w
    phases = [Phase() for _ in _PHASES]
    for phase, (net_code, registers) in zip(phases, _PHASES, strict=True):
        _fill(phase, registers, entries)
        if (net_w := _value(entries.get(net_code), POWER_W)) is not None:
            set_net_power(phase, net_w)
    # A phase is known by its place, so one without values stays where a later one has some.
    while phases and not phases[-1].ListFields():
        phases.pop()
    reading.phases.extend(phases)


def _fill(
    message: Reading | Phase, registers: Mapping[str, tuple[str, Factors]], entries: Mapping[str, SmlListEntry]
) -> None:
    for code, (field, factors) in registers.items():
        value = _value(entries.get(code), factors)
        if value is None:
            continue
        if field == "current_ma":
            # Some meters sign it by the direction of power, which a reading has elsewhere.
            value = abs(value)
        if value < 0:
            raise TelegramError(f"A register for {field} holds a negative value.")
        setattr(message, field, value)


def _value(entry: SmlListEntry | None, factors: Factors) -> int | None:
    if entry is None or not isinstance(entry.value, int) or isinstance(entry.value, bool):
        return None
    factor = factors.get(_UNITS.get(entry.unit))
    if factor is None:
        raise TelegramError(f"The unit {entry.unit} is not the one of register {entry.obis.obis_short}.")
    return integer(Decimal(entry.value).scaleb(entry.scaler or 0), factor)


class _DvsEntryBuilder(SmlListEntryBuilder):
    """Builds entries, and mends the power of a DZG DVS74 with an old firmware; one for each transmission.

    It writes 328.05 W as the two bytes 80 25 and calls them signed, which makes them -327.31 W. A negative power it
    always writes in four bytes. So in fewer there is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self._faulty = False

    def build(self, obj: SmlFrameSnippet, classes: Any) -> SmlListEntry:
        entry = super().build(obj, classes)
        if entry.obis == _SERIAL:
            self._faulty = _is_faulty(str(entry.value))
        elif entry.obis == _NET_POWER and self._faulty and isinstance(entry.value, int) and entry.value < 0:
            written = obj.get_value(list)[5].msg
            size_bytes = len(written) - 1
            if size_bytes < _INTEGER_BYTES:
                entry.value += 1 << (8 * size_bytes)
        return entry


def _is_faulty(serial: str) -> bool:
    if not serial.startswith(_DVS_MAKER):
        return False
    number = int(serial.removeprefix(_DVS_MAKER) or "0", 16)
    return any(number in serials for serials in _DVS_SERIALS)
