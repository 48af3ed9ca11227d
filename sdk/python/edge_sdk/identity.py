"""Who a caller is: its role and name, the certificate that proves it, and the edge it belongs to.

Names stand in certificates as SPIFFE ids, `spiffe://<edge id>/<role>/<name>` (SPIFFE-ID section 2).
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import rfc8785
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from edge_sdk.envelope import VerifyKey
from edge_sdk.errors import IdentityError

if TYPE_CHECKING:
    from pathlib import Path

_EDGE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
_PORT_MAX = 65_535
_FIELDS = ("edge_id", "role", "name", "address", "server_name")
_REPAIR = "Copy the folder again as the operator issued it, or ask for a new identity (`edge identity issue`)."


class Role(StrEnum):
    """What a certificate's holder is; `EDGE` is the device itself."""

    METER = "meter"
    HOUSEHOLD = "household"
    ORGANIZATION = "organization"
    OPERATOR = "operator"
    EDGE = "edge"


def server_name(edge_id: str) -> str:
    """Returns the DNS name that every certificate of this edge carries, whatever address it is reached at."""
    return f"{edge_id}.edge.internal"


def spiffe_uri(edge_id: str, role: Role, name: str) -> str:
    """Returns the URI that stands for a role and name at an edge.

    Raises:
        IdentityError: if the edge's id or the name is not of the allowed form.
    """
    if not _EDGE_ID.fullmatch(edge_id):
        raise IdentityError(
            f"{edge_id!r} is not an edge id.",
            advice="Use 1 to 63 of a-z, 0-9 and '-', the first not '-'.",
        )
    if not _NAME.fullmatch(name):
        raise IdentityError(
            f"{name!r} is not a name of a {role}.",
            advice="Use 1 to 63 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit.",
        )
    return f"spiffe://{edge_id}/{role}/{name}"


def parse_spiffe_uri(uri: str) -> tuple[str, Role, str]:
    """Returns the edge's id, the role and the name that a URI stands for.

    Raises:
        IdentityError: if it is not exactly what `spiffe_uri` writes.
    """
    scheme, _, rest = uri.partition("://")
    parts = rest.split("/")
    if scheme != "spiffe" or len(parts) != 3:
        raise IdentityError(f"{uri!r} is not of the form spiffe://<edge>/<role>/<name>.")
    edge_id, role_name, name = parts
    try:
        role = Role(role_name)
    except ValueError as error:
        raise IdentityError(f"{uri!r} names no role: {role_name!r} is not one of {', '.join(Role)}.") from error
    spiffe_uri(edge_id, role, name)
    return edge_id, role, name


def validity_ms(certificate: x509.Certificate) -> tuple[int, int]:
    """Returns the first and the last instant at which a certificate is valid, unix ms UTC."""
    first = int(certificate.not_valid_before_utc.timestamp())
    last = int(certificate.not_valid_after_utc.timestamp())
    return first * 1000, last * 1000


@dataclass(frozen=True, slots=True)
class Identity:
    """All that a client needs to call one edge, and to know that it is that edge.

    Attributes:
        role: what the holder is.
        name: which one.
        edge_id: the edge it belongs to.
        address: where the edge listens, `host:port`.
        server_name: DNS name that the edge's certificate must carry.
        certificate_pem: the holder's certificate.
        key_pem: its private key, PKCS #8 without passphrase; not shown in `repr`.
        ca_pem: certificate of the edge's certificate authority.
        edge_public_key: signs heads of the audit log and receipts.
        not_before_ms: first instant at which the certificate is valid, unix ms UTC.
        not_after_ms: last instant.
    """

    role: Role
    name: str
    edge_id: str
    address: str
    server_name: str
    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
    ca_pem: bytes
    edge_public_key: VerifyKey
    not_before_ms: int
    not_after_ms: int

    @classmethod
    def load(cls, folder: Path) -> Identity:
        """Reads identity.json, cert.pem, key.pem, ca.pem and edge.pub, and checks that they belong together.

        Whether the certificate is valid now is for `check_validity`.

        Raises:
            IdentityError: if a file is missing, damaged or does not belong to the others; it says which.
        """
        about = _read_about(folder / "identity.json")
        certificate_pem, key_pem, ca_pem = (_read(folder / name) for name in ("cert.pem", "key.pem", "ca.pem"))
        certificate = _certificate(folder / "cert.pem", certificate_pem)
        _check_subject(folder / "cert.pem", certificate, about)
        _check_issuer(folder / "ca.pem", certificate, _certificate(folder / "ca.pem", ca_pem))
        _check_key(folder / "key.pem", key_pem, certificate)
        not_before_ms, not_after_ms = validity_ms(certificate)
        return cls(
            role=Role(about["role"]),
            name=about["name"],
            edge_id=about["edge_id"],
            address=about["address"],
            server_name=about["server_name"],
            certificate_pem=certificate_pem,
            key_pem=key_pem,
            ca_pem=ca_pem,
            edge_public_key=_read_verify_key(folder / "edge.pub"),
            not_before_ms=not_before_ms,
            not_after_ms=not_after_ms,
        )

    def save(self, folder: Path) -> None:
        """Writes what `load` reads, in place of an older identity. The private key is the owner's alone at all times.

        Raises:
            IdentityError: if the folder cannot be written.
        """
        about = {name: str(getattr(self, name)) for name in _FIELDS}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(folder / "identity.json", rfc8785.dumps(about) + b"\n", mode=0o644)
            _write(folder / "key.pem", self.key_pem, mode=0o600)
            _write(folder / "cert.pem", self.certificate_pem, mode=0o644)
            _write(folder / "ca.pem", self.ca_pem, mode=0o644)
            _write(folder / "edge.pub", self.edge_public_key.to_pem(), mode=0o644)
        except OSError as error:
            raise IdentityError(
                f"The identity cannot be written to {folder}: {error.strerror}.",
                advice="Choose a folder that you may write to.",
            ) from error

    def check_validity(self, now_ms: int) -> None:
        """Proves that the certificate is valid now.

        Raises:
            IdentityError: if it has expired or is not valid yet.
        """
        renew = f"issue a new one with `edge identity issue {self.role} {self.name}`"
        if now_ms < self.not_before_ms:
            raise IdentityError(
                f"The identity of {self.role} {self.name!r} is not valid before {_date(self.not_before_ms)}.",
                advice=f"Set this machine's clock, which shows {_date(now_ms)}; if it is right, {renew}.",
            )
        if now_ms > self.not_after_ms:
            raise IdentityError(
                f"The identity of {self.role} {self.name!r} expired on {_date(self.not_after_ms)}; {renew}.",
                advice="Only the operator can do that.",
            )


def _date(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _unusable(path: Path, what: str) -> IdentityError:
    return IdentityError(f"{path} {what}.", advice=_REPAIR)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _unusable(path, "is missing") from error
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}") from error


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Replaces a file in one step. It has its mode from the first byte on, so that nobody reads it in between."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    beside.replace(path)


def _read_about(path: Path) -> dict[str, str]:
    try:
        about: Any = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise _unusable(path, "is not JSON") from error
    if not isinstance(about, dict) or set(about) != set(_FIELDS):
        raise _unusable(path, f"does not hold exactly {', '.join(_FIELDS)}")
    if not all(isinstance(value, str) for value in about.values()):
        raise _unusable(path, "holds a value that is not text")
    try:
        parse_spiffe_uri(f"spiffe://{about['edge_id']}/{about['role']}/{about['name']}")
    except IdentityError as error:
        raise _unusable(path, f"names nobody: {error.message.rstrip('.')}") from error
    address = _ADDRESS.fullmatch(about["address"])
    if address is None or not 1 <= int(address["port"]) <= _PORT_MAX:
        raise _unusable(path, f"has an address that is not host:port: {about['address']!r}")
    if about["server_name"] != server_name(about["edge_id"]):
        raise _unusable(path, f"has server_name {about['server_name']!r}, not {server_name(about['edge_id'])!r}")
    return about


def _certificate(path: Path, pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise _unusable(path, "is not a certificate in PEM") from error


def _read_verify_key(path: Path) -> VerifyKey:
    try:
        return VerifyKey.from_pem(_read(path))
    except IdentityError as error:
        raise _unusable(path, f"is not the edge's public key: {error.message.rstrip('.')}") from error


def _check_subject(path: Path, certificate: x509.Certificate, about: dict[str, str]) -> None:
    uri = spiffe_uri(about["edge_id"], Role(about["role"]), about["name"])
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise _unusable(path, "names nobody: it has no subject alternative name") from error
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if uris != [uri]:
        raise _unusable(path, f"is of {', '.join(uris) or 'nobody'}, but identity.json says {uri}")


def _check_issuer(path: Path, certificate: x509.Certificate, authority: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise _unusable(path, "is not the authority that issued cert.pem") from error


def _check_key(path: Path, key_pem: bytes, certificate: x509.Certificate) -> None:
    try:
        key = load_pem_private_key(key_pem, password=None)
    except TypeError as error:
        raise _unusable(path, "is protected by a passphrase, which an identity's key is not") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unusable(path, "is not a private key in PEM") from error
    if key.public_key() != certificate.public_key():
        raise _unusable(path, "does not belong to cert.pem")
