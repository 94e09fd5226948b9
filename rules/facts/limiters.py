"""How a project limits how often somebody may ask: for all routes, for some, or not at all."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.kit import Extractor, Project, Source
from rules.kit.paths import is_module

_ALL = re.compile(
    r"DEFAULT_THROTTLE_CLASSES|default_limits|RATELIMIT_DEFAULT|application_limits|SlowAPIMiddleware"
    r"|SlowAPIASGIMiddleware|\baxes\b|defender|RateLimitMiddleware|ThrottleMiddleware|RateLimiterMiddleware"
)
_SOME = re.compile(
    r"flask_limiter|slowapi\b|fastapi_limiter|django_ratelimit|ratelimit\.decorators|throttle_classes"
    r"|rest_framework\.throttling|AnonRateThrottle|ninja\.throttling"
)


def _extract(source: Source) -> str | None:
    text = source.text
    found = ("a" if _ALL.search(text) else "") + ("s" if _SOME.search(text) else "")
    return found or None


LIMITS: Extractor[str] = Extractor(
    name="limiters",
    version=1,
    record=str,
    reads=is_module,
    extract=_extract,
    reads_tests=False,
    wanted=lambda data: (
        b"hrottl" in data
        or b"THROTTLE" in data
        or b"ratelimit" in data
        or b"imiter" in data
        or b"RateLimit" in data
        or b"axes." in data
        or b"defender" in data
    ),
)


@dataclass(frozen=True)
class Limiters:
    """`some` where single routes are limited, `all` where something limits every route."""

    some: bool
    all: bool

    @classmethod
    def gather(cls, project: Project) -> Limiters:
        found = "".join(project.records(LIMITS).values())
        return cls("s" in found, "a" in found)
