"""The receivers that are compared. Run as `python -m bench.load.doors KIND PORT REDIS_URL`."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import uvicorn
from starlette.requests import Request  # FastAPI reads the annotation at run time

from bot.cli import KEEP_ALIVE_SECONDS

SECRET = "for the bench alone: nothing more"  # noqa: S105
APP_ID = 4711

Message = MutableMapping[str, Any]


def bare(_redis_url: str) -> Any:
    """Reads the body and answers: what uvicorn itself costs."""

    async def application(
        scope: Message, receive: Callable[[], Any], send: Callable[..., Any]
    ) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return application


def stet(redis_url: str) -> Any:
    """The receiver as it is served."""
    from bot.app import create_app
    from bot.queue import Queue
    from bot.settings import BotSettings
    from worker.logs import configure
    from worker.settings import load

    settings = load(
        BotSettings, app_id=APP_ID, webhook_secret=SECRET, redis_url=redis_url, private_key=""
    )
    configure(log_format="json", level="info", secrets=settings.secrets())
    return create_app(settings, Queue(redis_url))


def obvious(redis_url: str) -> Any:
    """What one would write in an hour: FastAPI, `json.loads`, `rq.Queue.enqueue`."""
    from fastapi import FastAPI, HTTPException
    from redis import Redis
    from rq import Queue

    application = FastAPI()
    queue = Queue(connection=Redis.from_url(redis_url))

    @application.post("/webhooks/github", status_code=202)
    async def receive(request: Request) -> dict[str, str]:
        body = await request.body()
        wanted = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted, request.headers.get("x-hub-signature-256", "")):
            raise HTTPException(401)
        payload = json.loads(body)
        pull = payload["pull_request"]
        queue.enqueue("worker.review", payload["repository"]["full_name"], pull["number"])
        return {"queued": pull["head"]["sha"]}

    return application


def gidgethub(_redis_url: str) -> Any:
    """Gidgethub's own parsing in a bare Starlette route; it verifies, and queues nothing."""
    from gidgethub.sansio import Event  # type: ignore[import-not-found]
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    async def receive(request: Request) -> Response:
        Event.from_http(request.headers, await request.body(), secret=SECRET)
        return Response(status_code=202)

    return Starlette(routes=[Route("/webhooks/github", receive, methods=["POST"])])


KINDS = {each.__name__: each for each in (bare, stet, obvious, gidgethub)}


def main(kind: str, port: str, redis_url: str) -> None:
    """Serve one of them until the process is ended."""
    uvicorn.run(
        KINDS[kind](redis_url),
        port=int(port),
        log_config=None,
        access_log=False,
        loop="uvloop",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
