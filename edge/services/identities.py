"""The operator's register of identities: issues certificates for one edge and remembers each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from edge.errors import NotFoundError, SettingsError
from edge.trust.certificates import CertificateAuthority
from edge_sdk.envelope import VerifyKey
from edge_sdk.identity import Identity, Role, server_name

if TYPE_CHECKING:
    from pathlib import Path

CA_FOLDER = "ca"
ROOT_KEY = "root.key"
EDGE_KEY = "edge.pub"
OPERATOR_NAME = "operator"
_IDENTITIES = "identities"
_REGISTER = "issued.jsonl"


@dataclass(frozen=True, slots=True)
class IssuedIdentity:
    """One line of the register."""

    role: str
    name: str
    serial_hex: str
    issued_ms: int
    not_after_ms: int


class Register:
    """What lies in the operator's folder of one edge. Its keys never leave it."""

    def __init__(self, folder: Path, authority: CertificateAuthority, edge_key: VerifyKey) -> None:
        self._folder = folder
        self._authority = authority
        self._edge_key = edge_key

    @classmethod
    def open(cls, folder: Path, passphrase: bytes | None = None) -> Register:
        """Opens the operator's folder that `edge init` made.

        Raises:
            SettingsError: it is not one, or the passphrase does not fit.
        """
        authority = CertificateAuthority.load(folder / CA_FOLDER, passphrase)
        try:
            edge_key = VerifyKey.from_pem((folder / EDGE_KEY).read_bytes())
        except OSError as error:
            raise SettingsError(
                f"{folder / EDGE_KEY} cannot be read: {error.strerror}.",
                advice="Name the operator folder of `edge init`.",
            ) from error
        return cls(folder, authority, edge_key)

    def issue(
        self, role: Role, name: str, address: str, now_ms: int, valid_days: int, out: Path | None = None
    ) -> tuple[Identity, Path]:
        """Issues an identity and writes it to a folder of its own, which it returns too.

        Raises:
            IdentityError: the name cannot be one, or the folder cannot be written.
            SettingsError: the register cannot be written.
        """
        issued = self._authority.issue(role, name, now_ms, valid_days)
        identity = Identity(
            role=role,
            name=name,
            edge_id=self._authority.edge_id,
            address=address,
            server_name=server_name(self._authority.edge_id),
            certificate_pem=issued.certificate_pem,
            key_pem=issued.key_pem,
            ca_pem=self._authority.certificate_pem,
            edge_public_key=self._edge_key,
            not_before_ms=issued.not_before_ms,
            not_after_ms=issued.not_after_ms,
        )
        own = (role, name) == (Role.OPERATOR, OPERATOR_NAME)
        folder = out or self._folder / _IDENTITIES / (OPERATOR_NAME if own else f"{role}-{name}")
        # In this order: what the register does not know cannot be revoked.
        self._remember(IssuedIdentity(role.value, name, issued.serial_hex, now_ms, issued.not_after_ms))
        identity.save(folder)
        return identity, folder

    def issued(self) -> list[IssuedIdentity]:
        """Returns every identity ever issued, oldest first."""
        file = self._folder / _REGISTER
        if not file.exists():
            return []
        return [IssuedIdentity(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]

    def serials_of(self, role: Role, name: str) -> tuple[str, ...]:
        """Returns the serial numbers of every certificate issued to a role and name.

        Raises:
            NotFoundError: there is none.
        """
        serials = tuple(item.serial_hex for item in self.issued() if (item.role, item.name) == (role.value, name))
        if not serials:
            raise NotFoundError(
                f"No identity was issued to {role} {name}.",
                advice="`edge identity list` shows all.",
                reason="IDENTITY_NOT_FOUND",
            )
        return serials

    def address(self) -> str:
        """Returns where the edge is reached, as the operator's own identity has it."""
        return Identity.load(self._folder / _IDENTITIES / OPERATOR_NAME).address

    def _remember(self, issued: IssuedIdentity) -> None:
        try:
            with (self._folder / _REGISTER).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(issued)) + "\n")
        except OSError as error:
            raise SettingsError(
                f"{self._folder / _REGISTER} cannot be written: {error.strerror}.",
                advice="Nothing was issued; make the operator folder writable.",
            ) from error
