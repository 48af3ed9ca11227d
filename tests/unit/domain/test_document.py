from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.domain.document import Document, check_acceptable
from edge.errors import DocumentError

VALID: dict[str, Any] = {"version": 3, "not_before_ms": 1_000, "not_after_ms": 2_000}

EDGE_NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)


@given(
    version=st.integers(1, 2**53 - 1),
    edges=st.lists(EDGE_NAMES | st.just("*"), min_size=1, max_size=4),
    begin_ms=st.integers(0, 2**52),
    length_ms=st.integers(1, 2**52 - 1),
)
def test_signed_bytes_round_trip(version: int, edges: list[str], begin_ms: int, length_ms: int) -> None:
    """What is read from the signed bytes is the document, and its bytes are the same again."""
    document = Document(version=version, edges=tuple(edges), not_before_ms=begin_ms, not_after_ms=begin_ms + length_ms)
    again = Document.model_validate_json(document.canonical_json())
    assert again == document
    assert again.canonical_json() == document.canonical_json()


def test_signed_bytes_are_canonical() -> None:
    """The bytes are RFC 8785: keys in order, no spaces, whatever order the document was made in."""
    document = Document(not_after_ms=2_000, not_before_ms=1_000, version=3, edges=("edge-1",))
    assert document.canonical_json() == (b'{"edges":["edge-1"],"not_after_ms":2000,"not_before_ms":1000,"version":3}')


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": 0}, "version"),
        ({"version": 2**53}, "version"),
        ({"version": "3"}, "version"),
        ({"version": True}, "version"),
        ({"version": 3.0}, "version"),
        ({"not_before_ms": -1}, "not_before_ms"),
        ({"not_after_ms": 2**53}, "not_after_ms"),
        ({"not_after_ms": 1_000}, "not_after_ms is not after not_before_ms"),
        ({"edges": []}, "edges"),
        ({"edges": ["Edge 1"]}, "edges"),
        ({"note": "hello"}, "note"),
    ],
)
def test_invalid_documents(change: dict[str, object], field: str) -> None:
    """A field that is unknown, of another type or out of bounds is refused by name."""
    with pytest.raises(ValidationError, match=field):
        Document.model_validate_json(json.dumps({**VALID, **change}))


@pytest.mark.parametrize(("now_ms", "valid"), [(999, False), (1_000, True), (1_999, True), (2_000, False)])
def test_validity(now_ms: int, *, valid: bool) -> None:
    """A document is valid from its first instant up to, not including, its last."""
    assert Document(**VALID).is_valid_at(now_ms) is valid


@pytest.mark.parametrize("edges", [("*",), ("edge-1",), ("edge-2", "edge-1"), ("edge-2", "*")])
def test_accepted(edges: tuple[str, ...]) -> None:
    """A newer document for this edge or for all is accepted, also ahead of its time."""
    check_acceptable(Document(**VALID, edges=edges), edge_id="edge-1", now_ms=0, seen_version=2)


@pytest.mark.parametrize(
    ("edges", "now_ms", "seen_version", "reason"),
    [
        (("edge-2",), 1_500, 0, "DOCUMENT_FOR_ANOTHER_EDGE"),
        (("edge-11",), 1_500, 0, "DOCUMENT_FOR_ANOTHER_EDGE"),
        (("*",), 2_000, 0, "DOCUMENT_EXPIRED"),
        (("*",), 1_500, 3, "DOCUMENT_OUTDATED"),
        (("*",), 1_500, 4, "DOCUMENT_OUTDATED"),
    ],
)
def test_not_accepted(edges: tuple[str, ...], now_ms: int, seen_version: int, reason: str) -> None:
    """A document for another edge, expired, or seen before is refused, with what to do."""
    with pytest.raises(DocumentError) as caught:
        check_acceptable(Document(**VALID, edges=edges), edge_id="edge-1", now_ms=now_ms, seen_version=seen_version)
    assert caught.value.reason == reason
    assert caught.value.advice
