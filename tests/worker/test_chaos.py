"""Thousands of events, workers that die and stall, a Redis that is killed: nothing lost or twice.

A short form runs with the other tests. `make chaos` runs the whole: STET_CHAOS=2000 events.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from redis.exceptions import RedisError

from worker.request import PullRequestKey, ReviewRequest
from worker.turns import Counts, Turns

if TYPE_CHECKING:
    from tests.conftest import RedisServer

HERE = Path(__file__).parent
JOB = "chaos_jobs.take_turn"
STALL_SECONDS = 2.0  # twice the lease
EVENTS = int(os.environ.get("STET_CHAOS", "200"))
IS_WHOLE = EVENTS >= 2000


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    events: int
    pulls: int
    workers: int
    kills: int
    stalls: int
    seed: int


PLAN = Plan(
    events=EVENTS,
    pulls=30 if IS_WHOLE else 8,
    workers=6 if IS_WHOLE else 3,
    kills=30 if IS_WHOLE else 3,
    stalls=30 if IS_WHOLE else 3,
    seed=int(os.environ.get("STET_CHAOS_SEED", "8")),
)


class Storm:
    """Brings the events and the mishaps."""

    def __init__(self, server: RedisServer, plan: Plan, log: Path) -> None:
        self.server = server
        self.plan = plan
        self._log = log
        self.redis = Redis.from_url(server.url, decode_responses=True)
        self.turns = Turns(self.redis, job=JOB)
        self.heads: dict[int, int] = defaultdict(int)
        self.repeated = self.killed = 0
        self._random = random.Random(plan.seed)
        self._workers = [self._start() for _ in range(plan.workers)]
        self._stalled: list[tuple[float, int]] = []

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "CHAOS_REDIS": self.server.url}
        environment["PYTHONPATH"] = f"{HERE}:{HERE.parent.parent}"
        command = [sys.executable, str(HERE / "chaos_jobs.py")]
        with self._log.open("ab") as output:
            return subprocess.Popen(command, env=environment, stdout=output, stderr=output)

    def blow(self) -> None:
        self.redis.set("chaos:stalls", self.plan.stalls)
        while not self.redis.get("chaos:started"):
            self._push(1)
            time.sleep(0.2)
        kill_at = set(self._random.sample(range(self.plan.events), self.plan.kills))
        for number in range(self.plan.events):
            self._push(1 + self._random.randrange(self.plan.pulls))
            if number in kill_at:
                self._random.choice(self._workers).kill()
                self.killed += 1
            if number == self.plan.events // 2:
                self.server.kill()
                self.server.restart()
            self._tend()
            time.sleep(self._random.uniform(0.0, 0.08))

    def _push(self, number: int) -> None:
        """A commit, and the event that tells of it, until it is accepted; now and then twice."""
        self.heads[number] += 1
        head = self.heads[number]
        key = PullRequestKey(1 + number % 5, 7, "octo", "shop", number)
        request, delivery = ReviewRequest(key, "synchronize"), f"{number}-{head}"
        while True:
            try:
                self.redis.set(f"chaos:head:{number}", head)
                accepted = self.turns.enqueue(request, delivery)
                self.redis.set(f"chaos:accepted:{number}", head)
                break
            except RedisError:
                time.sleep(0.05)
        if accepted != "repeated" and self._random.random() < 0.1:
            assert self.turns.enqueue(request, delivery) == "repeated"
            self.repeated += 1

    def _tend(self) -> None:
        """Start what ended again, as any restart policy does, and wake what has stalled."""
        for place, worker in enumerate(self._workers):
            if worker.poll() is not None:
                self._workers[place] = self._start()
        with contextlib.suppress(RedisError):
            while found := self.redis.lpop("chaos:stalled"):
                self._stalled.append((time.monotonic() + STALL_SECONDS, int(str(found))))
        for due, process in list(self._stalled):
            if time.monotonic() > due:
                self._stalled.remove((due, process))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def settle(self, seconds: float) -> Counts:
        """Until nothing waits; what is left after so long stays."""
        deadline = time.monotonic() + seconds
        while True:
            self._tend()
            counts = self.turns.counts()
            idle = not (counts.ready or counts.running or counts.later or self._stalled)
            if idle or time.monotonic() > deadline:
                return counts
            time.sleep(0.05)

    def said(self) -> list[tuple[int, int, int, int]]:
        """Pull request, commit, token and what was accepted, in the order of the writes."""
        rows = [row.split() for row in self.redis.lrange("chaos:log", 0, -1)]
        return [(int(a), int(b), int(c), int(d)) for a, b, c, d in rows]

    def end(self) -> None:
        for worker in self._workers:
            worker.kill()
            worker.wait()
        for _, process in self._stalled:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.redis.close()


@pytest.mark.fault(12, 15, 16, 17, 19, 21, 22)
@pytest.mark.timeout(1500 if IS_WHOLE else 120)
def test_in_chaos_nothing_is_lost_said_twice_or_stale(
    own_redis: RedisServer, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    storm = Storm(own_redis, PLAN, tmp_path / "workers.log")
    began = time.monotonic()
    try:
        storm.blow()
        counts = storm.settle(600 if IS_WHOLE else 60)
        said = storm.said()
        started = int(storm.redis.get("chaos:started") or 0)
        stalls = PLAN.stalls - max(0, int(storm.redis.get("chaos:stalls") or 0))
    finally:
        storm.end()
    figures = {
        "events": sum(storm.heads.values()),
        "repeated": storm.repeated,
        "started": started,
        "said": len(said),
        "killed": storm.killed,
        "stalled": stalls,
        "expired": counts.expired,
        "fenced": counts.fenced,
        "seconds": round(time.monotonic() - began),
    }
    for name, value in figures.items():
        record_property(name, value)
    print(figures)  # noqa: T201  # shown by `make chaos`

    newest: dict[int, int] = {}
    tokens: dict[int, int] = defaultdict(int)
    for number, head, token, accepted in said:
        assert head > newest.get(number, 0), ("twice or stale", PLAN, number, head)
        assert token > tokens[number], ("another had the turn", PLAN, number, head)
        assert accepted <= head, ("a newer push was accepted before", PLAN, number, head)
        newest[number], tokens[number] = head, token
    assert newest == dict(storm.heads), ("lost", PLAN, counts)
    assert (counts.ready, counts.running, counts.failures) == (0, 0, 0)
