"""The operators' pages: status, rules, one review. Server-rendered, no script, nothing from outside."""

from __future__ import annotations

import asyncio
import re
import secrets
import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from bot import pages_data
from bot.pages_access import Access, is_own_form
from bot.queue import Queue, QueueAwayError

MOST_FORM_BYTES = 10_000
REFRESH_SECONDS = 15
_WRONG_TOKEN_SECONDS = 1.0
_UNSEEN = {"Cc", "Cf", "Co", "Cs"}
_REVIEW = re.compile(r"[0-9]{1,19}-[0-9a-f]{16}")

log = structlog.get_logger(__name__)
Page = Callable[[Request], Awaitable[Response]]


def operator_pages(queue: Queue, access: Access, github: str) -> APIRouter:
    """Routes for people. `github` is the address of GitHub's pages, without a slash at its end."""
    pages = _Pages(queue, access, github)
    router = APIRouter()
    for path, page in (
        ("/", pages.status),
        ("/rules", pages.rules),
        ("/reviews/{review}", pages.review),
    ):
        router.add_api_route(path, pages.guarded(page), methods=["GET"])
    router.add_api_route("/retry", pages.guarded(pages.retry, is_form=True), methods=["POST"])
    router.add_api_route("/login", pages.login, methods=["GET"])
    router.add_api_route("/login", pages.enter, methods=["POST"])
    router.add_api_route("/logout", pages.leave, methods=["POST"])
    router.add_api_route("/setup", pages.closed, methods=["GET"])
    return router


@dataclass(frozen=True)
class _Pages:
    queue: Queue
    access: Access
    github: str

    def guarded(self, page: Page, *, is_form: bool = False) -> Page:
        """The page, for those who may see it; a form, if it is one of ours."""

        async def respond(request: Request) -> Response:
            match self.access.verdict(request):
                case "no":
                    raise HTTPException(404)
                case "sign in":
                    return RedirectResponse("/login", 303)
            if is_form and not is_own_form(request):
                raise HTTPException(403)
            try:
                return await page(request)
            except QueueAwayError:
                return self._page("away.html", "", 503)

        return respond

    async def status(self, request: Request) -> Response:
        every = request.query_params.get("refresh") == "on"
        now = await pages_data.status_of(self.queue)
        again = request.query_params.get("again", "")[:200]
        seconds = REFRESH_SECONDS if every else 0
        return self._page("status.html", "/", status=now, refresh=seconds, again=again)

    async def rules(self, _request: Request) -> Response:
        rows = await pages_data.rules_of(self.queue)
        return self._page("rules.html", "/rules", rows=rows, weeks=pages_data.WEEKS)

    async def review(self, request: Request) -> Response:
        name: str = request.path_params["review"]
        found = await pages_data.review_of(self.queue, name) if _REVIEW.fullmatch(name) else None
        if found is None:
            return self._page("no_review.html", "", 404)
        return self._page("review.html", "", detail=found)

    async def retry(self, request: Request) -> Response:
        pull_request = (await _form(request)).get("pull_request", "")
        found = await pages_data.try_again(self.queue, pull_request)
        if not found:
            raise HTTPException(404)
        log.info("queued again by an operator", subject=pull_request)
        return RedirectResponse(f"/?{urlencode({'again': pull_request})}", 303)

    async def login(self, request: Request) -> Response:
        if self.access.token is None:
            raise HTTPException(404)
        if self.access.verdict(request) == "yes":
            return RedirectResponse("/", 303)
        return self._page("login.html", "", wrong=False)

    async def enter(self, request: Request) -> Response:
        if self.access.token is None or not is_own_form(request):
            raise HTTPException(404)
        if not self.access.fits((await _form(request)).get("token", "")):
            log.warning("a wrong token for the pages", peer=request.client and request.client.host)
            await asyncio.sleep(_WRONG_TOKEN_SECONDS)
            return self._page("login.html", "", 401, wrong=True)
        answer = RedirectResponse("/", 303)
        self.access.begin(answer)
        return answer

    async def leave(self, request: Request) -> Response:
        if self.access.token is None or not is_own_form(request):
            raise HTTPException(404)
        answer = RedirectResponse("/login", 303)
        self.access.end(answer)
        return answer

    async def closed(self, _request: Request) -> Response:
        """What is set up can be set up no more from outside."""
        return self._page("setup_closed.html", "", 410)

    def _page(self, template: str, here: str, status: int = 200, /, **fields: Any) -> Response:
        nonce = secrets.token_urlsafe(16)
        html = (
            _templates()
            .get_template(template)
            .render(
                nonce=nonce,
                here=here,
                may_leave=self.access.token is not None,
                github=self.github,
                now=datetime.now(UTC),
                **fields,
            )
        )
        return HTMLResponse(html, status, headers_with(nonce))


async def _form(request: Request) -> dict[str, str]:
    size = request.headers.get("content-length", "")
    if not size.isdecimal() or len(size) > 9 or int(size) > MOST_FORM_BYTES:
        raise HTTPException(413)
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace")))


def headers_with(nonce: str) -> dict[str, str]:
    """What a page may do: show itself, with its own style, and send its own forms."""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        # Not no-referrer: browsers would hide the origin of our own forms, too.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("bot"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        finalize=lambda value: spelled(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"ago": ago, "moment": moment, "duration": duration}
    return environment


def spelled(text: str) -> str:
    """With marks that cannot be seen, or that turn the text around, written as their codes."""
    return "".join(
        f"\\u{ord(letter):04x}" if unicodedata.category(letter) in _UNSEEN else letter
        for letter in text
    )


def moment(seconds: float) -> datetime:
    """Seconds since the epoch as a moment."""
    return datetime.fromtimestamp(seconds, UTC)


def ago(when: datetime, now: datetime) -> str:
    """How long ago, in a few words."""
    seconds = max((now - when).total_seconds(), 0)
    return "just now" if seconds < 10 else f"{duration(seconds)} ago"


def duration(seconds: float) -> str:
    """Roughly, as people say it: 0.4 s, 12 s, 5 min, 3 h, 2 d."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    for size, unit in ((86_400 * 2, "d"), (7_200, "h"), (90, "min")):
        if seconds >= size:
            return f"{seconds / {'d': 86_400, 'h': 3_600, 'min': 60}[unit]:.0f} {unit}"
    return f"{seconds:.0f} s"
