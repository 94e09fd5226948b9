"""What can go wrong with GitHub, sorted by what Stet does about it."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

from worker.github.clock import clock_ahead


class GitHubError(Exception):
    """A call to GitHub that failed. Its words hold no token and no more than a line of the answer."""


class RateLimitedError(GitHubError):
    """Come again in `retry_after` seconds; nothing was done.

    Where GitHub has not told when (`is_told`), wait twice as long each time.
    """

    def __init__(self, retry_after: float, *, is_told: bool = False) -> None:
        super().__init__(f"rate limit, again in {retry_after:.0f} s")
        self.retry_after = retry_after
        self.is_told = is_told


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
    """GitHub understood and refused: the request itself is at fault (422 and others)."""


class ConflictError(RefusedError):
    """The repository is in no state for it (409): empty, or moved meanwhile."""


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
        pause = _told_pause(headers)
        seconds = min(max(60.0 if pause is None else pause, 1.0), 3700.0)
        return RateLimitedError(seconds, is_told=pause is not None)
    match status:
        case 401:
            return UnauthorizedError(text)
        case 403 if "suspended" in words.lower():
            return InstallationGoneError(text)
        case 403:
            return ForbiddenError(text)
        case 404 | 410 | 451:
            return GoneError(text)
        case 409:
            return ConflictError(text)
        case _ if status >= 500:
            return UnavailableError(text)
        case _:
            return RefusedError(text)


def _told_pause(headers: Mapping[str, str]) -> float | None:
    """As long as told, or until the limit resets; None where neither is said."""
    try:
        if "retry-after" in headers:
            return float(headers["retry-after"])
        if headers.get("x-ratelimit-remaining") == "0":
            now = time.time() + clock_ahead(headers)
            return float(headers["x-ratelimit-reset"]) - now + 1
    except (KeyError, ValueError):
        pass
    return None
