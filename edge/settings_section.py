"""What every section of the settings is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024


def positive(default: int, *, up_to: int | None = None) -> int:
    """Returns a field of a whole number from 1 on."""
    return Field(default=default, ge=1, le=up_to)


class Section(BaseModel):
    """Settings that belong together; a key that is not there is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
