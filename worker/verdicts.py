"""The newest verdict on each open pull request, so that those of one commit can be put together.

GitHub shows one check run for a commit and a name, however many pull requests have it as their
head; and of a fork's commit it does not tell to which pull request it belongs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import msgspec

from worker.request import PullRequestKey

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

KEPT_SECONDS = 90 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check run said of a head. No `conclusion`: the review has only begun."""

    number: int
    head: str
    conclusion: str = ""
    title: str = ""


class Verdicts:
    """The verdicts of one repository after the other. `redis` must not decode responses."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def note(self, key: PullRequestKey, verdict: Verdict) -> None:
        name = name_of(key.installation, key.repository_id)
        with self._redis.pipeline() as pipe:
            pipe.hset(name, str(key.number), msgspec.json.encode(verdict))
            pipe.expire(name, KEPT_SECONDS)
            pipe.execute()

    def forget(self, key: PullRequestKey) -> None:
        """It was closed."""
        self._redis.hdel(name_of(key.installation, key.repository_id), str(key.number))

    def of(self, key: PullRequestKey) -> Verdict | None:
        name = name_of(key.installation, key.repository_id)
        found = cast("bytes | None", self._redis.hget(name, str(key.number)))
        return next(iter(verdicts_in([found] if found else [])), None)

    def beside(self, key: PullRequestKey, head: str) -> tuple[Verdict, ...]:
        """Those of other pull requests with the same head."""
        name = name_of(key.installation, key.repository_id)
        rows = cast("Mapping[bytes, bytes]", self._redis.hgetall(name))
        every = verdicts_in(row for row in rows.values() if head.encode() in row)
        return tuple(v for v in every if v.head == head and v.number != key.number)


def name_of(installation: int, repository_id: int) -> str:
    """The hash of a repository in Redis: number of the pull request to verdict."""
    return f"{{stet}}:verdicts:{installation}:{repository_id}"


def verdicts_in(rows: Iterable[bytes | str]) -> tuple[Verdict, ...]:
    """By number; a row that cannot be read is left out."""
    found = []
    for row in rows:
        try:
            found.append(msgspec.json.decode(row, type=Verdict))
        except msgspec.MsgspecError:
            log.warning("a verdict cannot be read")
    return tuple(sorted(found, key=lambda each: each.number))
