from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.durations import parse_duration_s


@given(count=st.integers(1, 999_999), unit=st.sampled_from([("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]))
def test_durations(count: int, unit: tuple[str, int]) -> None:
    """A duration is a whole number of seconds, minutes, hours or days."""
    assert parse_duration_s(f"{count}{unit[0]}") == count * unit[1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15",
        "m",
        "0m",
        "-1m",
        "+1m",
        "01m",
        "1.5h",
        "1e2s",
        "15 m",
        " 15m",
        "15m\n",
        "15M",
        "1w",
        "1h30m",
        "1000000s",
        "\u0661m",
    ],
)
def test_not_durations(text: str) -> None:
    """Anything else is refused, quoted so that nothing in it reaches a terminal as it is."""
    with pytest.raises(ValueError, match="is not a duration") as caught:
        parse_duration_s(text)
    assert str(caught.value).startswith(repr(text))


@given(text=st.text(max_size=8))
def test_only_value_errors(text: str) -> None:
    """Whatever the text, it is a duration of at least a second or a ValueError."""
    try:
        seconds = parse_duration_s(text)
    except ValueError:
        return
    assert seconds >= 1
