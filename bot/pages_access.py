"""Who may see the pages: this machine, or whoever shows the token."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from worker.settings import is_loopback

COOKIE = "__Host-stet-session"
SESSION_SECONDS = 12 * 3600
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_BEARER = "bearer "

Verdict = Literal["yes", "no", "sign in"]


def comes_from_here(request: Request) -> bool:
    """A direct request of this machine: no proxy in between, no foreign name in the address bar."""
    if request.client is None or not is_loopback(request.client.host):
        return False
    if any(name in request.headers for name in _FORWARDED):
        return False
    return is_loopback(request.url.hostname or "")


@dataclass(frozen=True, slots=True)
class Access:
    """Decides about each request. Without a token the pages are this machine's.

    A session is a moment, signed: nothing is stored, and another token ends them all.
    """

    token: str | None = None
    now: Callable[[], float] = time.time

    def verdict(self, request: Request) -> Verdict:
        """Whether these eyes may see. `no`: not even that there is something to see."""
        if self.token is None:
            return "yes" if comes_from_here(request) else "no"
        given = request.headers.get("authorization", "")
        if given[: len(_BEARER)].lower() == _BEARER and self.fits(given[len(_BEARER) :]):
            return "yes"
        return "yes" if self._holds(request.cookies.get(COOKIE, "")) else "sign in"

    def fits(self, given: str) -> bool:
        """In constant time, whatever was typed."""
        return self.token is not None and hmac.compare_digest(
            given.strip().encode("utf-8", "surrogateescape"), self.token.encode()
        )

    def begin(self, response: Response) -> None:
        """Give the browser a session. Browsers take it on https and on this machine alone."""
        until = str(int(self.now()) + SESSION_SECONDS)
        response.set_cookie(
            COOKIE, f"{until}.{self._signed(until)}", max_age=SESSION_SECONDS, path="/",
            secure=True, httponly=True, samesite="strict",
        )  # fmt: skip

    def end(self, response: Response) -> None:
        response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")

    def _holds(self, session: str) -> bool:
        until, _, signature = session.partition(".")
        genuine = hmac.compare_digest(signature.encode(), self._signed(until).encode())
        return genuine and until.isdecimal() and int(until) > self.now()

    def _signed(self, text: str) -> str:
        key = sha256(f"stet session {self.token}".encode()).digest()
        return hmac.new(key, text.encode(), sha256).hexdigest()


def is_own_form(request: Request) -> bool:
    """Browsers say from which site a form comes; another site's form must do nothing."""
    origin = urlsplit(request.headers.get("origin", "")).netloc
    return bool(origin) and origin == request.headers.get("host")
