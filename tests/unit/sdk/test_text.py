from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from edge_sdk.text import NAME_CHARS_MAX, PROBLEM_CHARS_MAX, printable, problems_of


class Meal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    plates: int


def problems(**fields: object) -> str:
    """What is wrong with a meal."""
    with pytest.raises(ValidationError) as caught:
        Meal.model_validate(fields)
    return problems_of(caught.value, "meal")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("charge now", "charge now"),
        ("prix \u00e9t\u00e9", "prix \u00e9t\u00e9"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb", r"a\x0ab"),
        ("\u202egnp.exe", r"\u{202e}gnp.exe"),
        ("x" * 64, "x" * 64),
        ("x" * 100, "x" * 64 + "..."),
    ],
)
def test_printable(text: str, shown: str) -> None:
    """What a terminal or a reader could be misled by is spelled out; the length is bounded."""
    assert printable(text) == shown


@given(st.text(max_size=100))
def test_printable_is_printable(text: str) -> None:
    """Whatever the text, it is shown on one line, without control characters, and no longer than it may be."""
    assert printable(text).isprintable()
    assert len(printable(text)) <= NAME_CHARS_MAX + len("...")
    assert printable(text, chars_max=None).isprintable()


@given(st.text(st.characters(categories=("L", "N", "P", "S"))))
def test_printable_twice(text: str) -> None:
    """What can be printed stays as it is, so that showing what is shown already changes nothing."""
    assert printable(text, chars_max=None) == text


def test_problems_name_the_field() -> None:
    """Each problem has its field; a key that is not there is called that."""
    assert problems(plates="many").startswith("plates: Input should be a valid integer")
    assert "plate: not known here (misspelt?)" in problems(plate=1)


@given(st.text(max_size=2_000), st.integers(0, 30))
def test_problems_are_bounded(key: str, count: int) -> None:
    """However many keys are wrong and whatever is written in them, it is one line of bounded length."""
    shown = problems(**{f"{key}{number}": number for number in range(count)})
    assert shown.isprintable()
    assert len(shown) < 11 * (PROBLEM_CHARS_MAX + 5)
