"""What operators see of past reviews: what was said, what not and why, and how long it took.

No message, no code and no name of a person: places and reasons only, so that whoever may see
the operator's pages sees no more of a private repository than its file names.
"""

from __future__ import annotations

import logging
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from redis.exceptions import RedisError

from worker import tempo
from worker.request import PullRequestKey

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

LATEST = "{stet}:reviews"
_CALLED = "{stet}:rules"
MOST_REVIEWS = 500
MOST_ROWS = 300
"""Findings, files or crashes that are kept of one review."""
KEPT_SECONDS = 30 * 24 * 3600
_MOST_BYTES = 1_000_000  # of one review, unpacked

Outcome = Literal["success", "failure", "neutral", "cancelled", "skipped", "crashed"]


@dataclass(frozen=True, slots=True)
class Told:
    """One finding, and what became of it. `line` 0: the file as a whole."""

    code: str
    path: str
    line: int
    fate: str


@dataclass(frozen=True, slots=True)
class Called:
    """What a rule is called, and where its page is."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A review in one row. `at` in seconds since the epoch, when it ended."""

    id: str
    repository: str
    number: int
    head: str
    outcome: Outcome
    title: str
    at: float
    seconds: float
    comments: int = 0
    findings: int = 0

    @property
    def name(self) -> str:
        return f"{self.repository}#{self.number}"


@dataclass(frozen=True, slots=True)
class Detail:
    """All that is known of it. `stages` in seconds, in their order."""

    summary: Summary
    told: tuple[Told, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    crashes: tuple[tuple[str, str, str], ...] = ()
    stages: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, Called] = field(default_factory=dict)
    """Those that `told` names, by code."""
    left_out: int = 0
    """Rows that were too many to keep."""


def new_id(key: PullRequestKey) -> str:
    """Begins with the installation, so that what belongs to one can be found and dropped."""
    return f"{key.installation}-{uuid.uuid4().hex[:16]}"


def repository_of(key: PullRequestKey) -> str:
    return f"{key.owner}/{key.repository}"


class Journal:
    """Writes it; losing it costs nobody a review. `redis` may decode responses or not."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def write(self, detail: Detail) -> None:
        packed = zlib.compress(msgspec.json.encode(detail))
        try:
            with self._redis.pipeline() as pipe:
                pipe.set(_name(detail.summary.id), packed, ex=KEPT_SECONDS)
                pipe.lpush(LATEST, msgspec.json.encode(detail.summary))
                pipe.ltrim(LATEST, 0, MOST_REVIEWS - 1)
                pipe.expire(LATEST, KEPT_SECONDS)
                for code, called in detail.rules.items():
                    pipe.hset(_CALLED, code, msgspec.json.encode(called))
                tempo.count(pipe, detail.summary.outcome, detail.summary.seconds)
                pipe.execute()
        except RedisError as error:
            log.warning("a review cannot be noted: %s", type(error).__name__)

    def forget(self, installation: int) -> None:
        """Drop what was noted of an installation that was removed. Raises RedisError."""
        mark = f'"id":"{installation}-'
        for row in self._redis.lrange(LATEST, 0, -1):
            text = row if isinstance(row, str) else row.decode("utf-8", "replace")
            if mark in text:
                self._redis.lrem(LATEST, 0, text)
        names = list(self._redis.scan_iter(match=_name(f"{installation}-*"), count=1000))
        if names:
            self._redis.unlink(*names)


async def latest(redis: Any, most: int) -> list[Summary]:
    """The newest reviews first. `redis` is asynchronous."""
    # Bytes, because one that is no text must not take the others with it.
    rows: list[bytes] = await redis.execute_command(
        "LRANGE", LATEST, 0, most - 1, NEVER_DECODE=True
    )
    found = []
    for row in rows:
        try:
            found.append(msgspec.json.decode(row, type=Summary))
        except msgspec.MsgspecError:
            continue  # of a version that wrote it otherwise
    return found


async def rules_called(redis: Any) -> dict[str, Called]:
    """Every rule that was heard of, by code. `redis` is asynchronous."""
    rows: Mapping[str, str] = await redis.hgetall(_CALLED)
    found = {}
    for code, row in rows.items():
        try:
            found[code] = msgspec.json.decode(row, type=Called)
        except msgspec.MsgspecError:
            continue
    return found


async def detail_of(redis: Any, review: str) -> Detail | None:
    """One review. `redis` is asynchronous."""
    packed: bytes | None = await redis.execute_command("GET", _name(review), NEVER_DECODE=True)
    if packed is None:
        return None
    try:
        text = zlib.decompressobj().decompress(packed, _MOST_BYTES)
        return msgspec.json.decode(text, type=Detail)
    except (zlib.error, msgspec.MsgspecError):
        return None


def _name(review: str) -> str:
    return f"{{stet}}:review:{review.replace('-', ':')}"
