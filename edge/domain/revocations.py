"""The operator's signed list of everything revoked so far. Each version repeats the earlier ones."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from edge.domain.approval import Digest
from edge.domain.document import Document
from edge.errors import DocumentError

if TYPE_CHECKING:
    from edge.domain.peer import Peer

PAYLOAD_TYPE = "application/vnd.edge.revocations.v1+json"
# Of one length and case, as the edge reads it from a certificate: another spelling would revoke nothing.
Serial = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class Revocations(Document):
    """Certificates and modules that are no longer to be trusted."""

    kind: Literal["revocations"] = "revocations"
    certificates: Annotated[tuple[Serial, ...], Field(strict=False)] = ()
    """Serial numbers, 40 hexadecimal digits."""
    modules: Annotated[tuple[Digest, ...], Field(strict=False)] = ()

    def revokes(self, peer: Peer) -> bool:
        """Whether the certificate that the peer shows is revoked."""
        return peer.serial_hex in self._serials

    @cached_property
    def _serials(self) -> frozenset[str]:
        # Asked with every message of every stream; the list only grows.
        return frozenset(self.certificates)


def check_repeats(new: Revocations, old: Revocations | None) -> None:
    """Refuses a list that would quietly take a revocation back.

    Raises:
        DocumentError: something revoked before is missing.
    """
    if old is None:
        return
    missing = (set(old.certificates) - set(new.certificates)) | (set(old.modules) - set(new.modules))
    if missing:
        raise DocumentError(
            f"The new revocations leave out {len(missing)} that version {old.version} had.",
            advice="Begin with the list that the edge has (`edge identity revoke` and `edge module revoke` do).",
            reason="REVOCATION_MISSING",
        )


__all__ = ["PAYLOAD_TYPE", "Revocations", "check_repeats"]
