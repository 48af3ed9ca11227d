from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.durations import every_in_words, in_words, parse_duration_s


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


@pytest.mark.parametrize(
    ("duration_s", "words", "every"),
    [
        (1, "1 second", "every second"),
        (10, "10 seconds", "every 10 seconds"),
        (90, "90 seconds", "every 90 seconds"),
        (60, "1 minute", "every minute"),
        (900, "15 minutes", "every 15 minutes"),
        (5_400, "90 minutes", "every 90 minutes"),
        (3_600, "1 hour", "every hour"),
        (86_400, "1 day", "every day"),
        (604_800, "7 days", "every 7 days"),
    ],
)
def test_in_words(duration_s: int, words: str, every: str) -> None:
    """A duration reads as a whole number of the largest unit that fits."""
    assert (in_words(duration_s), every_in_words(duration_s)) == (words, every)


@given(duration_s=st.integers(0, 10**9))
def test_words_are_exact(duration_s: int) -> None:
    """No two durations read the same."""
    count, unit = in_words(duration_s).split()
    seconds = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
    assert int(count) * seconds[unit.removesuffix("s")] == duration_s
