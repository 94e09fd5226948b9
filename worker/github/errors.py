"""What can go wrong with GitHub, sorted by what Stet does about it."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec


class GitHubError(Exception):
    """A call to GitHub that failed. Its words hold no token and no more than a line of the answer."""


class RateLimitedError(GitHubError):
    """Come again in `retry_after` seconds; nothing was done."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"rate limit, again in {retry_after:.0f} s")
        self.retry_after = retry_after


class UnavailableError(GitHubError):
    """GitHub did not answer, or not sensibly. A write may have happened all the same."""


class UnauthorizedError(GitHubError):
    """The token is not valid, or not any more."""


class ForbiddenError(GitHubError):
    """A permission is missing, or the installation is suspended."""


class GoneError(GitHubError):
    """It is not there, not there any more, or not for us to see."""


class InstallationGoneError(GoneError):
    """The App is no longer installed on this account, or suspended there."""


class RefusedError(GitHubError):
    """GitHub understood and refused: the request itself is at fault (409, 422)."""


class _Message(msgspec.Struct):
    message: str = ""


def words_of(body: bytes) -> str:
    """GitHub's own words about an error, cut short."""
    try:
        return msgspec.json.decode(body, type=_Message).message[:200]
    except msgspec.MsgspecError:
        return "no JSON"


def error_of(
    method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
) -> GitHubError:
    """The error that an answer means. `headers` have lower-case names."""
    words = words_of(body)
    text = f"{method} {path}: {status} {words}"
    limited = status in (403, 429) and (
        status == 429
        or "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in words.lower()
    )
    if limited:
        return RateLimitedError(_pause(headers))
    match status:
        case 401:
            return UnauthorizedError(text)
        case 403 if "suspended" in words.lower():
            return InstallationGoneError(text)
        case 403:
            return ForbiddenError(text)
        case 404 | 410 | 451:
            return GoneError(text)
        case _ if status >= 500:
            return UnavailableError(text)
        case _:
            return RefusedError(text)


def _pause(headers: Mapping[str, str]) -> float:
    """As told; else until the limit resets; else a minute. At most an hour and a bit."""
    try:
        if "retry-after" in headers:
            seconds = float(headers["retry-after"])
        elif headers.get("x-ratelimit-remaining") == "0":
            seconds = float(headers["x-ratelimit-reset"]) - time.time() + 1
        else:
            seconds = 60.0
    except (KeyError, ValueError):
        seconds = 60.0
    return min(max(seconds, 1.0), 3700.0)
