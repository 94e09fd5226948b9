"""The webhook itself: check the signature, decide, queue, answer. No framework in between."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from bot.events import HANDLED, BadPayloadError, decide, parse
from bot.metrics import Metrics
from bot.queue import Queue, QueueAwayError
from bot.signature import is_genuine
from worker.request import CommandRequest, Ignored, Rerun

MOST_BYTES = 25 * 1024 * 1024
"""GitHub delivers no larger payload."""
MOST_BYTES_HELD = 8 * MOST_BYTES
"""Of all bodies in reading together; more is refused, so that strangers cannot fill the memory."""
BODY_SECONDS = 10.0
JSON = b"application/json"

log = structlog.get_logger(__name__)

Headers = Mapping[bytes, bytes]
"""By the name in small letters, as ASGI has them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a small JSON body; `last` closes the connection."""

    status: int
    body: dict[str, str]
    last: bool = False


class _RefusedError(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.answer = Answer(status, {"error": why}, last=True)


class WebhookDoor:
    """An ASGI application for `POST /webhooks/github`."""

    def __init__(
        self, keys: tuple[bytes, ...], app_id: int, queue: Queue, metrics: Metrics
    ) -> None:
        self._keys = keys
        self._app_id = app_id
        self._queue = queue
        self._metrics = metrics
        self._bytes_held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = dict(scope["headers"])
        event = headers.get(b"x-github-event", b"").decode("latin-1")
        try:
            answer = await self._answer(event, headers, receive)
        except _RefusedError as refused:
            answer = refused.answer
        except ConnectionError:
            return
        name = event if event in HANDLED else "other"
        self._metrics.delivery(name, _result(answer)).inc()
        await _send(answer, send)

    async def _answer(self, event: str, headers: Headers, receive: Receive) -> Answer:
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != JSON:
            why = "set the webhook's content type to application/json on the page of the GitHub App"
            raise _RefusedError(415, why)
        body = await self._read(headers, receive)
        if not is_genuine(self._keys, body, headers.get(b"x-hub-signature-256", b"")):
            return Answer(401, {"error": "the signature is not ours"})
        delivery = headers.get(b"x-github-delivery", b"")[:200].decode("latin-1")
        if not event or not delivery:
            return Answer(400, {"error": "X-GitHub-Event or X-GitHub-Delivery is missing"})
        try:
            payload = parse(event, body)
        except BadPayloadError as error:
            return Answer(400, {"error": f"the body cannot be read: {error}"})
        decision = decide(event, payload, self._app_id)
        try:
            if isinstance(decision, Rerun):
                decision = await self._queue.reviews_of(decision)
            if isinstance(decision, Ignored):
                log.debug("ignored", delivery=delivery, github_event=event, reason=decision.reason)
                return Answer(202, {"decision": "ignored", "reason": decision.reason})
            accepted = await self._queue.accept(decision, delivery)
        except QueueAwayError as error:
            log.error("queue away", delivery=delivery, error=str(error))  # noqa: TRY400  # no trace
            return Answer(503, {"error": "the queue is away, deliver again later"})
        kind = "command" if isinstance(decision[0], CommandRequest) else "review"
        subject = ", ".join(str(request.key) for request in decision)
        log.info(kind, delivery=delivery, github_event=event, subject=subject, queue=accepted)
        return Answer(202, {"decision": kind, "pull_request": subject, "queue": accepted})

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        """The whole body. Raises _RefusedError, or ConnectionError when the client went away."""
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and (len(announced) > 12 or int(announced) > MOST_BYTES):
            raise _RefusedError(413, "the body is over 25 MB")
        chunks: list[bytes] = []
        held = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ConnectionError
                    chunk: bytes = message.get("body", b"")
                    held += len(chunk)
                    self._bytes_held += len(chunk)
                    if held > MOST_BYTES:
                        raise _RefusedError(413, "the body is over 25 MB")
                    if self._bytes_held > MOST_BYTES_HELD:
                        raise _RefusedError(503, "too many large bodies at once")
                    chunks.append(chunk)
                    if not message.get("more_body"):
                        return b"".join(chunks)
        except TimeoutError:
            raise _RefusedError(408, "the body came too slowly") from None
        finally:
            self._bytes_held -= held


def _result(answer: Answer) -> str:
    if answer.status != 202:
        return str(answer.status)
    return answer.body.get("queue", answer.body["decision"])


async def _send(answer: Answer, send: Send) -> None:
    body = msgspec.json.encode(answer.body)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if answer.last:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
