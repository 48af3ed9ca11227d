"""The operator's certificate authority for one edge (RFC 5280), and what a peer's certificate says.

A certificate is good for one purpose: the device's serves, all others call. Who its holder is stands in one URI.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.domain.peer import Peer
from edge.errors import AuthenticationError, ConflictError, Fault, InvalidRequestError, SettingsError
from edge.trust import profile
from edge.trust.keys import KEY_UNUSABLE, load_private_key, private_pem, write_private
from edge_sdk.errors import IdentityError
from edge_sdk.identity import Role, parse_spiffe_uri, spiffe_uri, validity_ms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_DAY_MS = 86_400_000
_BACKDATE_MS = 3_600_000  # a holder's clock may be an hour slow
_VALID_DAYS_MAX = 36_500


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate and the private key made for it.

    Attributes:
        certificate_pem: the certificate.
        key_pem: its private key, P-256, PKCS #8 without passphrase; not shown in `repr`.
        serial_hex: serial number, 40 hexadecimal digits; revocations name it.
        uri: whom it was issued to.
        not_before_ms: first instant at which it is valid, unix ms UTC.
        not_after_ms: last instant.
    """

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
    serial_hex: str
    uri: str
    not_before_ms: int
    not_after_ms: int


class CertificateAuthority:
    """Issues the certificates of one edge. Its key stays with the operator, never on the device."""

    __slots__ = ("_certificate", "_key", "edge_id")

    def __init__(self, edge_id: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.edge_id = edge_id
        self._certificate = certificate
        self._key = key

    @classmethod
    def create(cls, edge_id: str, now_ms: int, valid_days: int = 3650) -> CertificateAuthority:
        """Returns a new authority with a key of its own.

        Raises:
            IdentityError: if the edge's id is not of the allowed form.
            InvalidRequestError: if it would be valid for less than a day or longer than a century.
        """
        key = profile.generate_key()
        period_ms = (now_ms - _BACKDATE_MS, now_ms + _duration_ms(valid_days))
        certificate = profile.authority(edge_id, key, period_ms).sign(key, hashes.SHA256())
        return cls(edge_id, certificate, key)

    @classmethod
    def load(cls, folder: Path, passphrase: bytes | None = None) -> CertificateAuthority:
        """Reads ca.pem and ca.key.

        Raises:
            SettingsError: reason KEY_UNUSABLE: a file is missing or damaged, they do not belong together, or the
                passphrase is not the right one.
        """
        key = load_private_key(folder / "ca.key", passphrase)
        try:
            certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
            edge_id = profile.authority_edge_id(certificate)
        except (OSError, ValueError, IdentityError) as error:
            raise _unusable(folder / "ca.pem", "is missing or is not the certificate of an edge's authority") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise _unusable(folder / "ca.key", "does not belong to ca.pem")
        return cls(edge_id, certificate, key)

    def save(self, folder: Path, passphrase: bytes | None = None) -> None:
        """Writes ca.pem and ca.key, which only its owner can read.

        Raises:
            ConflictError: if the folder holds an authority already.
            SettingsError: reason KEY_UNUSABLE: the passphrase is empty or the folder cannot be written.
        """
        key_pem = private_pem(self._key, passphrase)
        if (folder / "ca.pem").exists():
            raise ConflictError(
                f"{folder} holds a certificate authority already.",
                advice="Choose another folder.",
                reason="KEY_EXISTS",
                fault=Fault.OPERATOR,
            )
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(folder / "ca.key", key_pem)
            (folder / "ca.pem").write_bytes(self.certificate_pem)
        except OSError as error:
            raise _unusable(folder, f"cannot be written: {error.strerror}") from error

    @property
    def certificate_pem(self) -> bytes:
        """The authority's own certificate, by which every side checks the other's."""
        return self._certificate.public_bytes(Encoding.PEM)

    def issue_device(self, hosts: Sequence[str], now_ms: int, valid_days: int) -> IssuedCertificate:
        """Issues the certificate that the device serves with.

        Args:
            hosts: DNS names and IP addresses it can be reached at, besides `<edge id>.edge.internal`.
            now_ms: unix ms UTC; validity begins an hour earlier.
            valid_days: how long it is valid, but never longer than the authority.

        Raises:
            InvalidRequestError: if a host is neither a DNS name nor an IP address, or the validity is out of range.
            SettingsError: reason AUTHORITY_EXPIRED.
        """
        uri = spiffe_uri(self.edge_id, Role.EDGE, self.edge_id)
        names = profile.device_names(self.edge_id, hosts, uri)
        return self._issue(
            self.edge_id, names, ExtendedKeyUsageOID.SERVER_AUTH, self._period_ms(now_ms, valid_days, None)
        )

    def issue(
        self, role: Role, name: str, now_ms: int, valid_days: int, *, not_before_ms: int | None = None
    ) -> IssuedCertificate:
        """Issues a certificate to call the edge with.

        Args:
            role: what the holder is; not `EDGE`.
            name: which one.
            now_ms: unix ms UTC; validity begins an hour earlier.
            valid_days: how long it is valid, but never longer than the authority.
            not_before_ms: makes the validity, of `valid_days`, begin then instead.

        Raises:
            IdentityError: if the name is not of the allowed form.
            InvalidRequestError: if the role is the device's or the validity is out of range.
            SettingsError: reason AUTHORITY_EXPIRED.
        """
        if role is Role.EDGE:
            raise InvalidRequestError("The edge does not call itself.", advice="Issue a certificate of another role.")
        uri = spiffe_uri(self.edge_id, role, name)
        period_ms = self._period_ms(now_ms, valid_days, not_before_ms)
        return self._issue(name, profile.caller_names(uri), ExtendedKeyUsageOID.CLIENT_AUTH, period_ms)

    def _period_ms(self, now_ms: int, valid_days: int, not_before_ms: int | None) -> tuple[int, int]:
        """Returns the first and last instant of a certificate; none outlives its authority."""
        begin_ms = now_ms if not_before_ms is None else not_before_ms
        first_ms = now_ms - _BACKDATE_MS if not_before_ms is None else not_before_ms
        authority_last_ms = validity_ms(self._certificate)[1]
        if begin_ms >= authority_last_ms:
            raise SettingsError(
                f"The certificate authority of {self.edge_id} has expired.",
                advice="Create a new one and issue every certificate again.",
                reason="AUTHORITY_EXPIRED",
            )
        return first_ms, min(begin_ms + _duration_ms(valid_days), authority_last_ms)

    def _issue(
        self,
        name: str,
        names: x509.SubjectAlternativeName,
        purpose: x509.ObjectIdentifier,
        period_ms: tuple[int, int],
    ) -> IssuedCertificate:
        key = profile.generate_key()
        builder = profile.leaf(self._certificate, profile.subject(self.edge_id, name), key.public_key(), period_ms)
        certificate = (
            builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(names, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        first_ms, last_ms = validity_ms(certificate)
        return IssuedCertificate(
            certificate_pem=certificate.public_bytes(Encoding.PEM),
            key_pem=private_pem(key, None),
            serial_hex=profile.serial_hex(certificate),
            uri=profile.uris(certificate)[0],
            not_before_ms=first_ms,
            not_after_ms=last_ms,
        )


def read_peer(certificate_pem: bytes, edge_id: str) -> Peer:
    """Returns who a certificate was issued to. That it is genuine and valid the TLS handshake has proved.

    Raises:
        AuthenticationError: if it does not name exactly one holder at this edge.
    """
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
    except ValueError as error:
        raise AuthenticationError("The certificate cannot be read.") from error
    uris = profile.uris(certificate)
    if len(uris) != 1:
        raise AuthenticationError(f"The certificate names {len(uris)} holders instead of one.")
    try:
        trust_domain, role, name = parse_spiffe_uri(uris[0])
    except IdentityError as error:
        raise AuthenticationError(f"The certificate names nobody that an edge knows: {error.message}") from error
    if trust_domain != edge_id:
        raise AuthenticationError(
            f"The certificate was issued for edge {trust_domain!r}; this is {edge_id!r}.",
            advice="Use the identity that belongs to this edge.",
            reason="WRONG_EDGE",
        )
    return Peer(
        role=role, name=name, serial_hex=profile.serial_hex(certificate), not_after_ms=validity_ms(certificate)[1]
    )


def _duration_ms(valid_days: int) -> int:
    if not 1 <= valid_days <= _VALID_DAYS_MAX:
        raise InvalidRequestError(
            f"A certificate cannot be valid for {valid_days} days.", advice=f"Choose 1 to {_VALID_DAYS_MAX}."
        )
    return valid_days * _DAY_MS


def _unusable(path: Path, what: str) -> SettingsError:
    return SettingsError(f"{path} {what}.", advice="Name the folder that `edge init` made.", reason=KEY_UNUSABLE)
