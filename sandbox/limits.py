"""Rate limits: so many requests an hour, so much new content a minute."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sandbox.clock import Clock
from sandbox.refusal import Refused

HOUR = 3600.0
RESOURCES = ("core", "graphql", "search")


class SecondaryLimit(Refused):
    """Too much content in too short a time."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            403,
            "You have exceeded a secondary rate limit and have been temporarily blocked from "
            "content creation. Please retry your request again later.",
        )
        self.retry_after = retry_after


@dataclass
class _Window:
    reset: float
    used: int = 0


@dataclass
class Limits:
    """Counts what each identity did; the numbers are GitHub's unless told otherwise."""

    clock: Clock
    per_hour: int = 5000
    content_per_minute: int = 80
    content_per_hour: int = 500
    _windows: dict[tuple[str, str], _Window] = field(default_factory=dict)
    _content: dict[str, deque[float]] = field(default_factory=dict)

    def charge(self, who: str, resource: str, cost: int = 1) -> None:
        window = self._window(who, resource)
        if window.used + cost > self.per_hour:
            window.used = self.per_hour
            raise Refused(403, f"API rate limit exceeded for {who}.")
        window.used += cost

    def charge_content(self, who: str) -> None:
        """One comment, review or reaction more."""
        now = self.clock.now()
        made = self._content.setdefault(who, deque())
        while made and made[0] <= now - HOUR:
            made.popleft()
        last_minute = sum(1 for moment in made if moment > now - 60)
        if last_minute >= self.content_per_minute or len(made) >= self.content_per_hour:
            raise SecondaryLimit(60)
        made.append(now)

    def headers(self, who: str, resource: str) -> dict[str, str]:
        window = self._window(who, resource)
        return {
            "x-ratelimit-limit": str(self.per_hour),
            "x-ratelimit-remaining": str(self.per_hour - window.used),
            "x-ratelimit-used": str(window.used),
            "x-ratelimit-reset": str(int(window.reset)),
            "x-ratelimit-resource": resource,
        }

    def overview(self, who: str) -> dict[str, dict[str, int]]:
        windows = {resource: self._window(who, resource) for resource in RESOURCES}
        return {
            resource: {
                "limit": self.per_hour,
                "used": window.used,
                "remaining": self.per_hour - window.used,
                "reset": int(window.reset),
            }
            for resource, window in windows.items()
        }

    def _window(self, who: str, resource: str) -> _Window:
        now = self.clock.now()
        window = self._windows.get((who, resource))
        if window is None or window.reset <= now:
            window = self._windows[who, resource] = _Window(now + HOUR)
        return window
