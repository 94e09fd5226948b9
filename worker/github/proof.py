"""Proof of being the App: a JWT that is signed with its key and good for ten minutes.

GitHub refuses one that was made in the future or is over. The date of that refusal tells what
time it is there, so a machine whose clock is wrong is believed at the second try.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import httpx
import jwt
from githubkit.auth import BaseAuthStrategy

from worker.github.clock import FORGIVEN, clock_ahead

if TYPE_CHECKING:
    from githubkit.core import GitHubCore

log = logging.getLogger(__name__)

_BEFORE = 60.0
_LIFE = 600.0
_RENEWED_AFTER = 480.0


class AppProof(BaseAuthStrategy):
    """Speaks as the App with this id."""

    def __init__(self, app: int, private_key: str) -> None:
        self._app = app
        self._private_key = private_key

    def get_auth_flow(self, github: GitHubCore[Any]) -> httpx.Auth:  # noqa: ARG002  # githubkit's interface
        return _Proving(self)

    def proof(self, now: float) -> str:
        """The JWT of a moment, dated back a little for clocks that differ a little."""
        issued = int(now - _BEFORE)
        claims = {"iss": str(self._app), "iat": issued, "exp": issued + int(_LIFE)}
        return jwt.encode(claims, self._private_key, algorithm="RS256")


class _Proving(httpx.Auth):
    """For the requests of one client, which keep what the first of them learned of the clock."""

    def __init__(self, app: AppProof) -> None:
        self._app = app
        self._ahead = 0.0
        self._made_at = -_LIFE
        self._proof = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        self._prove(request)
        answer = yield request
        ahead = clock_ahead(answer.headers)
        if answer.status_code == 401 and abs(ahead - self._ahead) > FORGIVEN:
            log.warning("the clock here is %+.0f s from GitHub's: set it by NTP", -ahead)
            self._ahead, self._proof = ahead, ""
            self._prove(request)
            yield request

    def _prove(self, request: httpx.Request) -> None:
        passed = time.monotonic() - self._made_at
        if not self._proof or passed > _RENEWED_AFTER:
            self._made_at = time.monotonic()
            self._proof = self._app.proof(time.time() + self._ahead)
        request.headers["Authorization"] = f"Bearer {self._proof}"
