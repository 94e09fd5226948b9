"""Check runs that Stet has opened and not closed yet, so that none stays open after a crash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from worker.request import PullRequestKey

if TYPE_CHECKING:
    from redis import Redis

_NAME = "{stet}:checks"


@dataclass(frozen=True, slots=True)
class OpenCheck:
    """A check run in progress. `since` in seconds since the epoch.

    `id` is 0 before GitHub has answered: it may be there or not.
    `is_marked`: annotations may have reached it, and would stand there twice.
    """

    key: PullRequestKey
    head: str
    id: int
    since: float
    is_marked: bool = False


class OpenChecks:
    """At most one for each pull request. `redis` may decode responses or not."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def note(self, check: OpenCheck) -> None:
        """Remember a check run that has just been, or is about to be, created."""
        self._redis.hset(_NAME, _field(check.key), msgspec.json.encode(check))

    def of(self, key: PullRequestKey) -> OpenCheck | None:
        """The check run that is open for a pull request."""
        found = self._redis.hget(_NAME, _field(key))
        return None if found is None else msgspec.json.decode(found, type=OpenCheck)

    def forget(self, key: PullRequestKey) -> None:
        """It is closed."""
        self._redis.hdel(_NAME, _field(key))

    def all(self) -> list[OpenCheck]:
        """Every open one, for those who sweep."""
        values = self._redis.hvals(_NAME)
        return [msgspec.json.decode(each, type=OpenCheck) for each in values]


def _field(key: PullRequestKey) -> str:
    return f"{key.installation}:{key.repository_id}:{key.number}"
