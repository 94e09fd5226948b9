"""Which delivery a review comes from, for those who follow work from one process to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

SECONDS = 3600
"""How long it is kept: what waits longer is seen by its age in the queue."""


@dataclass(frozen=True, slots=True)
class Origin:
    """GitHub's id of the delivery, and its span as a `traceparent`."""

    delivery: str = ""
    span: str = ""

    def __str__(self) -> str:
        return f"{self.delivery} {self.span}"


def name_of(pull_request: str) -> str:
    """The key in Redis of `owner/repository#number`."""
    return f"{{stet}}:origin:{pull_request}"


def take(redis: Redis, pull_request: str) -> Origin:
    """The newest delivery since this was last asked; an empty one if there is none."""
    name = name_of(pull_request)
    with redis.pipeline() as pipe:
        pipe.get(name)
        pipe.delete(name)
        found = pipe.execute()[0]
    text = found.decode() if isinstance(found, bytes) else found or ""
    delivery, _, span = text.partition(" ")
    return Origin(delivery, span)
