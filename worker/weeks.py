"""What became of findings, week by week, so that operators see which rules get better or worse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis.client import Pipeline

KEPT_SECONDS = 400 * 24 * 3600


def week_of(moment: datetime) -> str:
    """The week of the ISO calendar: 2026-W47."""
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02}"


def last_weeks(count: int, now: datetime) -> list[str]:
    """So many weeks up to this one, the oldest first."""
    return [week_of(now - timedelta(weeks=back)) for back in reversed(range(count))]


def add(pipe: Pipeline, counted: Mapping[str, int], now: datetime | None = None) -> None:
    """Add counts by `CODE:fate` to those of this week; a number may be negative."""
    name = name_of(week_of(now or datetime.now(UTC)))
    for each, number in counted.items():
        pipe.hincrby(name, each, number)
    pipe.expire(name, KEPT_SECONDS)


def name_of(week: str) -> str:
    """The key in Redis: a hash of counts by `CODE:fate`."""
    return f"{{stet}}:outcomes:week:{week}"
