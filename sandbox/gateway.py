"""The way of every API request: who, may they, is it well-formed, do it, is the answer well-formed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.auth import Identity, identify
from sandbox.call import Answer, Call, Handler
from sandbox.contract import Operation, Violation
from sandbox.entities import Json
from sandbox.exchange import Exchange
from sandbox.faults import Fault
from sandbox.graphql import GraphQL
from sandbox.limits import Limits, SecondaryLimit
from sandbox.refusal import Refused
from sandbox.state import State

BROKEN_CONTRACT = 599
VERSIONS = ("2022-11-28", "2026-03-10")
CREATES_CONTENT = frozenset(
    {
        "pulls/create",
        "pulls/create-review",
        "pulls/create-review-comment",
        "pulls/create-reply-for-review-comment",
        "issues/create-comment",
    }
)
NO_AUTHENTICATION = frozenset({"apps/create-from-manifest"})


@dataclass
class Outcome:
    """What is known of a request so far; the pieces come together on the way."""

    answer: Answer
    identity: Identity = field(default_factory=Identity)
    operation: str = ""
    violations: tuple[str, ...] = ()


class Gateway:
    """Answers REST and GraphQL; `exchanges` keeps what was said."""

    def __init__(
        self, state: State, handlers: Mapping[str, Handler], graphql: GraphQL, limits: Limits
    ) -> None:
        self._state = state
        self._handlers = handlers
        self._graphql = graphql
        self._limits = limits
        self.exchanges: list[Exchange] = []

    async def rest(self, request: Request) -> Response:
        raw: bytes = request.scope["raw_path"]
        path = raw.decode("ascii").removeprefix("/api/v3").rstrip("/") or "/"
        return await self._respond(request, path)

    async def graphql(self, request: Request) -> Response:
        return await self._respond(request, "/graphql")

    async def _respond(self, request: Request, path: str) -> Response:
        start = time.monotonic()
        body = await request.body()
        fault = self._state.faults.take(request.method, path, body)
        if fault and fault.seconds:
            await asyncio.sleep(fault.seconds)
        if fault and fault.revoke_token:
            self._revoke(request)
        if fault and fault.status and not fault.takes_effect:
            outcome = Outcome(Answer(fault.status))
        else:
            with self._state.lock:
                outcome = self._carry_out(request, path, body)
        if fault and fault.seconds_after:
            await asyncio.sleep(fault.seconds_after)
        response = self._response(request, outcome, fault)
        self.exchanges.append(
            Exchange(
                at=self._state.now(),
                method=request.method,
                path=path,
                query=request.url.query,
                status=response.status_code,
                who=outcome.identity.name,
                operation=outcome.operation,
                request_bytes=len(body),
                response_bytes=len(response.body),
                violations=outcome.violations,
                seconds=round(time.monotonic() - start, 4),
                faulty=fault is not None,
                request_body=body,
                response_body=bytes(response.body),
            )
        )
        return response

    def _revoke(self, request: Request) -> None:
        credential = request.headers.get("authorization", "").partition(" ")[2].strip()
        self._state.tokens.pop(credential, None)

    def _carry_out(self, request: Request, path: str, body: bytes) -> Outcome:
        outcome = Outcome(Answer(500))
        try:
            self._check_headers(request.headers)
            outcome.identity = self._identify(request, path)
            if path == "/graphql":
                outcome.operation = "graphql"
                self._limits.charge(outcome.identity.meter, "graphql")
                outcome.answer = self._graphql.answer(outcome.identity, _json(body))
            else:
                self._carry_out_rest(outcome, request, path, body)
        except Refused as refused:
            headers = (
                {"retry-after": str(refused.retry_after)}
                if isinstance(refused, SecondaryLimit)
                else {}
            )
            outcome.answer = Answer(refused.status, refused.body(), headers)
        self._check_answer(outcome)
        return outcome

    def _check_headers(self, headers: Mapping[str, str]) -> None:
        if not headers.get("user-agent"):
            raise Refused(
                403, "Request forbidden by administrative rules. Please send a User-Agent."
            )
        version = headers.get("x-github-api-version")
        if version is not None and version not in VERSIONS:
            raise Refused(400, f"{version} is not a supported version")

    def _identify(self, request: Request, path: str) -> Identity:
        identity = identify(self._state, request.headers)
        if path == "/graphql" and identity.user is None:
            raise Refused(401, "This endpoint requires you to be authenticated.")
        return identity

    def _carry_out_rest(self, outcome: Outcome, request: Request, path: str, body: bytes) -> None:
        matched = self._state.contract.match(request.method, path)
        if matched is None:
            self._no_operation(outcome, request.method, path)
            return
        operation, parameters = matched
        outcome.operation = operation.id
        if operation.id != "rate-limit/get":
            self._limits.charge(outcome.identity.meter, "core")
        given = _json(body)
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        wrong = self._state.contract.request_violations(operation, parameters, query, given)
        if wrong:
            self._refuse_request(outcome, wrong)
            return
        handler = self._handlers.get(operation.id)
        if handler is None:
            raise Refused(501, f"The stand-in does not do {operation.id} yet.")
        if operation.id in CREATES_CONTENT and outcome.identity.app is not None:
            self._limits.charge_content(outcome.identity.meter)
        address = f"{self._state.api_url}{path}"
        call = Call(
            self._state, outcome.identity, self._limits, operation, address, parameters, query,
            {} if given is None else given, request.headers,
        )  # fmt: skip
        outcome.answer = handler(call)

    def _no_operation(self, outcome: Outcome, method: str, path: str) -> None:
        text = f"GitHub's description (the part kept here) has no {method} {path}"
        outcome.violations = (text,)
        outcome.answer = Answer(BROKEN_CONTRACT, {"message": text, "violations": [text]})

    def _refuse_request(self, outcome: Outcome, wrong: list[Violation]) -> None:
        """GitHub enforces its limits itself; everything else is an error of the client's code."""
        if all(one.limit for one in wrong):
            text = "Invalid request.\n\n" + "\n".join(one.text for one in wrong)
            raise Refused(422, text)
        outcome.violations = tuple(f"request: {one.text}" for one in wrong)
        body = {
            "message": f"The request to {outcome.operation} is not what GitHub describes.",
            "violations": list(outcome.violations),
        }
        outcome.answer = Answer(BROKEN_CONTRACT, body)

    def _check_answer(self, outcome: Outcome) -> None:
        answer = outcome.answer
        operation = self._operation(outcome.operation)
        if operation is None or outcome.violations or isinstance(answer.body, bytes):
            return
        wrong = self._state.contract.response_violations(operation, answer.status, answer.body)
        if wrong:
            outcome.violations = tuple(f"answer {answer.status}: {text}" for text in wrong)
            text = f"The stand-in's answer to {operation.id} is not what GitHub describes."
            body = {"message": text, "violations": list(outcome.violations)}
            outcome.answer = Answer(BROKEN_CONTRACT, body)

    def _operation(self, name: str) -> Operation | None:
        every = self._state.contract.operations
        return next((one for one in every if one.id == name), None)

    def _response(self, request: Request, outcome: Outcome, fault: Fault | None) -> Response:
        answer = outcome.answer
        resource = "graphql" if outcome.operation == "graphql" else "core"
        headers = {
            "date": formatdate(self._state.clock.now(), usegmt=True),
            **self._limits.headers(outcome.identity.meter, resource),
            "x-github-request-id": uuid.uuid4().hex[:20].upper(),
            "x-github-media-type": "github.v3; format=json",
            "x-github-api-version-selected": request.headers.get(
                "x-github-api-version", VERSIONS[0]
            ),
            **answer.headers,
        }
        content = _encode(answer)
        status = answer.status
        if request.method == "GET" and status == 200:
            headers["etag"] = f'W/"{hashlib.sha256(content).hexdigest()}"'
            headers["cache-control"] = "private, max-age=60, s-maxage=60"
            if headers["etag"] in request.headers.get("if-none-match", ""):
                status, content = 304, b""
        if fault and fault.status:
            headers |= self._state.faults.headers_of(fault)
            return Response(fault.body, fault.status, headers)
        if status not in (204, 304) and content:
            headers["content-type"] = answer.media_type
        if fault and fault.keep_bytes is not None:
            return CutOff(content, status, headers, keep=fault.keep_bytes)
        return Response(content, status, headers)


class CutOff(Response):
    """Promises the whole body and stops in the middle of it."""

    def __init__(self, content: bytes, status: int, headers: dict[str, str], *, keep: int) -> None:
        super().__init__(content, status, headers)
        self._keep = min(keep, max(len(content) - 1, 0))

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        part = bytes(self.body)[: self._keep]
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(0.01)  # the part leaves before the connection closes


def _encode(answer: Answer) -> bytes:
    if answer.body is None:
        return b""
    if isinstance(answer.body, bytes):
        return answer.body
    return json.dumps(answer.body, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def _json(body: bytes) -> Any:
    if not body:
        return None
    try:
        value: Json = json.loads(body)
    except ValueError as error:
        raise Refused(400, "Problems parsing JSON") from error
    return value
