"""Which workers live, as RQ notes it in Redis. Reads keys only, so that the pages need no RQ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from worker.turns import QUEUE

ROSTER = f"rq:workers:{QUEUE}"
FIELDS = ("hostname", "pid", "state", "birth", "last_heartbeat")


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that has given a sign of life; `beat` is the last one."""

    host: str
    pid: str
    state: str
    born: datetime
    beat: datetime


def worker_of(values: Mapping[str, str | None]) -> Worker | None:
    """The worker behind the hash that RQ keeps for it; None where it is gone."""
    born, beat = values.get("birth"), values.get("last_heartbeat")
    if not born or not beat:
        return None
    return Worker(
        host=values.get("hostname") or "?",
        pid=values.get("pid") or "?",
        state=values.get("state") or "?",
        born=datetime.fromisoformat(born),
        beat=datetime.fromisoformat(beat),
    )
