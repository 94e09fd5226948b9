"""Work for the real RQ workers of the tests: what it does is told by the repository's name."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable

from redis import Redis

from worker.logs import Scrubber, configure
from worker.queue_worker import work
from worker.turns import HeldTurn, TurnInterrupted, Turns, hold_turn

TAKE_TURN = "stand_in_jobs.take_turn"
LOG = "test:log"
WRITTEN = "test:written"
SECRET = "ghs_" + "s3cr3t" * 6
STOPPED: list[bool] = []


def take_turn() -> None:
    redis, turns = _open(os.environ["STAND_IN_REDIS"])
    with hold_turn(turns, most_seconds=60) as held:
        if held is not None:
            redis.rpush(LOG, f"start {held.turn.key.number} {os.getpid()}")
            if held.turn.is_exhausted:
                held.give_up("every try ended badly")
                return
            _do(held)
            held.ensure_current()
            _write(held, redis)


def _write(held: HeldTurn, redis: Redis) -> None:
    """Like a review, it finds what it wrote before it was stopped, and does not write it again."""
    number, generation = held.turn.key.number, held.turn.generation
    if redis.sismember(WRITTEN, f"{number} {generation}"):
        return
    with redis.pipeline(transaction=True) as pipe:
        pipe.rpush(LOG, f"write {number} {os.getpid()}")
        pipe.sadd(WRITTEN, f"{number} {generation}")
        pipe.execute()


def _do(held: HeldTurn) -> None:
    match held.turn.key.repository:
        case "slow":
            time.sleep(6)
        case "endless-once" if held.turn.attempt == 1:
            time.sleep(300)
        case "deaf-once" | "deaf" as kind:
            hear_late(most=1 if kind == "deaf-once" else 1000)
        case "unhurried":
            time.sleep(0.1)
        case "poison":
            os.kill(os.getpid(), signal.SIGKILL)
        case "failing":
            raise RuntimeError(f"with {SECRET} in it")
        case _:
            time.sleep(0.02)


def hear_late(most: int) -> None:
    """As a finaliser does: what is raised in it is lost."""
    for _ in range(most):
        with contextlib.suppress(TurnInterrupted):
            time.sleep(300)
    time.sleep(300)


def _open(url: str) -> tuple[Redis, Turns]:
    redis = Redis.from_url(url, decode_responses=True)
    return redis, Turns(redis, lease_seconds=1.0, job=TAKE_TURN)


class Stops(logging.Formatter):
    """Tells its process to stop when RQ writes that it waits for a job."""

    def __init__(self, stop: Callable[[], object]) -> None:
        super().__init__()
        self._stop = stop

    def format(self, record: logging.LogRecord) -> str:
        if "Starting BLMOVE" in record.msg and is_told_by_python():
            self._stop()
        return super().format(record)


class StopsAtItsEnd:
    """What is raised in a finaliser is shown and forgotten."""

    def __del__(self) -> None:
        stop_once()


def is_told_by_python() -> bool:
    return callable(signal.getsignal(signal.SIGTERM))


def stop_once() -> None:
    if is_told_by_python() and not STOPPED:
        STOPPED.append(True)
        os.kill(os.getpid(), signal.SIGTERM)


def stop_at(moment: str) -> None:
    """Be told to stop in the middle of something."""
    match moment:
        case "fork":
            os.register_at_fork(before=stop_once)
        case "log":
            logging.getLogger().handlers[0].setFormatter(Stops(stop_once))
        case "finaliser":
            logging.getLogger().handlers[0].setFormatter(Stops(StopsAtItsEnd))


if __name__ == "__main__":
    moment = os.environ.get("STAND_IN_STOP", "")
    configure(log_format="json", level="debug" if moment else "info", secrets=())
    stop_at(moment)
    address = os.environ["STAND_IN_REDIS"]
    asked = work(
        Redis.from_url(address),
        _open(address)[1],
        scrubber=Scrubber(),
        functions=[TAKE_TURN],
        sweep_seconds=0.3,
    )
    sys.exit(0 if asked else 1)
