"""How much of the workers' time somebody from outside may use in an hour."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from worker.pull_request import PullRequest
from worker.turns import PutBackError

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

SECONDS = 900.0
_WINDOW = 3600
_AT_START = 60.0
"""Charged before a review begins, so that one that is killed has cost something too."""


class Allowance:
    """Anybody can open a pull request from a fork, so these share an allowance by author.

    Who may push to the repository itself is not counted. `redis` may decode responses or not.
    """

    def __init__(self, redis: Redis, seconds: float = SECONDS) -> None:
        self._redis = redis
        self._seconds = seconds

    @contextmanager
    def spending(self, pull: PullRequest) -> Iterator[None]:
        """Review in the body. Raises PutBackError when the author has nothing left."""
        if not pull.is_fork:
            yield
            return
        name = f"{{stet}}:spent:{pull.key.installation}:{pull.author}"
        spent = float(self._redis.get(name) or 0)
        if spent >= self._seconds:
            left = max(1, int(self._redis.ttl(name)))
            raise PutBackError(left, f"{pull.author} has used up the hour's allowance")
        began = time.monotonic()
        self._charge(name, _AT_START)
        try:
            yield
        finally:
            self._charge(name, time.monotonic() - began - _AT_START)

    def _charge(self, name: str, seconds: float) -> None:
        try:
            with self._redis.pipeline() as pipe:
                pipe.set(name, 0, ex=_WINDOW, nx=True)
                pipe.incrbyfloat(name, seconds)
                pipe.execute()
        except RedisError as error:
            log.warning("an allowance cannot be counted: %s", type(error).__name__)
