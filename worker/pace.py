"""One write after the other, and not too fast: what GitHub asks of an App, for all workers together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.turns import PREFIX, PutBackError

if TYPE_CHECKING:
    from redis import Redis

SECONDS = 1.0
"""GitHub's own advice: a second between two requests that change something."""
LONGEST_WAIT = 30.0

# A slot further away than any that is given out was written by a clock that has since gone back.
_RESERVE = """
local interval, longest = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local slot = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
if slot - now > longest + interval then slot = now end
if slot - now <= longest then
  local following = slot + interval
  redis.call('SET', KEYS[1], string.format('%.0f', following), 'PX', following - now)
end
return {slot, slot - now}
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """When a write may go out: by Redis' clock, in seconds since the epoch, and from now on."""

    at: float
    wait: float


class Pace:
    """The writes of one installation. Whoever asks first writes first, whichever worker it is.

    `redis` may decode responses or not. `seconds` between two writes; 0 for no pace at all.
    """

    def __init__(
        self,
        redis: Redis,
        installation: int,
        seconds: float = SECONDS,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._name = f"{PREFIX}pace:{installation}"
        self._script = redis.register_script(_RESERVE)
        self._interval = round(seconds * 1000)
        self._sleep = sleep

    def wait(self) -> None:
        """Sleep until the next free slot, which is ours then; at once where none was taken lately.

        Raises PutBackError where too many wait already, RedisError when nobody can tell.
        """
        if self._interval == 0:
            return
        wait = self.reserve().wait
        if wait > 0:
            self._sleep(wait)

    def reserve(self) -> Slot:
        """Take the next free slot. Raises as `wait`, and has taken nothing then."""
        longest = round(LONGEST_WAIT * 1000)
        at, wait = self._script(keys=[self._name], args=[self._interval, longest])
        if wait > longest:
            raise PutBackError(wait / 1000, "too many writes of the installation wait")
        return Slot(at / 1000, wait / 1000)
