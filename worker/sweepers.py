"""All that is looked after by the clock: nothing accepted is lost, nothing missed stays missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.chores import Chore
from worker.github.client import App
from worker.open_checks import OpenChecks
from worker.request import ReviewRequest
from worker.sweep_deliveries import DeliverySweep
from worker.sweep_pulls import PullSweep
from worker.turns import Turns

if TYPE_CHECKING:
    from redis import Redis

CHECKS_SECONDS = 60.0
DELIVERIES_SECONDS = 300.0
PULLS_SECONDS = 3600.0


def chores_of(app: App, redis: Redis, turns: Turns) -> tuple[Chore, ...]:
    """The chores of a worker. `redis` is theirs alone, as they run in a thread of their own."""
    checks = OpenChecks(redis)
    deliveries = DeliverySweep(app, redis, turns)
    pulls = PullSweep(app, redis, turns)

    def look_for_pulls() -> None:
        pulls.run()

    def look_for_deliveries() -> None:
        deliveries.run()

    return (
        Chore("checks", CHECKS_SECONDS, lambda: revive(checks, turns)),
        Chore("deliveries", DELIVERIES_SECONDS, look_for_deliveries),
        Chore("pulls", PULLS_SECONDS, look_for_pulls),
    )


def revive(checks: OpenChecks, turns: Turns) -> None:
    """Queue each pull request with an open check run that nobody works on.

    Its review takes the check run up and closes it. While a worker has it, or it waits for one,
    nothing happens.
    """
    for check in checks.all():
        turns.ensure(ReviewRequest(check.key, "sweep"))
