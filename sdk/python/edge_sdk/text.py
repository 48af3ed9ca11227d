"""Text that others wrote, made fit to be shown: in an error, a report, a log, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

NAME_CHARS_MAX = 64
PROBLEM_CHARS_MAX = 600
PROBLEMS_SHOWN_MAX = 10
_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")


def printable(text: str, *, chars_max: int | None = NAME_CHARS_MAX) -> str:
    r"""Returns text on one line, with what is not printable as \xNN or \u{N}, cut to `chars_max` as it is shown.

    Control characters would drive a terminal, bidirectional overrides would show another text than is there.
    """
    if chars_max is None:
        return "".join(map(_shown, text))
    shown = "".join(map(_shown, text[: chars_max + 1]))
    return f"{shown[:chars_max]}..." if len(shown) > chars_max else shown


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{{{ord(char):x}}}"


def problems_of(error: ValidationError, whole: str) -> str:
    """Returns the first few problems of a value that is not valid, each with its field, shortened and printable.

    Whoever wrote the value may have put a book, or what drives a terminal, into a key that is repeated here.

    Args:
        error: what pydantic raised.
        whole: what to call the value where no field of it is to blame.
    """
    items = error.errors(include_url=False)
    problems = []
    for item in items[:PROBLEMS_SHOWN_MAX]:
        place = ".".join(str(part) for part in item["loc"]) or whole
        unknown = item["type"] in _UNKNOWN_KEY
        message = "not known here (misspelt?)" if unknown else item["msg"].removeprefix("Value error, ")
        problems.append(printable(f"{place}: {message}", chars_max=PROBLEM_CHARS_MAX))
    more = [f"and {len(items) - PROBLEMS_SHOWN_MAX} more"] if len(items) > PROBLEMS_SHOWN_MAX else []
    return "; ".join(problems + more)
