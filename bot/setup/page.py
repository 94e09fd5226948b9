"""The set-up page: one button, which has GitHub make the App; closed when it is made."""

from __future__ import annotations

import hmac
import json
import secrets
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot.setup.credentials import Credentials, SetupError, ensure_room, exchange, keep
from worker.manifest import manifest, web_url

GITHUB_API = "https://api.github.com"


@dataclass(frozen=True, slots=True)
class Wish:
    """What App is wanted, and where its credentials go. Addresses without a slash at the end.

    `organization` owns the App; if empty, the person who presses the button does.
    """

    name: str
    public_url: str
    folder: Path
    organization: str = ""
    may_commit: bool = False
    api_url: str = GITHUB_API

    @property
    def web_url(self) -> str:
        """Where people meet GitHub."""
        return web_url(self.api_url)

    @property
    def form_url(self) -> str:
        owner = f"/organizations/{self.organization}" if self.organization else ""
        return f"{self.web_url}{owner}/settings/apps/new"

    def settings(self) -> dict[str, str]:
        """Settings besides the credentials, by names without the prefix."""
        found = {"PUBLIC_URL": self.public_url}
        if self.api_url != GITHUB_API:
            found["GITHUB_API_URL"] = self.api_url
        if self.may_commit:
            found["AUTOFIX"] = "true"
        return found


class SetupPage:
    """One visit: whoever knows `key` may begin it, and only who began it can end it.

    `address` is where a browser reaches the page; `close` is called when the App is made.
    """

    def __init__(self, wish: Wish, address: str, close: Callable[[], None]) -> None:
        self.key = secrets.token_urlsafe(24)
        self._state = secrets.token_urlsafe(24)
        self._wish = wish
        self._address = address
        self._close = close
        self._is_done = False
        self._templates = Environment(
            loader=PackageLoader("bot"), autoescape=select_autoescape(), undefined=StrictUndefined
        )

    def application(self) -> Starlette:
        return Starlette(routes=[Route("/setup", self._visit, methods=["GET"])])

    async def _visit(self, request: Request) -> Response:
        given = request.query_params
        if self._is_done:
            return self._page("setup_closed.html", 410)
        if _same(given.get("state", ""), self._state):
            return await self._end(given.get("code", ""))
        if _same(given.get("key", ""), self.key):
            return self._offer()
        return self._page("setup_closed.html", 404)

    def _offer(self, problem: str = "") -> Response:
        wish = self._wish
        asked = manifest(
            wish.name, wish.public_url, f"{self._address}/setup", may_commit=wish.may_commit
        )
        return self._page(
            "setup.html",
            422 if problem else 200,
            wish=wish,
            asked=asked,
            manifest=json.dumps(asked),
            action=f"{wish.form_url}?state={self._state}",
            problem=problem,
        )

    async def _end(self, code: str) -> Response:
        try:
            made = await anyio.to_thread.run_sync(self._make, code)
        except SetupError as error:
            return self._offer(str(error))
        self._is_done = True
        fields = {"made": made, "wish": self._wish, "folder": shlex.quote(str(self._wish.folder))}
        page = self._page("setup_done.html", **fields)
        page.background = BackgroundTask(self._close)
        return page

    def _make(self, code: str) -> Credentials:
        ensure_room(self._wish.folder)
        made = exchange(self._wish.api_url, code)
        keep(self._wish.folder, made, self._wish.settings())
        return made

    def _page(self, template: str, status: int = 200, /, **fields: Any) -> Response:
        nonce = secrets.token_urlsafe(16)
        html = self._templates.get_template(template).render(nonce=nonce, **fields)
        headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; "
                f"form-action {self._wish.web_url}; frame-ancestors 'none'"
            ),
            "Cache-Control": "no-store",
            # The address holds the key.
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        return HTMLResponse(html, status, headers)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
