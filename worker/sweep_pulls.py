"""Open pull requests whose newest commit has no verdict of ours are reviewed after all."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from worker.belongings import drop_all, known_installations
from worker.github.client import App
from worker.github.errors import GitHubError
from worker.github.installations import (
    OpenPull,
    Repository,
    Run,
    Visit,
    installations,
    visit,
)
from worker.open_checks import OpenCheck, OpenChecks
from worker.request import PullRequestKey, ReviewRequest
from worker.turns import Turns

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

_NAME = "{stet}:reconciled"
_AT_FIRST = timedelta(days=14)
_OVERLAP = timedelta(minutes=30)
_LONGEST_REVIEW = timedelta(minutes=15)
_SETTLING = timedelta(minutes=2)
"""The event that tells of a change may still be on its way."""


class PullSweep:
    """Whatever was lost on the way, an event or all of Redis: GitHub's own list is the truth.

    `redis` may decode responses or not. Raises GitHubError and RedisError.
    """

    def __init__(self, app: App, redis: Redis, turns: Turns) -> None:
        self._app = app
        self._redis = redis
        self._turns = turns
        self._open = OpenChecks(redis)

    def run(self, now: datetime | None = None) -> int:
        """Returns how many pull requests were found without a verdict."""
        now = now or datetime.now(UTC)
        found = installations(self._app)
        for gone in known_installations(self._redis) - {each.id for each in found}:
            log.info("installation %d is gone, what is known of it is dropped", gone)
            self._turns.forget(gone)
            drop_all(self._redis, gone)
            self._redis.hdel(_NAME, str(gone))
        return sum(self._visit(each.id, now) for each in found if each.suspended_at is None)

    def _visit(self, installation: int, now: datetime) -> int:
        since = self._mark(installation, now) - _OVERLAP
        try:
            with visit(self._app, installation) as there:
                count = sum(
                    self._look(there, installation, where, since, now)
                    for where in there.repositories()
                )
        except GitHubError as error:
            # The others have a right to be looked at; this one is looked at again in an hour.
            log.warning("installation %d was not looked through: %s", installation, error)
            return 0
        self._redis.hset(_NAME, str(installation), now.isoformat())
        return count

    def _look(
        self, there: Visit, installation: int, where: Repository, since: datetime, now: datetime
    ) -> int:
        found = 0
        for pull in there.open_pulls(where, since):
            if pull.updated_at > now - _SETTLING:
                continue
            key = PullRequestKey(installation, where.id, where.owner.login, where.name, pull.number)
            if not self._needs_review(key, pull, there.runs(where, pull.head.sha), now):
                continue
            if self._turns.ensure(ReviewRequest(key, "sweep")) == "queued":
                self._turns.add("reconciled")
                log.warning("%s has no verdict on its newest commit: queued", key)
                found += 1
        return found

    def _needs_review(
        self, key: PullRequestKey, pull: OpenPull, runs: Sequence[Run], now: datetime
    ) -> bool:
        ours = [each for each in runs if is_of(each, key)]
        left = [
            each
            for each in ours
            if each.status != "completed"
            and each.started_at is not None
            and now - each.started_at > _LONGEST_REVIEW
        ]
        if left and self._open.of(key) is None:
            # The review takes it up, and so closes it.
            self._open.note(OpenCheck(key, pull.head.sha, left[0].id, now.timestamp()))
        return bool(left) or not ours

    def _mark(self, installation: int, now: datetime) -> datetime:
        found = self._redis.hget(_NAME, str(installation))
        text = found.decode() if isinstance(found, bytes) else found
        return datetime.fromisoformat(text) if isinstance(text, str) else now - _AT_FIRST


def is_of(run: Run, key: PullRequestKey) -> bool:
    """Whether a check run speaks of this pull request: a commit may be the head of several."""
    mark = f"{key.repository_id}:{key.number}:"
    return run.external_id is None or run.external_id == "" or run.external_id.startswith(mark)
