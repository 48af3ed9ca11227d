"""The profile of Edge's X.509 certificates (RFC 5280): what each of them holds. All keys are P-256."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.errors import InvalidRequestError
from edge_sdk.errors import IdentityError
from edge_sdk.identity import Role, server_name, spiffe_uri

if TYPE_CHECKING:
    from collections.abc import Sequence

_HOST_SIZE_MAX = 253
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def generate_key() -> ec.EllipticCurvePrivateKey:
    """Returns a new private key from the operating system's random source."""
    return ec.generate_private_key(ec.SECP256R1())


def authority(edge_id: str, key: ec.EllipticCurvePrivateKey, period_ms: tuple[int, int]) -> x509.CertificateBuilder:
    """Returns an authority's own certificate, to be signed by itself. It may sign leaves, and nothing else."""
    name = subject(edge_id, "certificate authority")
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(authority_uri(edge_id))])
    return (
        _begin(name, name, key.public_key(), period_ms)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_authority=True), critical=True)
        .add_extension(names, critical=False)
    )


def leaf(
    issuer: x509.Certificate, name: x509.Name, key: ec.EllipticCurvePublicKey, period_ms: tuple[int, int]
) -> x509.CertificateBuilder:
    """Returns what the certificates of all holders share; names and purpose are for the caller to add."""
    issuer_key = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key)
    return (
        _begin(issuer.subject, name, key, period_ms)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=False), critical=True)
        .add_extension(authority_key, critical=False)
    )


def subject(edge_id: str, name: str) -> x509.Name:
    """Returns a name for people who look at a certificate; nothing is decided by it."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, edge_id),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def authority_uri(edge_id: str) -> str:
    """Returns the SPIFFE id of an edge's authority, which has no path (X509-SVID section 3.1).

    Raises:
        IdentityError: if the edge's id is not of the allowed form.
    """
    return spiffe_uri(edge_id, Role.EDGE, edge_id).removesuffix(f"/{Role.EDGE}/{edge_id}")


def authority_edge_id(certificate: x509.Certificate) -> str:
    """Returns whose authority a certificate is of.

    Raises:
        IdentityError: if it is not one of an edge's authority.
    """
    names = uris(certificate)
    edge_id = names[0].removeprefix("spiffe://") if names else ""
    if names != [authority_uri(edge_id)]:
        raise IdentityError("The certificate is not of an edge's authority.")
    return edge_id


def device_names(edge_id: str, hosts: Sequence[str], uri: str) -> x509.SubjectAlternativeName:
    """Returns the names that a device serves under: its own, those of its hosts, and its URI.

    Raises:
        InvalidRequestError: if a host is neither a DNS name nor an IP address.
    """
    own = server_name(edge_id)
    others = dict.fromkeys(host.lower() for host in hosts if host.lower() != own)
    return x509.SubjectAlternativeName(
        [x509.DNSName(own), *(_host(host) for host in others), x509.UniformResourceIdentifier(uri)]
    )


def caller_names(uri: str) -> x509.SubjectAlternativeName:
    """Returns the only name of a holder who does not serve."""
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])


def uris(certificate: x509.Certificate) -> list[str]:
    """Returns the URIs that a certificate was issued to; none where its names cannot be read."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def serial_hex(certificate: x509.Certificate) -> str:
    """Returns the serial number as revocations name it, 40 hexadecimal digits."""
    return f"{certificate.serial_number:040x}"


def _begin(
    issuer: x509.Name, name: x509.Name, key: ec.EllipticCurvePublicKey, period_ms: tuple[int, int]
) -> x509.CertificateBuilder:
    first, last = (datetime.fromtimestamp(time_ms // 1000, UTC) for time_ms in period_ms)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(name)
        .public_key(key)
        .serial_number(_draw_serial())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _draw_serial() -> int:
    """Returns a random number of 158 bits with a 1 before them, so that nobody can write it with fewer than 40 digits.

    A revocation that spells a serial number differently would revoke nothing.
    """
    return x509.random_serial_number() | 1 << 158


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if len(host) <= _HOST_SIZE_MAX and _HOST.fullmatch(host):
            return x509.DNSName(host)
    raise InvalidRequestError(
        f"{host!r} is neither a DNS name nor an IP address.", advice="Name hosts without port, such as edge.example."
    )
