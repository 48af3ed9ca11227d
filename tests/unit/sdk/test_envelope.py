"""Envelopes: the DSSE specification's own vectors, and everything that is not an envelope."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.envelope import Envelope, EnvelopeError, EnvelopeSignatureError, Signature, VerifyKey, pae
from edge_sdk.errors import EdgeError, Fault, IdentityError

# RFC 8032 section 7.1, TEST 1 and TEST 2.
PRIVATE = Ed25519PrivateKey.from_private_bytes(
    bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
)
KEY = VerifyKey(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
OTHER_KEY = VerifyKey(bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))

TYPE = "http://example.com/HelloWorld"


def signed(payload_type: str = TYPE, payload: bytes = b"hello world") -> Envelope:
    signature = Signature(PRIVATE.sign(pae(payload_type, payload)), KEY.key_id)
    return Envelope(payload_type, payload, (signature,))


def fields() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(signed().to_json())
    return parsed


def test_pae_vector() -> None:
    """The bytes signed are those of the specification's example (protocol.md)."""
    assert pae(TYPE, b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_pae_counts_bytes() -> None:
    """The type's length is that of its UTF-8 bytes, and an empty payload keeps its space."""
    assert pae("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_url_safe_vector() -> None:
    """An envelope in URL-safe base64, one of the specification's test vectors, is read and verified."""
    signature = "P-_KHICeR7tI6S_YyejJTRtrXhcQyQ2LYPaL8h90KjC9qN8HU_svOQ6TuDOT1HIrsGW886DbWNWcCmX5twLrAw=="
    envelope = Envelope.from_json(
        b'{"payload":"-_-_Pj8=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"%b","keyid":"A"}]}'
        % signature.encode()
    )
    envelope.verify(KEY)
    assert envelope.payload == b"\xfb\xff\xbf>?"


@given(payload_type=st.text(min_size=1), payload=st.binary(max_size=200))
def test_round_trip(payload_type: str, payload: bytes) -> None:
    """Any envelope is read back as it was written, and still verifies."""
    envelope = signed(payload_type, payload)
    again = Envelope.from_json(envelope.to_json())
    again.verify(KEY)
    assert again == envelope


def test_json_is_canonical() -> None:
    """The JSON is in the one form of RFC 8785, without empty key ids."""
    envelope = Envelope("t", b"\xff\xff", (Signature(b"s"),))
    assert envelope.to_json() == b'{"payload":"//8=","payloadType":"t","signatures":[{"sig":"cw=="}]}'


@given(payload_type=st.text(min_size=1), payload=st.binary(max_size=50))
def test_signature_covers_type_and_payload(payload_type: str, payload: bytes) -> None:
    """A signature moved to any other type or payload does not hold."""
    moved = Envelope(payload_type, payload, signed("right type", b"right payload").signatures)
    if (payload_type, payload) != ("right type", b"right payload"):
        with pytest.raises(EnvelopeSignatureError):
            moved.verify(KEY)


def test_wrong_key() -> None:
    """An envelope signed by another key is refused, even if its key id claims this one."""
    (signature,) = signed().signatures
    claimed = Envelope(TYPE, b"hello world", (Signature(signature.value, OTHER_KEY.key_id),))
    with pytest.raises(EnvelopeSignatureError, match=OTHER_KEY.key_id) as caught:
        claimed.verify(OTHER_KEY)
    assert caught.value.reason == "SIGNATURE_INVALID"
    assert isinstance(caught.value, EnvelopeError)


def test_one_of_several() -> None:
    """One signature that holds is enough, wherever it stands and whatever its key id says."""
    (good,) = signed().signatures
    Envelope(TYPE, b"hello world", (Signature(b"x"), Signature(good.value, "nonsense"))).verify(KEY)


def test_unsigned() -> None:
    """An envelope without signatures never verifies."""
    with pytest.raises(EnvelopeSignatureError):
        Envelope(TYPE, b"hello world", ()).verify(KEY)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "lacks payload, payloadType, signatures"),
        (b'{"payload":"","payload":"","payloadType":"t","signatures":[]}', "a field twice"),
        (b'{"payload":"","payloadType":"t","signatures":[{"sig":""}],"extra":1}', "does not know: 'extra'"),
        (b'{"payload":"","payloadType":"","signatures":[{"sig":""}]}', "payloadType is empty"),
        (b'{"payload":"","payloadType":7,"signatures":[{"sig":""}]}', "payloadType is not text"),
        (rb'{"payload":"","payloadType":"\ud800","signatures":[{"sig":""}]}', "half a surrogate"),
        (b'{"payload":"","payloadType":"t","signatures":[]}', "not a list of 1 to 16"),
        (b'{"payload":"","payloadType":"t","signatures":{"sig":""}}', "not a list of 1 to 16"),
        (b'{"payload":"","payloadType":"t","signatures":[%b]}' % b",".join([b"1"] * 17), "not a list of 1 to 16"),
        (b'{"payload":"","payloadType":"t","signatures":["s"]}', "A signature of the envelope is not"),
        (b'{"payload":"","payloadType":"t","signatures":[{"keyid":"k"}]}', "lacks sig"),
        (b'{"payload":"","payloadType":"t","signatures":[{"sig":"","cert":""}]}', "does not know: 'cert'"),
        (b'{"payload":"","payloadType":"t","signatures":[{"sig":"","keyid":null}]}', "keyid is not text"),
    ],
)
def test_malformed(data: bytes, what: str) -> None:
    """Whatever is not exactly an envelope is refused as the caller's fault, and the error says what is wrong."""
    with pytest.raises(EnvelopeError, match=what) as caught:
        Envelope.from_json(data)
    assert (caught.value.reason, caught.value.fault) == ("ENVELOPE_MALFORMED", Fault.CALLER)


@pytest.mark.parametrize(
    "text", ["a", "aa", "aaa", "aGk", "aGk =", "aGl=", "+_==", "-/8=", "é===", "aGk=aGk=", None, 1]
)
def test_bad_base64(text: object) -> None:
    """Base64 that is cut off, spaced, mixed or has stray bits is refused: bytes have one spelling per alphabet."""
    with pytest.raises(EnvelopeError, match="payload"):
        Envelope.from_json(json.dumps(fields() | {"payload": text}).encode())


@given(st.binary(max_size=100))
def test_both_alphabets(payload: bytes) -> None:
    """Standard and URL-safe base64 are read alike."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        data = json.dumps(fields() | {"payload": encode(payload).decode()}).encode()
        assert Envelope.from_json(data).payload == payload


def test_size_bound() -> None:
    """An envelope one byte over the bound is not even parsed; at the bound it is read."""
    data = signed().to_json()
    Envelope.from_json(data, size_bytes_max=len(data))
    with pytest.raises(EnvelopeError, match=f"at most {len(data) - 1}"):
        Envelope.from_json(data, size_bytes_max=len(data) - 1)


@given(st.binary(max_size=200))
def test_noise(data: bytes) -> None:
    """Random bytes are refused with the tree's own error and nothing else."""
    with pytest.raises(EdgeError):
        Envelope.from_json(data)


def test_key_pem_round_trip() -> None:
    """A public key is read back from its PEM, and its id is the hash of the raw key."""
    assert VerifyKey.from_pem(KEY.to_pem()) == KEY
    assert KEY.key_id == "ed25519:21fe31dfa154a261"


def test_key_check() -> None:
    """A signature holds for its own message and key only."""
    KEY.check(PRIVATE.sign(b"message"), b"message")
    for key, signature, message in [
        (OTHER_KEY, PRIVATE.sign(b"message"), b"message"),
        (KEY, PRIVATE.sign(b"message"), b"massage"),
        (KEY, b"", b"message"),
    ]:
        with pytest.raises(EnvelopeSignatureError, match=key.key_id):
            key.check(signature, message)


def test_unusable_keys() -> None:
    """What is not an Ed25519 public key is refused."""
    curve_key = ec.generate_private_key(ec.SECP256R1()).public_key()
    for pem in (b"", b"garbage", curve_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)):
        with pytest.raises(IdentityError):
            VerifyKey.from_pem(pem)
    with pytest.raises(IdentityError, match="31"):
        VerifyKey(bytes(31))
