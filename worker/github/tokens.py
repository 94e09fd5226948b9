"""Installation tokens: one repository each, no more permissions than a review needs.

A token serves an hour and many reviews, and each review is a process of its own, so tokens
are kept in Redis; sealed with a key that comes from the App's private key and is not there.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from redis.exceptions import RedisError

from worker.request import PullRequestKey

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

PERMISSIONS = {
    "checks": "write",
    "contents": "read",
    "metadata": "read",
    "pull_requests": "write",
}
_MARGIN_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Token:
    """A token, what it allows, and when it ends (seconds since the epoch)."""

    value: str = field(repr=False)
    permissions: dict[str, str]
    expires: float


Mint = Callable[[PullRequestKey], Token]


class Tokens:
    """Gives out tokens, minted or kept. Without Redis each one is minted."""

    def __init__(self, mint: Mint, *, app_id: int, secret: str, redis: Redis | None = None) -> None:
        self._mint = mint
        self._app_id = app_id
        self._redis = redis
        kdf = HKDF(SHA256(), length=32, salt=None, info=b"stet installation tokens")
        self._seal = Fernet(base64.urlsafe_b64encode(kdf.derive(secret.strip().encode())))

    def of(self, key: PullRequestKey) -> Token:
        """A token that lives for at least some minutes more."""
        kept = self._kept(key)
        if kept is not None:
            return kept
        token = self._mint(key)
        self._keep(key, token)
        return token

    def drop(self, key: PullRequestKey) -> None:
        """Forget a token that GitHub does not honour any more."""
        if self._redis is not None:
            self._redis.delete(self._name(key))

    def _name(self, key: PullRequestKey) -> str:
        return f"{{stet}}:token:{self._app_id}:{key.installation}:{key.repository_id}"

    def _kept(self, key: PullRequestKey) -> Token | None:
        if self._redis is None:
            return None
        try:
            sealed = self._redis.get(self._name(key))
            if sealed is None:
                return None
            token = msgspec.json.decode(self._seal.decrypt(sealed), type=Token)
        except (RedisError, InvalidToken, msgspec.MsgspecError) as error:
            log.warning("a kept token cannot be used: %s", type(error).__name__)
            return None
        left = token.expires - datetime.now(UTC).timestamp()
        return token if left > _MARGIN_SECONDS else None

    def _keep(self, key: PullRequestKey, token: Token) -> None:
        seconds = int(token.expires - datetime.now(UTC).timestamp() - _MARGIN_SECONDS)
        if self._redis is None or seconds <= 0:
            return
        try:
            sealed = self._seal.encrypt(msgspec.json.encode(token))
            self._redis.set(self._name(key), sealed, ex=seconds)
        except RedisError as error:
            log.warning("a token cannot be kept: %s", type(error).__name__)
