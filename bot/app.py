"""The receiver's application: a bare route for the webhook, FastAPI for the pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route

from bot.door import WebhookDoor
from bot.metrics import Metrics
from bot.queue import Queue
from bot.settings import BotSettings
from bot.status import status_pages


def create_app(settings: BotSettings, queue: Queue) -> FastAPI:
    """The whole receiver; closes `queue` when it stops."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await queue.close()

    app = FastAPI(title="Stet", lifespan=lifespan, openapi_url=None)
    metrics = Metrics()
    door = WebhookDoor(settings.keys(), settings.app_id, queue, metrics)
    # A bare route: what FastAPI does between would cost more than signature and queue together.
    app.router.routes.append(Route("/webhooks/github", door, methods=["POST"]))
    app.include_router(status_pages(queue, metrics, settings.pages))
    return app
