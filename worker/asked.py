"""What was asked of GitHub: answers by status, and what each installation may still ask."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

ANSWERS = "{stet}:answers"
REMAINING = "{stet}:remaining"
NO_ANSWER = "none"


@dataclass(slots=True)
class Tally:
    """One client's. `remaining` requests until `reset`, in seconds since the epoch."""

    answers: Counter[str] = field(default_factory=Counter)
    remaining: int | None = None
    reset: int = 0

    @property
    def requests(self) -> int:
        """How many went out, answered or not."""
        return self.answers.total()

    def asked(self) -> None:
        """A request goes out: unanswered until it is heard of."""
        self.answers[NO_ANSWER] += 1

    def hear(self, status: int, headers: Mapping[str, str]) -> None:
        """Its answer. Only the limit of REST is kept: GraphQL's is counted in points."""
        self.answers[NO_ANSWER] -= 1
        self.answers[str(status)] += 1
        remaining, reset = headers.get("x-ratelimit-remaining"), headers.get("x-ratelimit-reset")
        is_rest = headers.get("x-ratelimit-resource", "core") == "core"
        if is_rest and _is_number(remaining) and _is_number(reset):
            self.remaining, self.reset = int(remaining or 0), int(reset or 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """Of all workers together, since Redis was set up. `remaining` by installation."""

    answers: Mapping[str, int] = field(default_factory=dict)
    remaining: Mapping[str, int] = field(default_factory=dict)


@contextmanager
def counted(redis: Redis, installation: int, tally: Tally) -> Iterator[None]:
    """Add a tally to the counts in the end, whatever becomes of the work."""
    try:
        yield
    finally:
        try:
            with redis.pipeline(transaction=False) as pipe:
                for status, number in (+tally.answers).items():
                    pipe.hincrby(ANSWERS, status, number)
                if tally.remaining is not None:
                    pipe.hset(REMAINING, str(installation), f"{tally.remaining} {tally.reset}")
                pipe.execute()
        except RedisError as error:
            log.warning("requests cannot be counted: %s", type(error).__name__)


def forget(redis: Redis, installation: int) -> None:
    """It was removed. Raises RedisError."""
    redis.hdel(REMAINING, str(installation))


def asked_of(answers: Mapping[str, str], remaining: Mapping[str, str], now: float) -> Asked:
    """What the two hashes in Redis say. A limit whose hour is over is none any more."""
    kept = {}
    for installation, value in remaining.items():
        number, _, reset = value.partition(" ")
        if _is_number(number) and _is_number(reset) and int(reset) > now:
            kept[installation] = int(number)
    counts = {status: int(number) for status, number in answers.items() if _is_number(number)}
    return Asked(counts, kept)


def _is_number(text: str | None) -> bool:
    return text is not None and text.isascii() and text.isdecimal() and len(text) < 16
