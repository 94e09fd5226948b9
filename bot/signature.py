"""Whether GitHub sent it: bytes in, bool out."""

from __future__ import annotations

import hmac
from collections.abc import Sequence


def is_genuine(keys: Sequence[bytes], body: bytes, given: bytes) -> bool:
    """Whether `given` (the header X-Hub-Signature-256) signs `body` with one of the keys.

    Compares in constant time and tries every key, so that the duration tells neither how much
    of a forged signature was right nor which key fits.
    """
    genuine = False
    for key in keys:
        expected = b"sha256=" + hmac.new(key, body, "sha256").hexdigest().encode()
        genuine |= hmac.compare_digest(expected, given)
    return genuine
