from __future__ import annotations

from typing import Any

from edge.gateway.raw import raw_registers


def said(telegrams: Any, *lines: str) -> list[tuple[str, str, str]]:
    """What is kept of a telegram with these lines besides its own."""
    found = raw_registers(telegrams.sealed("/EDG5\\METER", lines))
    return [(register.code, register.value, register.unit) for register in found]


def test_what_has_a_field_is_not_repeated(telegrams: Any) -> None:
    """Registers that a reading has fields for are left out; the others are kept, with their unit, in order."""
    assert said(
        telegrams,
        "1-0:1.8.1(000001.000*kWh)",
        "1-0:3.8.0(00012.5*kvarh)",
        "0-0:96.13.0(303132)",
        "0-0:17.0.0(999.9*kW)",
    ) == [
        ("1-0:3.8.0", "00012.5", "kvarh"),
        ("0-0:96.13.0", "303132", ""),
        ("0-0:17.0.0", "999.9", "kW"),
    ]


def test_several_values(telegrams: Any) -> None:
    """A register of several values is kept as it stands, without a unit of its own."""
    log = "1-0:99.97.0(1)(0-0:96.7.19)(190101000000W)(0000000240*s)"
    assert said(telegrams, log) == [("1-0:99.97.0", "1)(0-0:96.7.19)(190101000000W)(0000000240*s", "")]


def test_bounds(telegrams: Any) -> None:
    """What is longer than an edge takes is left out, and no more are sent than it takes."""
    assert said(telegrams, f"0-0:96.13.0({'3' * 246})") == []
    assert len(said(telegrams, f"0-0:96.13.0({'3' * 245})")) == 1
    assert len(said(telegrams, *[f"0-0:96.13.{number}(1)" for number in range(100)])) == 64
