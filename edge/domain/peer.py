"""A peer: who is at the other end of a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_sdk.identity import Role


@dataclass(frozen=True, slots=True)
class Peer:
    """What a verified certificate says about its holder.

    Attributes:
        role: what its holder may be.
        name: which meter, household, organization or operator it is.
        serial_hex: serial number of the certificate, 40 hexadecimal digits; revocations name it.
        not_after_ms: last instant at which the certificate is valid, unix ms UTC.
    """

    role: Role
    name: str
    serial_hex: str
    not_after_ms: int
