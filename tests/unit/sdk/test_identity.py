"""Identities as a holder keeps them in a folder."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.trust.certificates import CertificateAuthority
from edge.trust.keys import SigningKey
from edge_sdk.errors import Fault, IdentityError
from edge_sdk.identity import Identity, Role, parse_spiffe_uri, server_name, spiffe_uri

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
AUTHORITY = CertificateAuthority.create("edge-1", NOW_MS)
OTHER_AUTHORITY = CertificateAuthority.create("edge-1", NOW_MS)

edge_ids = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True)


def make_identity(authority: CertificateAuthority = AUTHORITY, name: str = "acme") -> Identity:
    issued = authority.issue(Role.ORGANIZATION, name, NOW_MS, 30)
    return Identity(
        role=Role.ORGANIZATION,
        name=name,
        edge_id="edge-1",
        address="127.0.0.1:7443",
        server_name=server_name("edge-1"),
        certificate_pem=issued.certificate_pem,
        key_pem=issued.key_pem,
        ca_pem=authority.certificate_pem,
        edge_public_key=SigningKey.generate().verify_key,
        not_before_ms=issued.not_before_ms,
        not_after_ms=issued.not_after_ms,
    )


IDENTITY = make_identity()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    IDENTITY.save(tmp_path / "acme")
    return tmp_path / "acme"


@given(edge_id=edge_ids, role=st.sampled_from(Role), name=names)
def test_uri_round_trip(edge_id: str, role: Role, name: str) -> None:
    """Every role and allowed name has a URI from which both are read back."""
    assert parse_spiffe_uri(spiffe_uri(edge_id, role, name)) == (edge_id, role, name)


@pytest.mark.parametrize("name", ["", "A", "-a", ".a", "_a", "a/b", "a b", "a\n", "é", "a" * 64, "..", "a%2f"])
def test_bad_names(name: str) -> None:
    """A name that could be mistaken for another, or for a path, is refused; the advice says what is allowed."""
    with pytest.raises(IdentityError) as caught:
        spiffe_uri("edge-1", Role.METER, name)
    assert "1 to 63" in caught.value.advice


@pytest.mark.parametrize("edge_id", ["", "Edge", "-e", "e.f", "e_f", "e/f", "e\n", "e" * 64])
def test_bad_edge_ids(edge_id: str) -> None:
    """An edge's id is one DNS label."""
    with pytest.raises(IdentityError, match="edge id"):
        spiffe_uri(edge_id, Role.METER, "m")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "spiffe://e",
        "spiffe://e/meter",
        "spiffe://e/meter/",
        "spiffe://e/meter/m/",
        "spiffe://e/meter/m/n",
        "spiffe://e/meter/m?x",
        "spiffe://e/meter/m#x",
        "spiffe://e:1/meter/m",
        "spiffe://u@e/meter/m",
        "spiffe:///meter/m",
        "SPIFFE://e/meter/m",
        "https://e/meter/m",
        "spiffe:e/meter/m",
        "spiffe://e/METER/m",
        "spiffe://e/admin/m",
        "spiffe://e/meter/m\n",
        " spiffe://e/meter/m",
    ],
)
def test_bad_uris(uri: str) -> None:
    """Only the exact form is read: nothing is trimmed, folded or ignored."""
    with pytest.raises(IdentityError):
        parse_spiffe_uri(uri)


@given(st.text(max_size=30))
def test_noise_uris(text: str) -> None:
    """Text that is read as a URI is exactly what would be written for it."""
    try:
        parts = parse_spiffe_uri(f"spiffe://{text}")
    except IdentityError:
        return
    assert spiffe_uri(*parts) == f"spiffe://{text}"


def test_round_trip(folder: Path) -> None:
    """An identity is read back as it was written."""
    assert Identity.load(folder) == IDENTITY


def test_private(folder: Path) -> None:
    """The folder and the key are for their owner alone, and the key is not in the identity's text."""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    assert "PRIVATE" not in repr(IDENTITY)


def test_save_replaces(folder: Path) -> None:
    """A renewed identity takes the place of the old one, even over a key that was left half written."""
    (folder / ".key.pem.new").write_bytes(b"half")
    renewed = make_identity()
    renewed.save(folder)
    assert Identity.load(folder) == renewed
    assert sorted(path.name for path in folder.iterdir()) == [
        "ca.pem",
        "cert.pem",
        "edge.pub",
        "identity.json",
        "key.pem",
    ]


def test_save_where_it_cannot(tmp_path: Path) -> None:
    """A folder that cannot be made is an error that names it."""
    (tmp_path / "file").touch()
    with pytest.raises(IdentityError, match="file"):
        IDENTITY.save(tmp_path / "file" / "acme")


@pytest.mark.parametrize("name", ["identity.json", "cert.pem", "key.pem", "ca.pem", "edge.pub"])
@pytest.mark.parametrize("damage", ["missing", "folder", "empty", "garbled", "binary"])
def test_damage(folder: Path, name: str, damage: str) -> None:
    """Each file that is missing or damaged is named by the error, which says what to do."""
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes({"empty": b"", "garbled": content[: len(content) // 2], "binary": b"\xff\x00"}[damage])
    with pytest.raises(IdentityError, match=name) as caught:
        Identity.load(folder)
    assert "edge identity issue" in caught.value.advice
    assert caught.value.fault is Fault.CALLER


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"role": "operator"}, r"cert.pem is of spiffe://edge-1/organization/acme, but .*operator/acme"),
        ({"name": "other"}, "cert.pem is of .*but identity.json says spiffe://edge-1/organization/other"),
        ({"edge_id": "edge-2", "server_name": "edge-2.edge.internal"}, "cert.pem is of"),
        ({"role": "admin"}, "identity.json names nobody"),
        ({"name": "a/b"}, "identity.json names nobody"),
        ({"server_name": "example.com"}, "identity.json has server_name 'example.com'"),
        ({"address": "no-port"}, "identity.json has an address"),
        ({"address": "host:0"}, "identity.json has an address"),
        ({"address": "host:65536"}, "identity.json has an address"),
        ({"address": "a:1:2"}, "identity.json has an address"),
        ({"address": 7}, "identity.json holds a value that is not text"),
        ({"extra": "x"}, "identity.json does not hold exactly"),
    ],
)
def test_identity_json(folder: Path, change: dict[str, object], what: str) -> None:
    """identity.json that is wrong in itself, or says another than the certificate, is refused."""
    path = folder / "identity.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(IdentityError, match=what):
        Identity.load(folder)


@pytest.mark.parametrize("address", ["localhost:1", "10.0.0.7:65535", "[::1]:7443", "edge-1.example.org:7443"])
def test_addresses(folder: Path, address: str) -> None:
    """Names, IPv4 and bracketed IPv6 addresses with a port are accepted."""
    replace(IDENTITY, address=address).save(folder)
    assert Identity.load(folder).address == address


def test_key_of_another(folder: Path) -> None:
    """A key that does not belong to the certificate is refused."""
    (folder / "key.pem").write_bytes(make_identity().key_pem)
    with pytest.raises(IdentityError, match=r"key.pem does not belong to cert.pem"):
        Identity.load(folder)


def test_key_with_passphrase(folder: Path) -> None:
    """A key under a passphrase is refused with a word on it."""
    (folder / "key.pem").unlink()
    SigningKey.generate().save(folder / "key.pem", b"secret")
    with pytest.raises(IdentityError, match=r"key.pem is protected by a passphrase"):
        Identity.load(folder)


def test_authority_of_another(folder: Path) -> None:
    """An authority of the same name with another key did not issue the certificate."""
    (folder / "ca.pem").write_bytes(OTHER_AUTHORITY.certificate_pem)
    with pytest.raises(IdentityError, match=r"ca.pem is not the authority"):
        Identity.load(folder)


def test_certificate_without_names(folder: Path) -> None:
    """The authority's own certificate is nobody's identity."""
    (folder / "cert.pem").write_bytes(AUTHORITY.certificate_pem)
    with pytest.raises(IdentityError, match=r"cert.pem is of spiffe://edge-1, but"):
        Identity.load(folder)


def test_validity() -> None:
    """An identity is valid from its first to its last instant, and otherwise says when, and how to renew it."""
    for now_ms in (IDENTITY.not_before_ms, NOW_MS, IDENTITY.not_after_ms):
        IDENTITY.check_validity(now_ms)
    with pytest.raises(IdentityError, match=r"expired on 2026-10-21 .* UTC; issue a new one with `edge identity issue"):
        IDENTITY.check_validity(IDENTITY.not_after_ms + 1)
    with pytest.raises(IdentityError, match=r"not valid before 2026-09-21 .* UTC"):
        IDENTITY.check_validity(IDENTITY.not_before_ms - 1)
