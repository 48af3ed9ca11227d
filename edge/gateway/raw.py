"""Registers of a telegram that a reading has no field for, as the meter said them."""

from __future__ import annotations

import re

from edge.gateway.p1 import KNOWN_CODES
from edge_sdk.wire.v1.meter_pb2 import RawRegister

# What an edge takes unless it is told otherwise: more would have it refuse the reading.
_REGISTERS_MAX = 64
_CHARS_MAX = 256
_LINE = re.compile(r"^(\d-\d:(\d+\.\d+\.\d+)(?:\*\d+)?)\(([^\r\n]*)\)\r$", re.MULTILINE)
_WITH_UNIT = re.compile(r"([^()*]*)\*([^()*]*)")


def raw_registers(telegram: bytes) -> list[RawRegister]:
    """Returns, in the telegram's order, what has no field and is no longer than an edge takes; at most 64.

    Of a register with several values the text between the first and the last bracket is the value.
    """
    registers = []
    for code, kind, text in _LINE.findall(telegram.decode("ascii", "replace")):
        if kind in KNOWN_CODES or len(code) + len(text) > _CHARS_MAX:
            continue
        with_unit = _WITH_UNIT.fullmatch(text)
        value, unit = with_unit.groups() if with_unit else (text, "")
        registers.append(RawRegister(code=code, value=value, unit=unit))
    return registers[:_REGISTERS_MAX]
