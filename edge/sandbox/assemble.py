"""WebAssembly text to binary, for modules written by hand and for samples."""

from __future__ import annotations

import re

import wasmtime

from edge.errors import EdgeError, Fault

# The assembler ends its message with a drawing of the source, headed by the place: `--> <anon>:LINE:COLUMN`.
_PLACE = re.compile(r"\n\s*--> <anon>:(\d+):(\d+)\n")


class WatError(EdgeError):
    """WebAssembly text cannot be assembled.

    Attributes:
        line: where, from 1; 0 if the assembler did not say.
        column: where, from 1; 0 if the assembler did not say.
    """

    reason = "WAT_INVALID"
    fault = Fault.ORGANIZATION
    default_advice = "Correct the text there."

    def __init__(self, message: str, *, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def assemble(wat: str, name: str) -> bytes:
    """Returns the binary of a module in the text format.

    Args:
        wat: the text.
        name: what to call it in an error, such as its file name.

    Raises:
        WatError: if the text breaks the format. It need not be a valid module: that is for the compiler to say.
    """
    try:
        return bytes(wasmtime.wat2wasm(wat))
    except wasmtime.WasmtimeError as error:
        text = str(error)
        place = _PLACE.search(text)
        if place is None:
            raise WatError(f"{name}: {text.rstrip('.')}.") from error
        line, column = int(place[1]), int(place[2])
        raise WatError(f"{name}:{line}:{column}: {text[: place.start()]}.", line=line, column=column) from error
