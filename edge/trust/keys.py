"""Private keys: the operator's root, which signs documents offline; the device's, which signs heads and receipts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from edge.errors import ConflictError, Fault, SettingsError
from edge_sdk.envelope import Envelope, Signature, VerifyKey, pae

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

KEY_UNUSABLE = "KEY_UNUSABLE"


class SigningKey:
    """An Ed25519 private key (RFC 8032)."""

    __slots__ = ("_key",)

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def __repr__(self) -> str:
        return f"SigningKey({self.verify_key.key_id})"

    @classmethod
    def generate(cls) -> SigningKey:
        """Returns a new key from the operating system's random source, which no simulation may stand in for."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path, passphrase: bytes | None = None) -> SigningKey:
        """Reads a key that `save` wrote.

        Raises:
            SettingsError: reason KEY_UNUSABLE: missing, not an Ed25519 key, or the passphrase is not the right one.
        """
        key = load_private_key(path, passphrase)
        if not isinstance(key, Ed25519PrivateKey):
            raise SettingsError(
                f"{path} is not an Ed25519 key.",
                advice="Name the file of a signing key; those of certificates are of another kind.",
                reason=KEY_UNUSABLE,
            )
        return cls(key)

    def save(self, path: Path, passphrase: bytes | None = None) -> None:
        """Writes the key to a new file that only its owner can read (PKCS #8, PEM).

        Args:
            path: where to.
            passphrase: encrypts the key; None leaves it in clear.

        Raises:
            ConflictError: if the file exists: a key is never overwritten.
            SettingsError: reason KEY_UNUSABLE: the passphrase is empty or the file cannot be written.
        """
        write_private(path, private_pem(self._key, passphrase))

    def sign(self, message: bytes) -> bytes:
        """Returns the signature, 64 bytes."""
        return self._key.sign(message)

    @property
    def verify_key(self) -> VerifyKey:
        """The public half."""
        return VerifyKey(self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign_envelope(self, payload_type: str, payload: bytes) -> Envelope:
        """Returns the payload as a signed document."""
        signature = Signature(value=self.sign(pae(payload_type, payload)), key_id=self.verify_key.key_id)
        return Envelope(payload_type=payload_type, payload=payload, signatures=(signature,))


def private_pem(key: PrivateKeyTypes, passphrase: bytes | None) -> bytes:
    """Returns a private key in PEM (PKCS #8), encrypted if a passphrase is given.

    Raises:
        SettingsError: reason KEY_UNUSABLE: the passphrase is empty.
    """
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        if not passphrase:
            raise SettingsError("The passphrase is empty.", advice="Choose a passphrase.", reason=KEY_UNUSABLE)
        encryption = BestAvailableEncryption(passphrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def load_private_key(path: Path, passphrase: bytes | None) -> PrivateKeyTypes:
    """Reads a private key of any kind in PEM.

    Raises:
        SettingsError: reason KEY_UNUSABLE.
    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"The key {path} cannot be read: {error.strerror}.",
            advice="Check the path and who may read the file.",
            reason=KEY_UNUSABLE,
        ) from error
    encrypted = b"BEGIN ENCRYPTED PRIVATE KEY" in pem
    if encrypted and not passphrase:
        raise SettingsError(
            f"The key {path} is protected by a passphrase.", advice="Give its passphrase.", reason=KEY_UNUSABLE
        )
    if passphrase is not None and not encrypted:
        raise SettingsError(
            f"The key {path} is not protected by a passphrase, though one was given.",
            advice="Check that this is the file you mean; leave the passphrase out if it is.",
            reason=KEY_UNUSABLE,
        )
    try:
        return load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        what = (
            "cannot be opened: the passphrase is wrong or the file is damaged" if encrypted else "is not a key in PEM"
        )
        raise SettingsError(f"The key {path} {what}.", advice=f"Check {path.name}.", reason=KEY_UNUSABLE) from error


def write_private(path: Path, content: bytes) -> None:
    """Writes a new file that only its owner can read, from its first byte on, and that survives a power cut.

    Raises:
        ConflictError: if the file exists.
        SettingsError: reason KEY_UNUSABLE: it cannot be written.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise ConflictError(
            f"{path} exists already; a key is never overwritten.",
            advice="Choose another path, or move the old key away.",
            reason="KEY_EXISTS",
            fault=Fault.OPERATOR,
        ) from error
    except OSError as error:
        raise SettingsError(
            f"The key {path} cannot be written: {error.strerror}.",
            advice="Choose a folder that exists and that you may write to.",
            reason=KEY_UNUSABLE,
        ) from error
