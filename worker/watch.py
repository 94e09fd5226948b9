"""What a turn came to, for the operator's Sentry and collector of spans, where there are any."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from worker import origins
from worker.journal import Detail
from worker.logs import Scrubber
from worker.origins import Origin
from worker.spans import Fact, Span, Spans
from worker.turns import Turn

if TYPE_CHECKING:
    from redis import Redis

    from worker.settings import WorkerSettings

log = logging.getLogger(__name__)

_PARTS = {"read the change": "fetch", "run the rules": "rules", "say it": "say"}


class Watch:
    """Of one turn. Without a collector it only listens."""

    def __init__(self, redis: Redis | None) -> None:
        self._redis = redis
        self._began = time.time()
        self._turn: Turn | None = None
        self._origin = Origin()
        self._detail: Detail | None = None
        self.failed = ""

    def begin(self, turn: Turn) -> None:
        self._turn = turn
        self._origin = self._ask_origin(turn)

    def note(self, detail: Detail) -> None:
        """The journal's entry of the review."""
        self._detail = detail

    @property
    def facts(self) -> dict[str, str]:
        """By which an error can be sorted."""
        return {} if self._turn is None else {"pull_request": str(self._turn.key)}

    def tell(self, spans: Spans) -> None:
        """Send what was seen; nothing where there was no turn."""
        turn = self._turn
        if turn is None:
            return
        # A worker can be quicker than the receiver, which notes the origin after it has queued.
        origin = self._origin if self._origin.span else self._ask_origin(turn)
        detail = self._detail
        name = "review" if detail is not None or turn.wants_review else "errands"
        facts = _facts(turn, origin, detail)
        parts = () if detail is None else _parts(detail)
        span = Span(name, self._began, time.time(), facts, parts, self.failed)
        spans.tell(span, origin.span)

    def _ask_origin(self, turn: Turn) -> Origin:
        if self._redis is None:
            return Origin()
        try:
            return origins.take(self._redis, str(turn.key))
        except RedisError as error:
            log.warning("where a turn comes from is not known: %s", type(error).__name__)
            return Origin()


@contextmanager
def watched(settings: WorkerSettings) -> Iterator[Watch]:
    """Take a turn in the body. An error that leaves it is told, and goes on."""
    endpoint = settings.otlp_endpoint
    watch = Watch(settings.redis_bytes() if endpoint else None)
    try:
        yield watch
    except Exception as error:
        watch.failed = type(error).__name__
        if settings.sentry_dsn is not None:
            from worker.error_reports import ErrorReports

            dsn, scrub = settings.sentry_dsn.get_secret_value(), Scrubber(settings.secrets())
            with closing(ErrorReports(dsn, scrub)) as reports:
                reports.tell(error, {"part": "worker", **watch.facts})
        raise
    finally:
        if endpoint:
            with closing(Spans(endpoint, "stet-worker")) as spans:
                watch.tell(spans)


def _facts(turn: Turn, origin: Origin, detail: Detail | None) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "stet.pull_request": str(turn.key),
        "stet.installation": turn.key.installation,
        "stet.reason": turn.reason or "errands",
        "stet.try": turn.attempt,
        "stet.waited_seconds": turn.waited_seconds,
    }
    if origin.delivery:
        facts["stet.delivery"] = origin.delivery
    if detail is not None:
        facts |= {
            "stet.outcome": detail.summary.outcome,
            "stet.findings": detail.summary.findings,
            "stet.comments": detail.summary.comments,
            "stet.files_unread": len(detail.unread),
            "stet.rules_crashed": len(detail.crashes),
        }
        calls = detail.facts.get("Calls of GitHub", "")
        if calls.isdecimal():
            facts["stet.github_calls"] = int(calls)
    return facts


def _parts(detail: Detail) -> tuple[Span, ...]:
    """One after the other, up to the moment of the entry."""
    seconds = detail.stages.values()
    begin = detail.summary.at - sum(seconds)
    ends = [begin, *(begin + passed for passed in accumulate(seconds))]
    names = [_PARTS.get(name, name) for name in detail.stages]
    return tuple(map(Span, names, ends, ends[1:]))
