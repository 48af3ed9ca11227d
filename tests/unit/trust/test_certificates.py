"""Certificates: what they hold, what is read from them, and what TLS makes of them."""

from __future__ import annotations

import ssl
import stat
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.domain.peer import Peer
from edge.errors import AuthenticationError, ConflictError, InvalidRequestError, SettingsError
from edge.trust.certificates import CertificateAuthority, IssuedCertificate, read_peer
from edge_sdk.errors import IdentityError
from edge_sdk.identity import Role, server_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
AUTHORITY = CertificateAuthority.create("edge-1", NOW_MS)

CALLERS = [role for role in Role if role is not Role.EDGE]


def parse(issued: IssuedCertificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(issued.certificate_pem)


def names_of(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def self_signed(*names: x509.GeneralName) -> bytes:
    """A certificate with any names, such as no authority of ours would issue."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .issuer_name(x509.Name([]))
        .subject_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize("role", CALLERS)
def test_caller(role: Role) -> None:
    """A caller's certificate names its holder in one URI, is good for calling only, and is read back as a peer."""
    issued = AUTHORITY.issue(role, "a.b-1", NOW_MS, 30)
    certificate = parse(issued)
    assert list(names_of(certificate)) == [x509.UniformResourceIdentifier(f"spiffe://edge-1/{role}/a.b-1")]
    assert issued.uri == f"spiffe://edge-1/{role}/a.b-1"
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert read_peer(issued.certificate_pem, "edge-1") == Peer(role, "a.b-1", issued.serial_hex, issued.not_after_ms)


def test_device() -> None:
    """The device's certificate names the edge and its hosts once each, and is good for serving only."""
    hosts = ["Edge.Example.org", "10.0.0.7", "::1", "localhost", "edge-1.edge.internal", "LOCALHOST"]
    certificate = parse(AUTHORITY.issue_device(hosts, NOW_MS, 30))
    names = names_of(certificate)
    assert names.get_values_for_type(x509.DNSName) == ["edge-1.edge.internal", "edge.example.org", "localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.7", "::1"]
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://edge-1/edge/edge-1"]
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.parametrize(
    "host", ["", "a b", "host:7443", "-a.org", "a..b", "*.org", "é.org", "a\n", "a" * 64, "a." * 127 + "a"]
)
def test_bad_hosts(host: str) -> None:
    """A host that is neither a DNS name nor an address is refused."""
    with pytest.raises(InvalidRequestError, match="neither a DNS name nor an IP address"):
        AUTHORITY.issue_device([host], NOW_MS, 30)


def test_extensions() -> None:
    """Only the authority may sign certificates, critically so; key identifiers lead from leaf to authority."""
    authority = x509.load_pem_x509_certificate(AUTHORITY.certificate_pem)
    for certificate, is_authority in ((authority, True), (parse(AUTHORITY.issue(Role.METER, "m", NOW_MS, 1)), False)):
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
        assert (constraints.critical, usage.critical) == (True, True)
        assert constraints.value == x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None)
        assert (usage.value.key_cert_sign, usage.value.digital_signature) == (is_authority, not is_authority)
        assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    issuer_key = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert issuer_key == authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def test_serials() -> None:
    """Serial numbers differ and have 40 digits however they are written, so that a revocation cannot miss one."""
    serials = {AUTHORITY.issue(Role.METER, "m", NOW_MS, 1).serial_hex for _ in range(20)}
    assert len(serials) == 20
    assert all(f"{int(serial, 16):x}" == serial and len(serial) == 40 for serial in serials)


def test_keys_stay_hidden() -> None:
    """A certificate's text does not show its private key."""
    assert "PRIVATE" not in repr(AUTHORITY.issue(Role.METER, "m", NOW_MS, 1))


def test_validity() -> None:
    """Validity begins an hour before it is issued, or where it is told to, and lasts as long as asked."""
    issued = AUTHORITY.issue(Role.METER, "m", NOW_MS, 30)
    assert (issued.not_before_ms, issued.not_after_ms) == (NOW_MS - HOUR_MS, NOW_MS + 30 * DAY_MS)
    past = AUTHORITY.issue(Role.METER, "m", NOW_MS, 30, not_before_ms=NOW_MS - 40 * DAY_MS)
    assert (past.not_before_ms, past.not_after_ms) == (NOW_MS - 40 * DAY_MS, NOW_MS - 10 * DAY_MS)


def test_never_outlives_its_authority() -> None:
    """A certificate ends with its authority, and an expired authority issues none."""
    authority = CertificateAuthority.create("edge-1", NOW_MS, valid_days=10)
    end_ms = NOW_MS + 10 * DAY_MS
    assert authority.issue(Role.METER, "m", NOW_MS, 30).not_after_ms == end_ms
    assert authority.issue_device([], NOW_MS, 30).not_after_ms == end_ms
    with pytest.raises(SettingsError, match="expired") as caught:
        authority.issue(Role.METER, "m", end_ms, 1)
    assert caught.value.reason == "AUTHORITY_EXPIRED"


def test_refused_requests() -> None:
    """Names, edge ids and validities that are out of range are refused, as is a second device."""
    with pytest.raises(IdentityError, match="'M'"):
        AUTHORITY.issue(Role.METER, "M", NOW_MS, 1)
    with pytest.raises(IdentityError, match="edge id"):
        CertificateAuthority.create("Edge 1", NOW_MS)
    with pytest.raises(InvalidRequestError, match="edge does not call"):
        AUTHORITY.issue(Role.EDGE, "edge-1", NOW_MS, 1)
    for valid_days in (0, -1, 36_501):
        with pytest.raises(InvalidRequestError, match="days"):
            AUTHORITY.issue(Role.METER, "m", NOW_MS, valid_days)


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_save_and_load(tmp_path: Path, passphrase: bytes | None) -> None:
    """An authority read back is the same and issues certificates that it signed; its key is for its owner alone."""
    folder = tmp_path / "ca"
    AUTHORITY.save(folder, passphrase)
    again = CertificateAuthority.load(folder, passphrase)
    assert (again.edge_id, again.certificate_pem) == ("edge-1", AUTHORITY.certificate_pem)
    authority = x509.load_pem_x509_certificate(AUTHORITY.certificate_pem)
    parse(again.issue(Role.METER, "m", NOW_MS, 1)).verify_directly_issued_by(authority)
    assert stat.S_IMODE((folder / "ca.key").stat().st_mode) == 0o600
    with pytest.raises(ConflictError):
        AUTHORITY.save(folder, passphrase)


def test_load_refused(tmp_path: Path) -> None:
    """Files that are missing, damaged, of a holder or of another authority are refused by name."""
    AUTHORITY.save(tmp_path)
    certificate = tmp_path / "ca.pem"
    for content in (b"garbage", AUTHORITY.issue(Role.METER, "m", NOW_MS, 1).certificate_pem, self_signed()):
        certificate.write_bytes(content)
        with pytest.raises(SettingsError, match=r"ca\.pem is missing or is not"):
            CertificateAuthority.load(tmp_path)
    certificate.unlink()
    with pytest.raises(SettingsError, match=r"ca\.pem is missing or is not"):
        CertificateAuthority.load(tmp_path)
    certificate.write_bytes(CertificateAuthority.create("edge-1", NOW_MS).certificate_pem)
    with pytest.raises(SettingsError, match=r"ca\.key does not belong") as caught:
        CertificateAuthority.load(tmp_path)
    assert caught.value.reason == "KEY_UNUSABLE"


def test_save_where_it_cannot(tmp_path: Path) -> None:
    """A folder that cannot be made, and an empty passphrase, are refused."""
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be written"):
        AUTHORITY.save(tmp_path / "file" / "ca")
    with pytest.raises(SettingsError, match="passphrase is empty"):
        AUTHORITY.save(tmp_path / "ca", b"")


def test_peer_of_another_edge() -> None:
    """A certificate for another edge is refused, and the reason says so."""
    with pytest.raises(AuthenticationError, match="for edge 'edge-1'; this is 'edge-2'") as caught:
        read_peer(AUTHORITY.issue(Role.METER, "m", NOW_MS, 1).certificate_pem, "edge-2")
    assert caught.value.reason == "WRONG_EDGE"


METER = x509.UniformResourceIdentifier("spiffe://edge-1/meter/m")


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ([], "names 0 holders"),
        ([x509.DNSName("edge-1.edge.internal")], "names 0 holders"),
        ([METER, METER], "names 2 holders"),
        ([METER, x509.UniformResourceIdentifier("https://example.org")], "names 2 holders"),
        ([x509.UniformResourceIdentifier("https://edge-1/meter/m")], "nobody that an edge knows"),
        ([x509.UniformResourceIdentifier("spiffe://edge-1/root/m")], "nobody that an edge knows"),
        ([x509.UniformResourceIdentifier("spiffe://edge-1")], "nobody that an edge knows"),
    ],
)
def test_no_peer(names: list[x509.GeneralName], what: str) -> None:
    """A certificate that does not name exactly one holder is nobody's."""
    with pytest.raises(AuthenticationError, match=what):
        read_peer(self_signed(*names), "edge-1")


@pytest.mark.parametrize("pem", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_unreadable_peer(pem: bytes) -> None:
    """Bytes that are no certificate are nobody's."""
    with pytest.raises(AuthenticationError, match="cannot be read"):
        read_peer(pem, "edge-1")


# What follows asks TLS itself, by the machine's own clock.


class Handshake:
    """Both ends of a TLS connection, in memory, as strict about certificates as OpenSSL can be."""

    def __init__(
        self, folder: Path, server: tuple[IssuedCertificate, bytes], client: tuple[IssuedCertificate, bytes]
    ) -> None:
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        server_context = self._context(ssl.PROTOCOL_TLS_SERVER, folder / "server.pem", *server)
        self.server = server_context.wrap_bio(to_server, to_client, server_side=True)
        client_context = self._context(ssl.PROTOCOL_TLS_CLIENT, folder / "client.pem", *client)
        self.client = client_context.wrap_bio(to_client, to_server, server_hostname=server_name("edge-1"))

    @staticmethod
    def _context(protocol: int, file: Path, own: IssuedCertificate, authority_pem: bytes) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_verify_locations(cadata=authority_pem.decode())
        file.write_bytes(own.certificate_pem + own.key_pem)
        context.load_cert_chain(file)
        return context

    def run(self) -> None:
        """Lets the two talk until both are content, or one raises."""
        waiting: list[Callable[[], None]] = [self.client.do_handshake, self.server.do_handshake]
        for _ in range(10):
            for step in waiting.copy():
                try:
                    step()
                except ssl.SSLWantReadError:
                    continue
                waiting.remove(step)
        assert not waiting


@pytest.fixture
def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def authority(now_ms: int) -> CertificateAuthority:
    return CertificateAuthority.create("edge-1", now_ms)


def test_tls_accepts(tmp_path: Path, authority: CertificateAuthority, now_ms: int) -> None:
    """Device and caller of one authority accept each other, and the device reads who called."""
    device = authority.issue_device([], now_ms, 1)
    caller = authority.issue(Role.HOUSEHOLD, "h-1", now_ms, 1)
    handshake = Handshake(tmp_path, (device, authority.certificate_pem), (caller, authority.certificate_pem))
    handshake.run()
    shown = handshake.server.getpeercert(binary_form=True)
    assert shown is not None
    assert read_peer(ssl.DER_cert_to_PEM_cert(shown).encode(), "edge-1").name == "h-1"


def test_tls_refuses_expired_caller(tmp_path: Path, authority: CertificateAuthority, now_ms: int) -> None:
    """A caller whose certificate has expired is refused."""
    device = authority.issue_device([], now_ms, 1)
    caller = authority.issue(Role.HOUSEHOLD, "h-1", now_ms, 1, not_before_ms=now_ms - 2 * DAY_MS)
    handshake = Handshake(tmp_path, (device, authority.certificate_pem), (caller, authority.certificate_pem))
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        handshake.run()


def test_tls_refuses_caller_as_server(tmp_path: Path, authority: CertificateAuthority, now_ms: int) -> None:
    """A caller cannot pose as the device: its certificate is not good for serving."""
    caller = authority.issue(Role.OPERATOR, "o-1", now_ms, 1)
    handshake = Handshake(tmp_path, (caller, authority.certificate_pem), (caller, authority.certificate_pem))
    with pytest.raises(ssl.SSLCertVerificationError, match="unsuitable certificate purpose"):
        handshake.run()


def test_tls_refuses_device_as_caller(tmp_path: Path, authority: CertificateAuthority, now_ms: int) -> None:
    """The device's certificate, stolen, opens no door: it is not good for calling."""
    device = authority.issue_device([], now_ms, 1)
    handshake = Handshake(tmp_path, (device, authority.certificate_pem), (device, authority.certificate_pem))
    with pytest.raises(ssl.SSLCertVerificationError, match="unsuitable certificate purpose"):
        handshake.run()


def test_tls_refuses_other_authority(tmp_path: Path, authority: CertificateAuthority, now_ms: int) -> None:
    """A caller with a certificate of another authority of the same name is refused, and so is such a device."""
    other = CertificateAuthority.create("edge-1", now_ms)
    device, caller = authority.issue_device([], now_ms, 1), authority.issue(Role.METER, "m-1", now_ms, 1)
    forged_device, forged_caller = other.issue_device([], now_ms, 1), other.issue(Role.METER, "m-1", now_ms, 1)
    root = authority.certificate_pem
    for server, client in ((device, forged_caller), (forged_device, caller)):
        with pytest.raises(ssl.SSLCertVerificationError):
            Handshake(tmp_path, (server, root), (client, root)).run()


def test_tls_refuses_device_of_another_name(tmp_path: Path, authority: CertificateAuthority, now_ms: int) -> None:
    """A device that is not the edge that was called is refused by its name, though the caller trusts its authority."""
    other = CertificateAuthority.create("edge-2", now_ms)
    caller = authority.issue(Role.METER, "m-1", now_ms, 1)
    handshake = Handshake(
        tmp_path,
        (other.issue_device([], now_ms, 1), authority.certificate_pem),
        (caller, other.certificate_pem),
    )
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake.run()
