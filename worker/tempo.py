"""How many reviews ended how, and how long they took: counts that only grow, for the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis.client import Pipeline

KEY = "{stet}:reviewed"
BUCKETS = (1, 2, 5, 10, 20, 60, 120, 300, 600)
"""Upper ends in seconds."""
_BEYOND = "+Inf"


@dataclass(frozen=True, slots=True)
class Tempo:
    """Counts since Redis was set up. `buckets` as Prometheus has them: each holds those before."""

    outcomes: Mapping[str, int] = field(default_factory=dict)
    buckets: tuple[tuple[str, int], ...] = ()
    seconds: float = 0.0


def count(pipe: Pipeline, outcome: str, seconds: float) -> None:
    """One review more; 0 seconds: it was not done, so it took no time."""
    pipe.hincrby(KEY, f"outcome {outcome}", 1)
    if seconds > 0:
        end = next((str(each) for each in BUCKETS if seconds <= each), _BEYOND)
        pipe.hincrby(KEY, f"within {end}", 1)
        pipe.hincrbyfloat(KEY, "seconds", seconds)


def tempo_of(values: Mapping[str, str]) -> Tempo:
    """What the hash in Redis says."""
    outcomes = {
        name.removeprefix("outcome "): int(number)
        for name, number in values.items()
        if name.startswith("outcome ")
    }
    ends = [*map(str, BUCKETS), _BEYOND]
    counts = accumulate(int(values.get(f"within {end}", 0)) for end in ends)
    return Tempo(outcomes, tuple(zip(ends, counts, strict=True)), float(values.get("seconds", 0)))
