"""Sealing what is kept in Redis with a key that is not there."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class Seal:
    """Whoever has Redis but not `secret` can neither read what is sealed nor pass off their own.

    `purpose` keeps the keys of different uses apart.
    """

    def __init__(self, secret: str, purpose: str) -> None:
        kdf = HKDF(SHA256(), length=32, salt=None, info=f"stet {purpose}".encode())
        self._cipher = AESGCM(kdf.derive(secret.strip().encode()))

    def close(self, name: str, data: bytes) -> bytes:
        """Sealed for this name: under another it cannot be opened."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, data, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes | None:
        """None where it was not sealed by us, or for another name."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except (InvalidTag, ValueError):
            return None
