"""The receiver's side of Redis: quick answers or none, so that GitHub never waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bot.batches import Batches
from worker.asked import ANSWERS, REMAINING, Asked, asked_of
from worker.outcomes import TOTALS, Record, records_of
from worker.request import Ignored, PullRequestKey, Request, Rerun, ReviewRequest
from worker.tempo import KEY as TEMPO
from worker.tempo import Tempo, tempo_of
from worker.turns import PREFIX, SCRIPT, Accepted, AsyncTurns, Counts, Waiting
from worker.verdicts import name_of, verdicts_in

SECONDS = 1.0
CONNECTIONS = 64
_AWAY = (RedisError, OSError, TimeoutError)

Answer = TypeVar("Answer")


class QueueAwayError(Exception):
    """Redis is away, hangs, is full or refuses to write. Holds the kind of error, no text of it."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether work can be queued, and what an operator should mend."""

    ready: bool
    problems: tuple[str, ...]


class Queue:
    """Puts requests into the queue; every call ends within `seconds`, well or badly."""

    def __init__(self, url: str, *, seconds: float = SECONDS) -> None:
        # redis-py's own defaults would retry for up to 15 s, longer than GitHub waits.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=seconds,
            decode_responses=True,
            socket_timeout=None,  # every call has a limit of its own, and one is enough
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=pool)
        self._turns = AsyncTurns(Batches(self._redis, SCRIPT, seconds=seconds))
        self._seconds = seconds

    async def accept(self, requests: Sequence[Request], delivery: str) -> Accepted:
        """Queue what one delivery asks for. Raises QueueAwayError; asking again does no harm."""
        accepted: Accepted = "repeated"
        for request in requests:
            part = delivery if len(requests) == 1 else f"{delivery}/{request.key.number}"
            try:  # without a timer of its own: the batches keep the time
                answer = await self._turns.enqueue(request, part)
            except _AWAY as error:
                raise QueueAwayError(type(error).__name__) from error
            accepted = answer if answer != "repeated" else accepted
        return accepted

    async def reviews_of(self, rerun: Rerun) -> tuple[ReviewRequest, ...] | Ignored:
        """What a re-run of a commit comes to: a review of each pull request with this head."""
        name = name_of(rerun.installation, rerun.repository_id)
        rows = await self._soon(cast("Awaitable[list[str]]", self._redis.hvals(name)))
        numbers = [each.number for each in verdicts_in(rows) if each.head == rerun.head]
        keys = [
            PullRequestKey(
                rerun.installation, rerun.repository_id, rerun.owner, rerun.repository, number
            )
            for number in numbers
        ]
        found = tuple(ReviewRequest(key, "rerequest") for key in keys)
        return found or Ignored("no pull request with this head is known")

    async def outcomes(self) -> dict[str, Record]:
        """How the findings of each rule ended, in all repositories together."""
        counts = await self._soon(cast("Awaitable[dict[str, str]]", self._redis.hgetall(TOTALS)))
        return records_of({name: int(number) for name, number in counts.items()})

    async def tempo(self) -> Tempo:
        """How many reviews ended how, and how long they took."""
        return tempo_of(await self.ask(lambda redis: redis.hgetall(TEMPO)))

    async def asked(self) -> Asked:
        """What workers asked of GitHub."""
        answers: dict[str, str] = await self.ask(lambda redis: redis.hgetall(ANSWERS))
        remaining: dict[str, str] = await self.ask(lambda redis: redis.hgetall(REMAINING))
        return asked_of(answers, remaining, time.time())

    async def counts(self) -> Counts:
        return await self._soon(self._turns.counts())

    async def waiting(self, most: int = 50) -> list[Waiting]:
        return await self._soon(self._turns.waiting(most))

    async def ask(self, question: Callable[[Any], Awaitable[Answer]]) -> Answer:
        """Ask Redis something else, as quickly. Raises QueueAwayError."""
        return await self._soon(question(self._redis))

    async def health(self) -> Health:
        """Ask Redis to write, and how it is set up."""
        try:
            await self._soon(cast("Awaitable[Any]", self._redis.set(f"{PREFIX}probe", 1, ex=60)))
        except QueueAwayError as error:
            return Health(ready=False, problems=(f"Redis does not take work: {error}",))
        try:
            # One pattern a question: Redis before 7 takes no more.
            memory = await self._soon(self._redis.config_get("maxmemory*"))
            config = memory | await self._soon(self._redis.config_get("appendonly"))
        except QueueAwayError:
            return Health(ready=True, problems=("Redis does not tell its settings (CONFIG GET)",))
        return _judge(config)

    async def close(self) -> None:
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def _soon(self, answer: Awaitable[Answer]) -> Answer:
        try:
            async with asyncio.timeout(self._seconds * 1.2):
                return await answer
        except _AWAY as error:
            raise QueueAwayError(type(error).__name__) from error


def _judge(config: Mapping[str | None, str | None]) -> Health:
    policy = config.get("maxmemory-policy", "noeviction")
    limited = config.get("maxmemory", "0") != "0"
    problems = []
    if policy != "noeviction":
        problems.append(f"Redis may throw work away: set maxmemory-policy noeviction, not {policy}")
    if config.get("appendonly") != "yes":
        problems.append("Redis forgets the queue when it restarts: set appendonly yes")
    return Health(ready=policy == "noeviction" or not limited, problems=tuple(problems))
