"""Facts by the hash of the file that they were read from, in Redis, each installation for itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from redis.exceptions import RedisError, ResponseError

from worker.seal import Seal

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

KEPT_SECONDS = 14 * 24 * 3600
MOST_BYTES = 4 * 1024 * 1024
MOST_TOTAL_BYTES = 1024 * 1024 * 1024
"""Memory of the whole Redis from which nothing is added, where it has no limit of its own."""
_SHARE = 0.6  # of Redis's own limit; the rest is the queue's
_CHUNK = 500
_CHUNK_BYTES = 4 * 1024 * 1024


class FactsCache:
    """A RecordCache of one installation: no other installation's facts can be read from it.

    Losing it costs time and nothing else, so a Redis that is away or full is only logged, and
    nothing is added once Redis is rather full.
    Facts repeat what stands in the code, secrets among it: with a `seal` Redis cannot read them.
    `redis` must not decode responses.
    """

    def __init__(
        self,
        redis: Redis,
        installation: int,
        *,
        seal: Seal | None = None,
        most_total_bytes: int = MOST_TOTAL_BYTES,
    ) -> None:
        self._redis = redis
        self._seal = seal
        self._most_total_bytes = most_total_bytes
        self._prefix = f"{{stet}}:facts:{installation}:"

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        try:
            for start in range(0, len(keys), _CHUNK):
                chunk = keys[start : start + _CHUNK]
                values = cast(
                    "list[bytes | None]", self._redis.mget([self._prefix + key for key in chunk])
                )
                for key, value in zip(chunk, values, strict=True):
                    opened = None if value is None else self._opened(key, value)
                    if opened is not None:
                        found[key] = opened
        except RedisError as error:
            log.warning("facts cannot be read: %s", type(error).__name__)
        return found

    def put_many(self, items: Mapping[str, bytes]) -> None:
        try:
            if not items or self._is_full():
                return
            with self._redis.pipeline(transaction=False) as pipe:
                waiting = 0
                for key, value in items.items():
                    if len(value) > MOST_BYTES:
                        continue
                    name = self._prefix + key
                    sealed = self._seal.close(name, value) if self._seal else value
                    pipe.set(name, sealed, ex=KEPT_SECONDS)
                    waiting += len(value)
                    if len(pipe) >= _CHUNK or waiting > _CHUNK_BYTES:
                        pipe.execute()
                        waiting = 0
                pipe.execute()
        except RedisError as error:
            log.warning("facts cannot be kept: %s", type(error).__name__)

    def _opened(self, key: str, value: bytes) -> bytes | None:
        return self._seal.open(self._prefix + key, value) if self._seal else value

    def _is_full(self) -> bool:
        """Whether more would endanger the queue, which lives in the same Redis."""
        try:
            memory = self._redis.info("memory")
        except ResponseError:
            return False  # some hosts forbid the question; then the lifetime alone bounds it
        most = int(memory.get("maxmemory", 0)) * _SHARE or self._most_total_bytes
        full = int(memory.get("used_memory", 0)) > most
        if full:
            log.warning("Redis is rather full: facts are not kept, reviews take longer")
        return full
