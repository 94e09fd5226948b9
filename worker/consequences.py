"""What the errors of GitHub mean for a turn, and for the installation that it belongs to."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from worker.belongings import drop_credentials
from worker.github.errors import (
    ConflictError,
    GoneError,
    InstallationGoneError,
    RateLimitedError,
)
from worker.open_checks import OpenChecks
from worker.turns import HeldTurn, PutBackError, Turns

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

_LONGEST_PAUSE = 3600.0
_LIMITED = "GitHub's rate limit"


@contextmanager
def consequences(held: HeldTurn, turns: Turns, redis: Redis) -> Iterator[None]:
    """Work on a turn in the body. `redis` may decode responses or not.

    Raises PutBackError where a limit of GitHub says to come again later: at once, without
    asking GitHub anything, where another turn of the installation has met the limit already.
    """
    key = held.turn.key
    left = _pause_left(redis, key.installation)
    if left > 0:
        raise PutBackError(left, _LIMITED)
    try:
        yield
    except RateLimitedError as limit:
        seconds = limit.retry_after
        if not limit.is_told:
            seconds = min(seconds * 2.0**held.turn.pauses, _LONGEST_PAUSE)
        redis.set(_name(key.installation), 1, px=round(seconds * 1000))
        raise PutBackError(seconds, _LIMITED) from None
    except InstallationGoneError:
        log.info("installation %d is gone, its work is dropped", key.installation)
        turns.forget(key.installation)
        drop_credentials(redis, key.installation)
    except (GoneError, ConflictError) as gone:
        log.info("%s is gone: %s", key, gone)
        OpenChecks(redis).forget(key)


def _name(installation: int) -> str:
    return f"{{stet}}:limited:{installation}"


def _pause_left(redis: Redis, installation: int) -> float:
    """Seconds until the installation may ask again; a little more, so that not all come at once."""
    left = int(redis.pttl(_name(installation)))
    return left / 1000 * random.uniform(1.0, 1.1) if left > 0 else 0.0  # noqa: S311
