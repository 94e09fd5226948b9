"""The receiver's application: the webhook by itself, FastAPI for the pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.door import WebhookDoor
from bot.metrics import Metrics
from bot.pages import operator_pages
from bot.pages_access import Access
from bot.queue import Queue
from bot.settings import BotSettings
from bot.status import probes
from worker.manifest import WEBHOOK_PATH, web_url


def create_app(settings: BotSettings, queue: Queue) -> ASGIApp:
    """The whole receiver; closes `queue` when it stops."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await queue.close()

    pages = FastAPI(title="Stet", lifespan=lifespan, openapi_url=None)
    metrics, access = Metrics(), Access(settings.token)
    door = WebhookDoor(settings.keys(), settings.app_id, queue, metrics)
    pages.include_router(probes(queue, metrics, access))
    pages.include_router(operator_pages(queue, access, web_url(settings.github_api_url)))

    # Before FastAPI: its layers would cost more than signature and queue together.
    async def receiver(scope: Scope, receive: Receive, send: Send) -> None:
        where: ASGIApp = pages
        if scope["type"] == "http" and scope["path"] == WEBHOOK_PATH:
            is_post = scope["method"] == "POST"
            where = door if is_post else Response(status_code=405, headers={"Allow": "POST"})
        await where(scope, receive, send)

    return receiver
