"""Whether the worker of this machine gives signs of life: for probes, as `python -m worker.alive`.

A container holds one worker, and its host name is its own.
"""

from __future__ import annotations

import socket
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from redis import Redis

MOST_QUIET = timedelta(seconds=150)
"""RQ's workers beat at least each minute and a half, also while they wait."""


def is_alive(redis: Redis, host: str, now: datetime) -> bool:
    """Whether a worker of this host has beaten lately. `redis` must decode responses."""
    from worker.roster import FIELDS, ROSTER, worker_of

    for name in cast("set[str]", redis.smembers(ROSTER)):
        values = cast("list[str | None]", redis.hmget(name, FIELDS))
        found = worker_of(dict(zip(FIELDS, values, strict=True)))
        if found and found.host == host and now - found.beat < MOST_QUIET:
            return True
    return False


def main() -> int:
    """0 if it lives, or if Redis is away: starting it again would cure nothing then."""
    from redis.exceptions import RedisError

    from worker.settings import QueueSettings, load

    try:
        alive = is_alive(load(QueueSettings).redis(), socket.gethostname(), datetime.now(UTC))
    except RedisError:
        return 0
    return 0 if alive else 1


if __name__ == "__main__":
    sys.exit(main())
