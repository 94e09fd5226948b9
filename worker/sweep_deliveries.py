"""Events that GitHub could not deliver are asked for again, for as long as GitHub keeps them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from worker.github.client import App
from worker.github.deliveries import Attempt, DeliveryLog, delivery_log
from worker.github.errors import GoneError, RefusedError
from worker.turns import Turns

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

KEPT = timedelta(days=3)
"""For so long GitHub can deliver an event again."""
_MOST_TRIES = 3
_WAITS = (timedelta(0), timedelta(hours=1), timedelta(hours=12))
"""From one try to the next: a receiver that is down for long must not use them all up."""
_MOST_AT_ONCE = 200
_MOST_KEPT = 10_000
"""Beyond that, open pull requests are found by the hourly look at them."""
_SECOND = 1.0
_OVERLAP = timedelta(minutes=5)
_NAME = "{stet}:undelivered"
_MARK = "{stet}:deliveries-read"


@dataclass(frozen=True, slots=True)
class Missed:
    """An event that never arrived: its first attempt, and how often we asked for it again."""

    attempt: int
    at: datetime
    asked: int = 0
    asked_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        if self.asked >= _MOST_TRIES:
            return False
        return self.asked_at is None or now >= self.asked_at + _WAITS[self.asked]


def merged(
    known: Mapping[str, Missed], attempts: Iterable[Attempt], oldest: datetime
) -> dict[str, Missed]:
    """What is missed, by GUID, after more of the log was read."""
    attempts = [each for each in attempts if each.is_over]
    accepted = {each.guid for each in attempts if each.is_accepted}
    missed = {guid: one for guid, one in known.items() if guid not in accepted}
    for each in sorted(attempts, key=lambda one: (one.delivered_at, one.id)):
        if each.guid in accepted:
            continue
        if not each.redelivery:
            missed.setdefault(each.guid, Missed(each.id, each.delivered_at))
        elif each.guid in missed and each.guid not in known:
            # Asked for by us before Redis lost it, or by a person.
            one = missed[each.guid]
            missed[each.guid] = replace(one, asked=one.asked + 1, asked_at=each.delivered_at)
    kept = sorted((one.at, guid) for guid, one in missed.items() if one.at >= oldest)
    return {guid: missed[guid] for _, guid in kept[:_MOST_KEPT]}


class DeliverySweep:
    """Reads the log from where it was read last, and asks for what is missing, oldest first.

    `redis` may decode responses or not. GitHub's clock is the only one that is asked for the age
    of an event. Raises GitHubError and RedisError.
    """

    def __init__(
        self,
        app: App,
        redis: Redis,
        turns: Turns,
        *,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._app = app
        self._redis = redis
        self._turns = turns
        self._pause = pause

    def run(self, now: datetime | None = None) -> int:
        """Returns how many events were asked for again."""
        with delivery_log(self._app) as deliveries:
            return self._run(deliveries, now or datetime.now(UTC))

    def _run(self, deliveries: DeliveryLog, now: datetime) -> int:
        oldest = now - KEPT
        mark = self._mark()
        attempts = deliveries.since(max(oldest, mark - _OVERLAP) if mark else oldest)
        missed = merged(self._missed(), attempts, oldest)
        self._keep(missed)
        if attempts:
            newest = max(each.delivered_at for each in attempts)
            self._redis.set(_MARK, newest.isoformat())
        due = [each for each in missed.items() if each[1].is_due(now)]
        due.sort(key=lambda each: (each[1].at, each[1].attempt))
        return self._ask_again(deliveries, due[:_MOST_AT_ONCE], now)

    def _ask_again(
        self, deliveries: DeliveryLog, due: list[tuple[str, Missed]], now: datetime
    ) -> int:
        for place, (guid, missed) in enumerate(due):
            if place:
                self._pause(_SECOND)
            # First, so that a crash or an answer that is lost cannot make it more than three.
            self._note(guid, replace(missed, asked=missed.asked + 1, asked_at=now))
            try:
                deliveries.ask_again(missed.attempt)
            except (GoneError, RefusedError) as error:
                log.info("delivery %d cannot be had again: %s", missed.attempt, error)
                self._note(guid, replace(missed, asked=_MOST_TRIES, asked_at=now))
            else:
                self._turns.add("redelivered")
        if due:
            log.warning("asked GitHub again for %d events that did not arrive", len(due))
        return len(due)

    def _mark(self) -> datetime | None:
        found = self._redis.get(_MARK)
        text = found.decode() if isinstance(found, bytes) else found
        return datetime.fromisoformat(text) if isinstance(text, str) else None

    def _missed(self) -> dict[str, Missed]:
        found = self._redis.hgetall(_NAME)
        return {
            guid.decode() if isinstance(guid, bytes) else guid: msgspec.json.decode(
                value, type=Missed
            )
            for guid, value in found.items()
        }

    def _keep(self, missed: Mapping[str, Missed]) -> None:
        with self._redis.pipeline() as pipe:
            pipe.delete(_NAME)
            if missed:
                pipe.hset(_NAME, mapping={g: msgspec.json.encode(m) for g, m in missed.items()})
            pipe.execute()

    def _note(self, guid: str, missed: Missed) -> None:
        self._redis.hset(_NAME, guid, msgspec.json.encode(missed))
