"""What machines ask the receiver: is it alive, is it ready, how much is there to do."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from bot.metrics import CONTENT_TYPE, Metrics
from bot.pages_access import Access
from bot.queue import Queue, QueueAwayError
from worker.asked import Asked
from worker.outcomes import Record
from worker.tempo import Tempo
from worker.turns import Counts


def probes(queue: Queue, metrics: Metrics, access: Access) -> APIRouter:
    """Routes for probes, open to all, and for numbers, to those who may see the pages."""
    router = APIRouter()

    def allowed(request: Request) -> None:
        match access.verdict(request):
            case "no":
                raise HTTPException(404)
            case "sign in":
                raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})

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
        counts, outcomes = await _counts(queue), await _outcomes(queue)
        tempo, asked = await _tempo(queue), await _asked(queue)
        text = metrics.render(counts, outcomes, tempo, asked, takes_work=health.ready)
        return Response(text, media_type=CONTENT_TYPE)

    return router


async def _counts(queue: Queue) -> Counts | None:
    try:
        return await queue.counts()
    except QueueAwayError:
        return None


async def _outcomes(queue: Queue) -> dict[str, Record]:
    try:
        return await queue.outcomes()
    except QueueAwayError:
        return {}


async def _tempo(queue: Queue) -> Tempo | None:
    try:
        return await queue.tempo()
    except QueueAwayError:
        return None


async def _asked(queue: Queue) -> Asked:
    try:
        return await queue.asked()
    except QueueAwayError:
        return Asked()
