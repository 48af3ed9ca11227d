"""What every document signed by the operator has in common. It stands alone: an edge needs nothing else to judge it."""

from __future__ import annotations

from typing import Annotated, Self

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge.errors import DocumentError

EVERY_EDGE = "*"
VERSION_MAX = 2**53 - 1
"""The largest integer that canonical JSON takes."""
EdgeName = Annotated[str, Field(pattern=r"^(\*|[a-z0-9][a-z0-9-]{0,62})$")]
TimeMs = Annotated[int, Field(ge=0, lt=2**53)]


class Table(BaseModel):
    """A part of a document: frozen, strict, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Document(Table):
    """The envelope's payload. `version` only ever grows, per kind and subject.

    Attributes:
        edges: ids of the edges it is meant for, or `*` for all of the operator's.
        not_before_ms, not_after_ms: when it is valid, unix ms UTC.
    """

    version: Annotated[int, Field(ge=1, le=VERSION_MAX)]
    edges: Annotated[tuple[EdgeName, ...], Field(min_length=1, strict=False)] = (EVERY_EDGE,)
    not_before_ms: TimeMs
    not_after_ms: TimeMs

    @model_validator(mode="after")
    def _valid_for_some_time(self) -> Self:
        if self.not_after_ms <= self.not_before_ms:
            raise ValueError("not_after_ms is not after not_before_ms")
        return self

    def is_valid_at(self, now_ms: int) -> bool:
        """Whether its validity has begun and not ended."""
        return self.not_before_ms <= now_ms < self.not_after_ms

    def canonical_json(self) -> bytes:
        """The bytes that are signed (RFC 8785)."""
        return rfc8785.dumps(self.model_dump(mode="json", exclude_none=True))


def check_acceptable(document: Document, *, edge_id: str, now_ms: int, seen_version: int) -> None:
    """Says whether an edge takes a document whose signature holds.

    Raises:
        DocumentError: meant for another edge, already expired, or not newer than the one seen before.
    """
    if EVERY_EDGE not in document.edges and edge_id not in document.edges:
        raise DocumentError(
            f"It is meant for {', '.join(document.edges)}, not for {edge_id}.",
            advice="Sign it for this edge.",
            reason="DOCUMENT_FOR_ANOTHER_EDGE",
        )
    if now_ms >= document.not_after_ms:
        raise DocumentError("It has expired.", advice="Sign it again with a later end.", reason="DOCUMENT_EXPIRED")
    if document.version <= seen_version:
        raise DocumentError(
            f"Its version {document.version} is not newer than {seen_version}, which this edge has seen.",
            advice=f"Sign it again as version {seen_version + 1}.",
            reason="DOCUMENT_OUTDATED",
        )
