"""Deliveries and errors of the receiver, told where an operator wants it. Beside the door, not in it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.events import HANDLED
from bot.queue import Queue, QueueAwayError
from bot.settings import BotSettings
from worker.error_reports import ErrorReports
from worker.logs import Scrubber
from worker.manifest import WEBHOOK_PATH
from worker.origins import SECONDS, Origin, name_of
from worker.spans import Fact, Span, Spans

_GENUINE = re.compile(r"[0-9a-fA-F-]{1,64}")
_MOST_BYTES = 100_000


def observed(app: ASGIApp, settings: BotSettings, queue: Queue) -> ASGIApp:
    """The application itself where nobody wants to know."""
    if settings.otlp_endpoint:
        app = TracedDeliveries(app, Spans(settings.otlp_endpoint, "stet-receiver"), queue)
    if settings.sentry_dsn is not None:
        scrub = Scrubber(settings.secrets())
        reports = ErrorReports(settings.sentry_dsn.get_secret_value(), scrub)
        app = ReportedErrors(app, reports)
    return app


class ReportedErrors:
    """Tells of every error that the application does not catch, and lets it go on."""

    def __init__(self, app: ASGIApp, reports: ErrorReports) -> None:
        self._app = app
        self._reports = reports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            self._reports.tell(error, {"part": "receiver"})
            raise
        finally:
            if scope["type"] == "lifespan":
                self._reports.close()


class TracedDeliveries:
    """A span for each delivery that was signed by us, told when it has been answered."""

    def __init__(self, app: ASGIApp, spans: Spans, queue: Queue) -> None:
        self._app = app
        self._spans = spans
        self._queue = queue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            try:
                await self._app(scope, receive, send)
            finally:
                self._spans.close()
        elif scope["type"] == "http" and scope["path"] == WEBHOOK_PATH:
            await self._delivery(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _delivery(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent: list[Message] = []

        async def heard(message: Message) -> None:
            sent.append(message)
            await send(message)

        began = time.time()
        await self._app(scope, receive, heard)
        status = next((each["status"] for each in sent if "status" in each), 0)
        if status != 202:
            return  # what is not proved to be GitHub's is counted, and otherwise unheard
        headers = Headers(scope=scope)
        delivery = headers.get("x-github-delivery", "")
        facts = _facts(headers, sent)
        if _GENUINE.fullmatch(delivery):
            facts["stet.delivery"] = delivery
        span = self._spans.tell(Span("delivery", began, time.time(), facts))
        if facts.get("stet.queue") in {"queued", "coalesced"}:
            await self._note(str(facts["stet.pull_request"]), Origin(delivery, span))

    async def _note(self, pull_requests: str, origin: Origin) -> None:
        for each in pull_requests.split(", "):
            with suppress(QueueAwayError):
                await self._queue.ask(_noting(each, origin))


def _noting(pull_request: str, origin: Origin) -> Callable[[Any], Awaitable[Any]]:
    return lambda redis: redis.set(name_of(pull_request), str(origin), ex=SECONDS)


def _facts(headers: Headers, sent: Sequence[Message]) -> dict[str, Fact]:
    body = b"".join(each.get("body", b"") for each in sent)[:_MOST_BYTES]
    said: dict[str, str] = json.loads(body)
    event = headers.get("x-github-event", "")
    facts: dict[str, Fact] = {"github.event": event if event in HANDLED else "other"}
    for name in ("decision", "queue", "pull_request"):
        if name in said:
            facts[f"stet.{name}"] = said[name]
    return facts
