"""Signed documents: DSSE v1 envelopes (github.com/secure-systems-lab/dsse) with Ed25519 signatures.

The signature covers the payload's type and its bytes as they are, so that nothing is parsed before it is verified.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from edge_sdk.errors import EdgeError, Fault, IdentityError

SIZE_BYTES_MAX = 1024 * 1024
SIGNATURES_MAX = 16

_RAW_KEY_SIZE_BYTES = 32


class EnvelopeError(EdgeError):
    """Bytes are not a DSSE envelope."""

    reason = "ENVELOPE_MALFORMED"
    fault = Fault.CALLER
    default_advice = "Hand in the JSON envelope as it was signed, unchanged."


class EnvelopeSignatureError(EnvelopeError):
    """No signature of an envelope holds for the key it was checked with."""

    reason = "SIGNATURE_INVALID"
    default_advice = "Check that the document was not changed and was signed with the key that is expected here."


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """An Ed25519 public key.

    Attributes:
        raw: the key as RFC 8032 encodes it, 32 bytes.
    """

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != _RAW_KEY_SIZE_BYTES:
            raise IdentityError(f"An Ed25519 public key has {_RAW_KEY_SIZE_BYTES} bytes, not {len(self.raw)}.")

    @classmethod
    def from_pem(cls, pem: bytes) -> VerifyKey:
        """Reads a public key in PEM (SubjectPublicKeyInfo).

        Raises:
            IdentityError: if it is not an Ed25519 public key.
        """
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise IdentityError("This is not a public key in PEM.") from error
        if not isinstance(key, Ed25519PublicKey):
            raise IdentityError("This public key is not an Ed25519 key.")
        return cls(key.public_bytes(Encoding.Raw, PublicFormat.Raw))

    def to_pem(self) -> bytes:
        """Returns the key in PEM (SubjectPublicKeyInfo)."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def key_id(self) -> str:
        """A short name of the key, for people and as a hint in envelopes; never decides whether to trust."""
        return f"ed25519:{hashlib.sha256(self.raw).hexdigest()[:16]}"

    def holds(self, signature: bytes, message: bytes) -> bool:
        """Whether this key made the signature of exactly this message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def check(self, signature: bytes, message: bytes) -> None:
        """Proves that this key made the signature of exactly this message.

        Raises:
            EnvelopeSignatureError: if it did not.
        """
        if not self.holds(signature, message):
            raise EnvelopeSignatureError(f"The signature does not hold for key {self.key_id}.")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope.

    Attributes:
        value: the signature.
        key_id: a hint which key made it; not covered by the signature, may be empty.
    """

    value: bytes
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload, its type, and who signed both.

    Attributes:
        payload_type: media type that says how to read the payload.
        payload: the signed bytes.
        signatures: at least one.
    """

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @classmethod
    def from_json(cls, data: bytes, *, size_bytes_max: int = SIZE_BYTES_MAX) -> Envelope:
        """Reads the JSON envelope. Verifies nothing: call `verify` before the payload is used.

        Raises:
            EnvelopeError: if it is too large or is not exactly an envelope.
        """
        if len(data) > size_bytes_max:
            raise EnvelopeError(f"The envelope has {len(data)} bytes; at most {size_bytes_max} are read.")
        fields = _object(_parse(data), "The envelope", required={"payload", "payloadType", "signatures"})
        payload_type = _text(fields["payloadType"], "payloadType")
        if not payload_type:
            raise EnvelopeError("The envelope's payloadType is empty.")
        signatures = fields["signatures"]
        if not isinstance(signatures, list) or not 1 <= len(signatures) <= SIGNATURES_MAX:
            raise EnvelopeError(f"The envelope's signatures are not a list of 1 to {SIGNATURES_MAX}.")
        return cls(
            payload_type=payload_type,
            payload=_base64(fields["payload"], "payload"),
            signatures=tuple(_signature(value) for value in signatures),
        )

    def to_json(self) -> bytes:
        """Returns the JSON envelope in canonical form (RFC 8785), with standard base64."""
        signatures = [
            {"sig": _encode(signature.value)} | ({"keyid": signature.key_id} if signature.key_id else {})
            for signature in self.signatures
        ]
        return rfc8785.dumps(
            {"payload": _encode(self.payload), "payloadType": self.payload_type, "signatures": signatures}
        )

    def verify(self, public_key: VerifyKey) -> None:
        """Proves that the holder of the key signed this payload as this type.

        Each signature is tried, whatever its key id says: DSSE leaves the id outside the signature.

        Raises:
            EnvelopeSignatureError: if no signature holds for the key.
        """
        message = pae(self.payload_type, self.payload)
        if any(public_key.holds(signature.value, message) for signature in self.signatures):
            return
        claimed = ", ".join(repr(signature.key_id) for signature in self.signatures if signature.key_id)
        raise EnvelopeSignatureError(
            f"No signature of this {self.payload_type!r} document holds for key {public_key.key_id}"
            f"{f' (it names {claimed})' if claimed else ''}."
        )


def pae(payload_type: str, payload: bytes) -> bytes:
    """Returns the bytes that are signed: DSSE's pre-authentication encoding."""
    encoded_type = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(encoded_type), encoded_type, len(payload), payload)


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data.decode(), object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise EnvelopeError("The envelope is not JSON in UTF-8.") from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses what two parsers could read differently."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise EnvelopeError("The envelope names a field twice.")
    return fields


def _object(value: Any, name: str, *, required: set[str], optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise EnvelopeError(f"{name} is not a JSON object.")
    if missing := sorted(required - value.keys()):
        raise EnvelopeError(f"{name} lacks {', '.join(missing)}.")
    if unknown := sorted(value.keys() - required - optional):
        raise EnvelopeError(f"{name} has fields that DSSE does not know: {', '.join(map(repr, unknown))}.")
    return value


def _signature(value: Any) -> Signature:
    fields = _object(value, "A signature of the envelope", required={"sig"}, optional=frozenset({"keyid"}))
    return Signature(value=_base64(fields["sig"], "sig"), key_id=_text(fields.get("keyid", ""), "keyid"))


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise EnvelopeError(f"The envelope's {name} is not text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise EnvelopeError(f"The envelope's {name} is not Unicode text: it holds half a surrogate pair.") from error
    return value


def _base64(value: Any, name: str) -> bytes:
    """Decodes standard or URL-safe base64 (RFC 4648), padded, one alphabet at a time, without stray bits."""
    text = _text(value, name)
    try:
        decoded = base64.b64decode(text, altchars=b"-_" if "-" in text or "_" in text else None, validate=True)
    except (ValueError, binascii.Error) as error:
        raise EnvelopeError(f"The envelope's {name} is not base64.") from error
    if text not in (_encode(decoded), base64.urlsafe_b64encode(decoded).decode()):
        raise EnvelopeError(f"The envelope's {name} is not base64 as RFC 4648 writes it.")
    return decoded


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
