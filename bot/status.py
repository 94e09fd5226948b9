"""Pages for operators: server-rendered, no script, nothing from outside."""

from __future__ import annotations

import secrets
from typing import Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from bot.metrics import CONTENT_TYPE, Metrics
from bot.queue import Queue, QueueAwayError
from worker.settings import is_loopback
from worker.turns import Counts, Waiting

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def status_pages(
    queue: Queue, metrics: Metrics, pages: Literal["loopback", "everyone"]
) -> APIRouter:
    """Routes for probes (open to all) and pages (this machine's, unless told otherwise)."""
    router = APIRouter()
    templates = Environment(
        loader=PackageLoader("bot"), autoescape=select_autoescape(), undefined=StrictUndefined
    )

    def allowed(request: Request) -> None:
        if pages == "loopback" and not _comes_from_here(request):
            raise HTTPException(404)

    private = [Depends(allowed)]

    @router.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz")
    async def ready() -> Response:
        health = await queue.health()
        body = {"ready": health.ready, "problems": list(health.problems)}
        return JSONResponse(body, status_code=200 if health.ready else 503)

    @router.get("/metrics", dependencies=private)
    async def numbers() -> Response:
        health = await queue.health()
        text = metrics.render(await _counts(queue), takes_work=health.ready)
        return Response(text, media_type=CONTENT_TYPE)

    @router.get("/", dependencies=private)
    async def status() -> Response:
        nonce = secrets.token_urlsafe(16)
        health = await queue.health()
        page = templates.get_template("status.html").render(
            nonce=nonce, counts=await _counts(queue), health=health, waiting=await _waiting(queue)
        )
        return HTMLResponse(page, headers=_page_headers(nonce))

    return router


async def _counts(queue: Queue) -> Counts | None:
    try:
        return await queue.counts()
    except QueueAwayError:
        return None


async def _waiting(queue: Queue) -> list[Waiting]:
    try:
        return await queue.waiting()
    except QueueAwayError:
        return []


def _comes_from_here(request: Request) -> bool:
    """A direct request of this machine: no proxy in between, no foreign name in the address bar."""
    if request.client is None or not is_loopback(request.client.host):
        return False
    if any(name in request.headers for name in _FORWARDED):
        return False
    return is_loopback(request.url.hostname or "")


def _page_headers(nonce: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
