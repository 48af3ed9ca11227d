"""Commitments and signed tree heads, from the side of whoever doubts them."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.audit import TREE_HEAD_TYPE, TreeHead, commitment, entry_leaf_hash
from edge_sdk.envelope import Envelope, Signature, VerifyKey, pae
from edge_sdk.errors import ProofError
from edge_sdk.merkle import EMPTY_ROOT, leaf_hash

PRIVATE = Ed25519PrivateKey.generate()
KEY = VerifyKey(PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
HEAD = TreeHead(edge_id="edge-1", tree_size=3, root_hash=bytes(range(32)), time_ms=1_790_000_000_000)


def envelope_json(payload: bytes, payload_type: str = TREE_HEAD_TYPE) -> bytes:
    return Envelope(payload_type, payload, (Signature(PRIVATE.sign(pae(payload_type, payload))),)).to_json()


def test_commitment_formula() -> None:
    """A commitment is the hash of domain, salt length, salt and payload, and the leaf is its leaf hash."""
    expected = hashlib.sha256(b"edge/audit/v1\x00" + b"\x04" + b"salt" + b"payload").digest()
    assert commitment(b"salt", b"payload") == expected
    assert entry_leaf_hash(b"salt", b"payload") == leaf_hash(expected)


@given(salt=st.binary(max_size=40), payload=st.binary(max_size=40), cut=st.integers(0, 40))
def test_commitment_binds(salt: bytes, payload: bytes, cut: int) -> None:
    """Moving bytes between salt and payload gives another commitment: an entry opens in one way only."""
    joined = salt + payload
    other = (joined[:cut], joined[cut:])
    assert (commitment(*other) == commitment(salt, payload)) == (other == (salt, payload))


def test_salt_bound() -> None:
    """A salt whose length does not fit its byte is refused."""
    commitment(bytes(255), b"")
    with pytest.raises(ProofError, match="256"):
        commitment(bytes(256), b"")


def test_payload_is_canonical() -> None:
    """What is signed is canonical JSON with the root in hexadecimal."""
    assert HEAD.to_payload() == (
        b'{"edge_id":"edge-1","kind":"tree-head",'
        b'"root_hash":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",'
        b'"time_ms":1790000000000,"tree_size":3}'
    )


@given(
    tree_size=st.integers(1, 2**53 - 1),
    root_hash=st.binary(min_size=32, max_size=32),
    time_ms=st.integers(0, 2**53 - 1),
)
def test_round_trip(tree_size: int, root_hash: bytes, time_ms: int) -> None:
    """Any signed head is read back as it was."""
    head = TreeHead("edge-1", tree_size, root_hash, time_ms)
    assert TreeHead.from_envelope(envelope_json(head.to_payload()), KEY, "edge-1") == head


def test_empty_tree() -> None:
    """The head of an empty log has the empty root and no other."""
    empty = TreeHead("edge-1", 0, EMPTY_ROOT, 1)
    assert TreeHead.from_envelope(envelope_json(empty.to_payload()), KEY, "edge-1") == empty
    with pytest.raises(ProofError):
        TreeHead.from_envelope(
            envelope_json(dataclasses.replace(empty, root_hash=bytes(32)).to_payload()), KEY, "edge-1"
        )


def test_other_key() -> None:
    """A head that another key signed is refused."""
    other = VerifyKey(Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    with pytest.raises(ProofError, match="not signed by edge 'edge-1'"):
        TreeHead.from_envelope(envelope_json(HEAD.to_payload()), other, "edge-1")


def test_other_edge() -> None:
    """A head of another edge is refused, though the same key signed it."""
    with pytest.raises(ProofError, match="of edge 'edge-1', not of 'edge-2'"):
        TreeHead.from_envelope(envelope_json(HEAD.to_payload()), KEY, "edge-2")


def test_other_type() -> None:
    """A document of another type never passes as a head."""
    with pytest.raises(ProofError, match="not a tree head"):
        TreeHead.from_envelope(envelope_json(HEAD.to_payload(), "application/json"), KEY, "edge-1")


def test_not_an_envelope() -> None:
    """Bytes that are no envelope, or one that is far too large, are refused as a proof that does not hold."""
    for data in (b"", b"{}", envelope_json(bytes(20_000))):
        with pytest.raises(ProofError):
            TreeHead.from_envelope(data, KEY, "edge-1")


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"extra": 1},
        {"tree_size": -1},
        {"tree_size": "3"},
        {"tree_size": 3.5},
        {"tree_size": True},
        {"tree_size": 2**60},
        {"time_ms": None},
        {"edge_id": None},
        {"root_hash": "00"},
        {"root_hash": "AB" * 32},
        {"root_hash": 7},
    ],
)
def test_odd_payload(change: dict[str, object]) -> None:
    """A signed payload that an edge would not write is refused."""
    fields = json.loads(HEAD.to_payload()) | change
    payload = json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()
    with pytest.raises(ProofError, match="signed tree head"):
        TreeHead.from_envelope(envelope_json(payload), KEY, "edge-1")


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b"\xff", b'"text"', b"[" * 3000, b" " + HEAD.to_payload()])
def test_no_head(payload: bytes) -> None:
    """A signed payload that is no head at all, or is spelled differently, is refused."""
    with pytest.raises(ProofError, match="signed tree head"):
        TreeHead.from_envelope(envelope_json(payload), KEY, "edge-1")
