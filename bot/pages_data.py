"""What the pages show, read from Redis in short questions that may fail."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.pages_plot import Plot, trend
from bot.queue import Health, Queue, QueueAwayError
from worker import journal, weeks
from worker.journal import Called, Detail, Summary
from worker.outcomes import LEAST_OUTCOMES, MOST_DISMISSED, Record, records_of
from worker.request import ReviewRequest
from worker.roster import FIELDS, ROSTER, Worker, worker_of
from worker.turns import PREFIX, Counts, Failure, Waiting, failure_of

WEEKS = 13
MOST_RECENT = 50
MOST_FAILURES = 50
_OPEN_CHECKS = "{stet}:checks"


@dataclass(frozen=True, slots=True)
class Status:
    """The queue at one moment. No `counts`: Redis is away, and nothing else is known."""

    health: Health
    counts: Counts | None = None
    waiting: Sequence[Waiting] = ()
    workers: Sequence[Worker] = ()
    recent: Sequence[Summary] = ()
    failures: Sequence[Failure] = ()
    open_checks: int = 0


async def status_of(queue: Queue) -> Status:
    health = await queue.health()
    try:
        return Status(
            health,
            counts=await queue.counts(),
            waiting=await queue.waiting(),
            workers=await queue.ask(_workers),
            recent=await queue.ask(lambda redis: journal.latest(redis, MOST_RECENT)),
            failures=await queue.ask(_failures),
            open_checks=await queue.ask(lambda redis: redis.hlen(_OPEN_CHECKS)),
        )
    except QueueAwayError:
        return Status(health)


async def _workers(redis: Any) -> list[Worker]:
    names = sorted(await redis.smembers(ROSTER))
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hmget(name, FIELDS)
        rows = await pipe.execute()
    found = (worker_of(dict(zip(FIELDS, values, strict=True))) for values in rows)
    return [each for each in found if each is not None]


async def _failures(redis: Any) -> list[Failure]:
    rows = await redis.lrange(f"{PREFIX}failures", 0, MOST_FAILURES - 1)
    return [failure_of(row) for row in rows]


@dataclass(frozen=True, slots=True)
class RuleRow:
    """How a rule fared everywhere, and lately week by week."""

    code: str
    record: Record
    plot: Plot
    called: Called | None = None

    @property
    def is_unwanted(self) -> bool:
        """People dismiss it so often that an operator should look at it."""
        share = self.record.precision
        acted = self.record.accepted + self.record.unwanted
        return share is not None and acted >= LEAST_OUTCOMES and 1 - share >= MOST_DISMISSED


async def rules_of(queue: Queue, now: datetime | None = None) -> list[RuleRow]:
    """Every rule that was heard of in the last quarter of a year, the least wanted first.

    Raises QueueAwayError.
    """
    names = weeks.last_weeks(WEEKS, now or datetime.now(UTC))

    async def read(redis: Any) -> list[dict[str, str]]:
        async with redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(weeks.name_of(name))
            found: list[dict[str, str]] = await pipe.execute()
            return found

    counts = [{name: int(n) for name, n in each.items()} for each in await queue.ask(read)]
    by_week = [records_of(each) for each in counts]
    total: dict[str, int] = {}
    for each in counts:
        for name, number in each.items():
            total[name] = total.get(name, 0) + number
    called = await queue.ask(journal.rules_called)
    limit = 1 - MOST_DISMISSED
    rows = [
        RuleRow(code, record, trend(_shares(by_week, code), names, limit), called.get(code))
        for code, record in records_of(total).items()
    ]
    return sorted(rows, key=_least_wanted_first)


def _shares(by_week: Sequence[dict[str, Record]], code: str) -> list[float | None]:
    return [week[code].precision if code in week else None for week in by_week]


def _least_wanted_first(row: RuleRow) -> tuple[float, str]:
    share = row.record.precision
    return (2.0 if share is None else share, row.code)


async def review_of(queue: Queue, review: str) -> Detail | None:
    """One review. Raises QueueAwayError."""
    return await queue.ask(lambda redis: journal.detail_of(redis, review))


async def try_again(queue: Queue, pull_request: str) -> bool:
    """Queue a pull request that was given up, and take it off that list. False: it is not there.

    Raises QueueAwayError.
    """
    name = f"{PREFIX}failures"
    rows = await queue.ask(lambda redis: redis.lrange(name, 0, -1))
    chosen = [row for row in rows if str(failure_of(row).key) == pull_request]
    if not chosen:
        return False
    request = ReviewRequest(failure_of(chosen[0]).key, "sweep")
    await queue.accept((request,), f"retry-{uuid.uuid4().hex}")

    async def forget(redis: Any) -> None:
        async with redis.pipeline() as pipe:
            for row in chosen:
                pipe.lrem(name, 1, row)
            await pipe.execute()

    await queue.ask(forget)
    return True
