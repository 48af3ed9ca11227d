"""Signing keys on disk and at work."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ConflictError, Fault, SettingsError
from edge.trust.certificates import CertificateAuthority
from edge.trust.keys import SigningKey
from edge_sdk.envelope import Envelope, EnvelopeSignatureError

if TYPE_CHECKING:
    from pathlib import Path

KEY = SigningKey.generate()


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_round_trip(tmp_path: Path, passphrase: bytes | None) -> None:
    """A key is read back as it was written, with and without passphrase; its file is for its owner alone."""
    path = tmp_path / "root.key"
    KEY.save(path, passphrase)
    assert SigningKey.load(path, passphrase).verify_key == KEY.verify_key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (b"ENCRYPTED" in path.read_bytes()) == (passphrase is not None)


@given(payload_type=st.text(min_size=1), payload=st.binary(max_size=100))
def test_envelopes(payload_type: str, payload: bytes) -> None:
    """A signed document is verified by the public half and by no other key."""
    envelope = Envelope.from_json(KEY.sign_envelope(payload_type, payload).to_json())
    envelope.verify(KEY.verify_key)
    assert envelope.signatures[0].key_id == KEY.verify_key.key_id
    with pytest.raises(EnvelopeSignatureError):
        envelope.verify(SigningKey.generate().verify_key)


def test_keys_differ() -> None:
    """Two generated keys are two keys."""
    assert SigningKey.generate().verify_key != SigningKey.generate().verify_key


def test_text_is_public() -> None:
    """A key's text is its public id."""
    assert repr(KEY) == f"SigningKey({KEY.verify_key.key_id})"


def test_never_overwritten(tmp_path: Path) -> None:
    """A key is not overwritten by another, and the first one stays usable."""
    path = tmp_path / "root.key"
    KEY.save(path)
    with pytest.raises(ConflictError, match=r"root\.key exists") as caught:
        SigningKey.generate().save(path)
    assert caught.value.fault is Fault.OPERATOR
    assert SigningKey.load(path).verify_key == KEY.verify_key


def test_save_refused(tmp_path: Path) -> None:
    """An empty passphrase protects nothing and is refused, as is a folder that is not there."""
    with pytest.raises(SettingsError, match="passphrase is empty"):
        KEY.save(tmp_path / "root.key", b"")
    assert not (tmp_path / "root.key").exists()
    with pytest.raises(SettingsError, match="cannot be written"):
        KEY.save(tmp_path / "none" / "root.key")


@pytest.mark.parametrize(
    ("saved_with", "loaded_with", "what"),
    [
        (b"right", b"wrong", "the passphrase is wrong"),
        (b"right", None, "is protected by a passphrase"),
        (b"right", b"", "is protected by a passphrase"),
        (None, b"right", "is not protected by a passphrase, though one was given"),
    ],
)
def test_passphrases(tmp_path: Path, saved_with: bytes | None, loaded_with: bytes | None, what: str) -> None:
    """Each way in which a passphrase does not fit is told apart."""
    path = tmp_path / "root.key"
    KEY.save(path, saved_with)
    with pytest.raises(SettingsError, match=what) as caught:
        SigningKey.load(path, loaded_with)
    assert (caught.value.reason, caught.value.fault) == ("KEY_UNUSABLE", Fault.OPERATOR)
    assert caught.value.advice


def test_not_a_key(tmp_path: Path) -> None:
    """A file that is missing, is no key or holds a public key is refused."""
    path = tmp_path / "root.key"
    with pytest.raises(SettingsError, match="No such file"):
        SigningKey.load(path)
    for content in (b"", b"garbage", b"\xff\x00", KEY.verify_key.to_pem()):
        path.write_bytes(content)
        with pytest.raises(SettingsError, match="is not a key in PEM"):
            SigningKey.load(path)


def test_wrong_kind(tmp_path: Path) -> None:
    """A certificate's key cannot sign documents."""
    CertificateAuthority.create("edge-1", 1_790_000_000_000).save(tmp_path)
    with pytest.raises(SettingsError, match="is not an Ed25519 key") as caught:
        SigningKey.load(tmp_path / "ca.key")
    assert caught.value.reason == "KEY_UNUSABLE"
