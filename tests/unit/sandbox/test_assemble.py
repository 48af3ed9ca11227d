from __future__ import annotations

import pytest

from edge.errors import Fault
from edge.sandbox.assemble import WatError, assemble


def test_assembles() -> None:
    """Text becomes the binary it stands for."""
    assert assemble("(module)", "empty.wat") == b"\0asm\x01\0\0\0"


def test_error_says_where() -> None:
    """A mistake is reported with file, line and column, and is the organization's."""
    with pytest.raises(WatError) as error:
        assemble("(module\n  (func bogus))", "mine.wat")
    assert (error.value.line, error.value.column) == (2, 9)
    assert error.value.message == "mine.wat:2:9: unknown operator or unexpected token."
    assert error.value.fault is Fault.ORGANIZATION
