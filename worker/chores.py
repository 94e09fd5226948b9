"""Work that comes again by the clock, done by one of all the workers each time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from redis.exceptions import RedisError

from worker.beside import Beside
from worker.github.errors import GitHubError, RateLimitedError

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

_LOCK = "{stet}:chore:"


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do every so many seconds. Doing it twice must do no harm.

    `run` may raise RedisError or GitHubError, and must end well within `seconds`.
    """

    name: str
    seconds: float
    run: Callable[[], None]


class Chores(Beside):
    """Does chores from a thread while it is open.

    Whoever takes the lock of a chore does it; the lock stays until it is time again, so that a
    worker that dies in the middle costs one round.
    """

    def __init__(self, redis: Redis, chores: Sequence[Chore]) -> None:
        self._redis = redis
        self._due = {chore: time.monotonic() for chore in chores}
        super().__init__("chores")

    def _run(self) -> None:
        while self._due and not self._stop.wait(self._seconds_left()):
            for chore, due in list(self._due.items()):
                if due <= time.monotonic() and not self._stop.is_set():
                    self._due[chore] = time.monotonic() + chore.seconds
                    do(self._redis, chore)

    def _seconds_left(self) -> float:
        return max(0.0, min(self._due.values()) - time.monotonic())


def do(redis: Redis, chore: Chore) -> bool:
    """Do a chore unless somebody did it a short while ago; False then, or when it failed."""
    name = f"{_LOCK}{chore.name}"
    try:
        if not redis.set(name, 1, nx=True, px=max(1, round(chore.seconds * 900))):
            return False
    except RedisError as error:
        log.warning("%s failed: %s", chore.name, type(error).__name__)
        return False
    return carry_out(redis, chore)


def carry_out(redis: Redis, chore: Chore) -> bool:
    """Do a chore whose lock is held; False when it failed."""
    try:
        chore.run()
    except RateLimitedError as limit:
        log.warning("%s: %s", chore.name, limit)
        _rest(redis, f"{_LOCK}{chore.name}", limit.retry_after)
    except (RedisError, GitHubError, msgspec.MsgspecError, OSError) as error:
        log.warning("%s failed: %s", chore.name, type(error).__name__)
    else:
        return True
    return False


def _rest(redis: Redis, name: str, seconds: float) -> None:
    try:
        redis.set(name, 1, px=round(seconds * 1000))
    except RedisError as error:
        log.warning("a pause could not be kept: %s", type(error).__name__)
