"""All that is looked after by the clock: nothing accepted is lost, nothing missed stays missed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from worker import leash
from worker.chores import Chore, carry_out
from worker.open_checks import OpenChecks
from worker.request import ReviewRequest
from worker.turns import Turns

if TYPE_CHECKING:
    from redis import Redis

    from worker.github.client import App

CHECKS_SECONDS = 60.0
DELIVERIES_SECONDS = 300.0
PULLS_SECONDS = 3600.0


def chores_of(redis: Redis, turns: Turns) -> tuple[Chore, ...]:
    """The chores of a worker. `redis` is theirs alone, as they run in a thread of their own.

    Those that speak to GitHub run in a process of their own: a job that RQ forks while a thread
    holds the lock of an import would wait for that lock for ever.
    """
    checks = OpenChecks(redis)
    return (
        Chore("checks", CHECKS_SECONDS, lambda: revive(checks, turns)),
        Chore("pulls", PULLS_SECONDS, lambda: _apart("pulls", PULLS_SECONDS)),
        Chore("deliveries", DELIVERIES_SECONDS, lambda: _apart("deliveries", DELIVERIES_SECONDS)),
    )


def github_chores(app: App, redis: Redis, turns: Turns) -> tuple[Chore, ...]:
    """What is asked of GitHub by the clock."""
    from worker.sweep_deliveries import DeliverySweep
    from worker.sweep_pulls import PullSweep

    deliveries, pulls = DeliverySweep(app, redis, turns), PullSweep(app, redis, turns)

    def look_for_deliveries() -> None:
        deliveries.run()

    def look_for_pulls() -> None:
        pulls.run()

    return (
        Chore("deliveries", DELIVERIES_SECONDS, look_for_deliveries),
        Chore("pulls", PULLS_SECONDS, look_for_pulls),
    )


def _apart(name: str, seconds: float) -> None:
    command = [sys.executable, "-P", "-m", "worker.sweepers", name]
    leashed = leash.start(command, os.environ)
    try:
        leashed.process.wait(seconds * 0.9)
    except subprocess.TimeoutExpired:
        leashed.process.kill()
        leashed.process.wait()
    finally:
        leashed.let_go()


def revive(checks: OpenChecks, turns: Turns) -> None:
    """Queue each pull request with an open check run that nobody works on.

    Its review takes the check run up and closes it. While a worker has it, or it waits for one,
    nothing happens.
    """
    for check in checks.all():
        turns.ensure(ReviewRequest(check.key, "sweep"))


def main(name: str) -> None:
    """Entry point of the process of its own; whoever started it holds the lock of the chore."""
    from worker.github.app import app_of
    from worker.logs import configure
    from worker.settings import WorkerSettings, load

    settings = load(WorkerSettings)
    configure(log_format=settings.log_format, level=settings.log_level, secrets=settings.secrets())
    redis, turns = settings.redis_bytes(), Turns(settings.redis())
    [chore] = [one for one in github_chores(app_of(settings), redis, turns) if one.name == name]
    sys.exit(0 if carry_out(redis, chore) else 1)


if __name__ == "__main__":
    main(sys.argv[1])
