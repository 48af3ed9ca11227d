"""Opens what the operator's root key has signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from edge.domain import approval, policy, revocations
from edge.domain.approval import Approval
from edge.domain.policy import Policy
from edge.domain.revocations import Revocations
from edge.errors import DocumentError, SignatureError
from edge_sdk.envelope import Envelope, EnvelopeError, EnvelopeSignatureError, VerifyKey
from edge_sdk.text import problems_of

if TYPE_CHECKING:
    from edge.trust.keys import SigningKey

SignedDocument = Policy | Approval | Revocations

_KINDS: dict[str, type[Policy | Approval | Revocations]] = {
    policy.PAYLOAD_TYPE: Policy,
    revocations.PAYLOAD_TYPE: Revocations,
    approval.PAYLOAD_TYPE: Approval,
}
"""In the order in which they build on each other: an approval counts only under the policy that permits it."""
_PAYLOAD_TYPES = {kind: payload_type for payload_type, kind in _KINDS.items()}


def sign_document(document: SignedDocument, key: SigningKey) -> Envelope:
    """Returns the document in an envelope that carries the operator's signature."""
    return key.sign_envelope(_PAYLOAD_TYPES[type(document)], document.canonical_json())


def precedence(envelope_json: bytes) -> int:
    """Returns which of several documents goes first: the one of the lowest number. Believes nothing, checks nothing."""
    try:
        return list(_KINDS).index(Envelope.from_json(envelope_json).payload_type)
    except (EnvelopeError, ValueError):
        return len(_KINDS)


def open_document(envelope_json: bytes, key: VerifyKey) -> SignedDocument:
    """Returns the document in an envelope, once the signature has been found to be `key`'s.

    Raises:
        SignatureError: signed by another key, or altered since.
        DocumentError: not an envelope, of a kind the edge does not know, or not valid as what it claims to be.
    """
    try:
        envelope = Envelope.from_json(envelope_json)
        envelope.verify(key)
    except EnvelopeSignatureError as error:
        raise SignatureError(f"The document is not signed by the operator's root key {key.key_id}.") from error
    except EnvelopeError as error:
        raise DocumentError(f"This is not a signed document: {error.message}") from error
    kind = _KINDS.get(envelope.payload_type)
    if kind is None:
        raise DocumentError(
            f"Documents of type {envelope.payload_type!r} are not known here.",
            advice="Sign a policy, an approval or revocations, with a release of Edge that matches the edge's.",
            reason="DOCUMENT_KIND_UNKNOWN",
        )
    try:
        return kind.model_validate_json(envelope.payload)
    except ValidationError as error:
        raise DocumentError(f"The signed document is not valid: {problems_of(error, 'document')}.") from error
