"""Signed heads of the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_sdk.audit import TREE_HEAD_TYPE

if TYPE_CHECKING:
    from edge.trust.keys import SigningKey
    from edge_sdk.audit import TreeHead
    from edge_sdk.envelope import Envelope


def sign_head(head: TreeHead, key: SigningKey) -> Envelope:
    """Returns the head signed by the device: from here on the edge cannot show another log of this size unnoticed."""
    return key.sign_envelope(TREE_HEAD_TYPE, head.to_payload())
