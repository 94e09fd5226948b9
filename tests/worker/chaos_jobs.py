"""A review as short as can be, for real RQ workers: read the newest commit, think, say it once.

It stops itself now and then, as a machine does that is out of memory. Only between the question
whether it may still write and the write itself it does not: GitHub knows no fencing tokens, so
there a pause of more than a lease cannot be noticed by anybody.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time

from redis import Redis

from worker.logs import Scrubber, configure
from worker.queue_worker import work
from worker.turns import Turns, hold_turn

TAKE_TURN = "chaos_jobs.take_turn"


def take_turn() -> None:
    """Every word of the log: pull request, commit, token, and what was accepted before the write."""
    redis, turns = connect(os.environ["CHAOS_REDIS"])
    with hold_turn(turns, most_seconds=60) as held:
        if held is None:
            return
        number, token = held.turn.key.number, held.turn.token
        redis.incr("chaos:started")
        head = int(redis.get(f"chaos:head:{number}") or 0)
        perhaps_stall(redis)
        time.sleep(random.uniform(0.0, 0.03))
        perhaps_stall(redis)
        marker = f"{number}:{head}"
        if redis.sismember("chaos:said", marker):
            return
        accepted = int(redis.get(f"chaos:accepted:{number}") or 0)
        held.ensure_current()
        with redis.pipeline() as github:
            github.rpush("chaos:log", f"{number} {head} {token} {accepted}")
            github.sadd("chaos:said", marker)
            github.execute()


def perhaps_stall(redis: Redis) -> None:
    if random.random() < 0.05 and int(redis.decr("chaos:stalls")) >= 0:
        redis.rpush("chaos:stalled", os.getpid())
        os.kill(os.getpid(), signal.SIGSTOP)


def connect(url: str) -> tuple[Redis, Turns]:
    redis = Redis.from_url(url, decode_responses=True)
    return redis, Turns(redis, lease_seconds=1.0, most_of_one=4, job=TAKE_TURN)


if __name__ == "__main__":
    configure(log_format="json", level="error", secrets=())
    address = os.environ["CHAOS_REDIS"]
    asked = work(
        Redis.from_url(address),
        connect(address)[1],
        scrubber=Scrubber(),
        functions=[TAKE_TURN],
        sweep_seconds=0.3,
    )
    sys.exit(0 if asked else 1)
