"""One door to GitHub: githubkit's authentication and transport, with settings fit for a bot."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec
from githubkit import GitHub, TokenAuthStrategy
from githubkit.cache import MemCacheStrategy
from githubkit.exception import RequestError, RequestFailed

from worker.asked import Tally
from worker.github.errors import (
    GitHubError,
    GoneError,
    RateLimitedError,
    RefusedError,
    UnauthorizedError,
    UnavailableError,
    error_of,
)
from worker.github.gate import Gate
from worker.github.limits import limit_response
from worker.github.proof import AppProof
from worker.github.tokens import Token, Tokens
from worker.request import PullRequestKey

log = logging.getLogger(__name__)

T = TypeVar("T")
API_VERSION = "2026-03-10"
MOST_TRIES = 5
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_MOST_REDIRECTS = 3
_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True)
class App:
    """Who Stet is on GitHub. `api_url` without a slash at the end.

    `may_commit`: the operator runs the tier that asks for contents: write.
    """

    id: int
    private_key: str = field(repr=False)
    api_url: str
    may_commit: bool = False

    @property
    def graphql_url(self) -> str:
        """GitHub Enterprise has its GraphQL beside, not below, its REST root."""
        return f"{self.api_url.removesuffix('/v3')}/graphql"


@dataclass(frozen=True, slots=True)
class Answer:
    """What GitHub answered; `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def open_github(
    app: App, auth: AppProof | TokenAuthStrategy, tally: Tally | None = None
) -> GitHub[Any]:
    """A githubkit client that neither waits, repeats, caches nor follows on its own."""

    def hear(response: httpx.Response) -> None:
        if tally is not None:
            tally.hear(response.status_code, response.headers)

    return GitHub(
        auth,
        base_url=app.api_url,
        user_agent="stet-review",
        timeout=TIMEOUT,
        follow_redirects=False,
        auto_retry=False,
        http_cache=False,
        cache_strategy=MemCacheStrategy(),
        event_hooks={"response": [limit_response, hear]},
    )


def ask(
    github: GitHub[Any],
    method: str,
    url: str,
    *,
    params: Mapping[str, str | int] | None = None,
    json: object = None,
) -> Answer:
    """One request, one answer. Raises a GitHubError for anything but success or a redirect."""
    path = urlsplit(url).path
    try:
        reply = github.request(
            method,
            url,
            params=dict(params) if params else None,
            json=json,
            headers={"X-GitHub-Api-Version": API_VERSION},
        ).raw_response
    except RequestFailed as failed:
        raw = failed.response.raw_response
        raise error_of(method, path, raw.status_code, _lower(raw), raw.content) from None
    except RequestError as error:
        cause = type(error.exc).__name__
        kind = NotSentError if isinstance(error.exc, httpx.ConnectError) else UnavailableError
        raise kind(f"{method} {path}: {cause}") from None
    except ValueError:  # githubkit reads headers of a 403 as numbers
        raise RateLimitedError(60.0) from None
    return Answer(reply.status_code, _lower(reply), reply.content)


class NotSentError(UnavailableError):
    """No connection: the request did not reach GitHub."""


def _lower(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


class Client:
    """Speaks as one installation about one repository. Use it in a `with` statement.

    Reads are tried up to five times. Writes are sent once: after an UnavailableError the
    caller has to look whether the write happened. Rate limits are never waited for.
    Before each write `pace` may sleep; only then its gate is asked.
    """

    def __init__(
        self,
        app: App,
        key: PullRequestKey,
        tokens: Tokens,
        *,
        sleep: Callable[[float], None] = time.sleep,
        pace: Callable[[], None] = lambda: None,
    ) -> None:
        for segment in (key.owner, key.repository):
            if not _SEGMENT.fullmatch(segment):
                raise GoneError("no repository has such a name")
        self.app = app
        self.key = key
        self.repository = f"repos/{key.owner}/{key.repository}"
        self.tally = Tally()
        self._tokens = tokens
        self._sleep = sleep
        self._pace = pace
        self._open = ExitStack()
        self._github: GitHub[Any] | None = None
        self._token: Token | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    @property
    def may_resolve(self) -> bool:
        """Resolving a thread needs contents: write, which the review tier does not have."""
        return self._token is not None and self._token.permissions.get("contents") == "write"

    def get(self, path: str, kind: type[T], params: Mapping[str, str | int] | None = None) -> T:
        """Read and decode. `path` is relative to the root of the API."""
        return self._read(lambda: _decoded(self._follow(path, params), kind))

    def write(self, method: str, path: str, kind: type[T], json: object = None, *, gate: Gate) -> T:
        """Send a change once and decode the answer."""
        self._await_turn(gate)
        return _decoded(self._send(method, path, json=json), kind)

    def graphql(self, query: str, variables: Mapping[str, object], kind: type[T]) -> T:
        """Run a query; the `data` of its answer, even beside errors if it holds anything."""
        body = {"query": query, "variables": dict(variables)}
        return self._read(
            lambda: _data(
                _decoded(self._send("POST", self.app.graphql_url, json=body), _GraphQL), kind
            )
        )

    def mutate(
        self, mutation: str, variables: Mapping[str, object], kind: type[T], *, gate: Gate
    ) -> T:
        """As `graphql`, but sent once: after an UnavailableError look whether it happened."""
        body = {"query": mutation, "variables": dict(variables)}
        self._await_turn(gate)
        answer = self._send("POST", self.app.graphql_url, json=body)
        return _data(_decoded(answer, _GraphQL), kind)

    def mutate_at_last(
        self, mutation: str, variables: Mapping[str, object], kind: type[T], *, gate: Gate
    ) -> T:
        """As `mutate`, and tried as often as a read: for what may well be done twice."""
        return self._read(lambda: self.mutate(mutation, variables, kind, gate=gate))

    def _await_turn(self, gate: Gate) -> None:
        self._pace()
        gate()

    @contextmanager
    def download(self, path: str) -> Iterator[Iterator[bytes]]:
        """Read a big answer piece by piece, following GitHub to its file server without our token."""
        answer = self._read(lambda: self._send("GET", path))
        location = answer.headers.get("location")
        if answer.status < 300 or location is None:
            yield iter((answer.body,))
            return
        url = self._checked(urljoin(f"{self.app.api_url}/{path}", location))
        # trust_env, as githubkit's: a proxy of the operator serves this request too.
        with httpx.Client(timeout=TIMEOUT, event_hooks={"response": [limit_response]}) as plain:
            self.tally.asked()
            try:
                with plain.stream("GET", url) as response:
                    self.tally.hear(response.status_code, {})
                    if response.status_code != 200:
                        raise UnavailableError(f"GET archive: {response.status_code}")
                    yield response.iter_bytes()
            except httpx.HTTPError as error:
                raise UnavailableError(f"GET archive: {type(error).__name__}") from None

    def _read(self, once: Callable[[], T]) -> T:
        for attempt in range(1, MOST_TRIES + 1):
            try:
                return once()
            except UnavailableError as error:
                if attempt == MOST_TRIES:
                    raise
                log.info("%s, try %d", error, attempt)
                self._sleep(min(0.5 * 2 ** (attempt - 1), 8.0) * random.uniform(0.5, 1.5))  # noqa: S311
        raise AssertionError("unreachable")

    def _follow(self, path: str, params: Mapping[str, str | int] | None) -> Answer:
        answer = self._send("GET", path, params=params)
        for _ in range(_MOST_REDIRECTS):
            location = answer.headers.get("location")
            if answer.status < 300 or location is None:
                return answer
            url = urljoin(f"{self.app.api_url}/{path}", location)
            if urlsplit(url)[:2] != urlsplit(self.app.api_url)[:2]:
                raise GoneError(f"GET {path}: sent to another host")
            answer = self._send("GET", url)
        raise GoneError(f"GET {path}: sent in circles")

    def _checked(self, url: str) -> str:
        """An address of GitHub's file server, or GoneError."""
        ours, theirs = urlsplit(self.app.api_url), urlsplit(url)
        home = (ours.hostname or "").removeprefix("api.")
        host = theirs.hostname or ""
        same = (theirs.scheme, theirs.port) == (ours.scheme, ours.port)
        if not same or not (host == home or host.endswith(f".{home}")):
            raise GoneError("GET archive: sent to another host")
        return url

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
    ) -> Answer:
        session = self._session()
        self.tally.asked()
        try:
            return ask(session, method, path, params=params, json=json)
        except UnauthorizedError:
            # The token ended early or was revoked: nothing was done, so once more is safe.
            self._close()
            self._tokens.drop(self.key)
            session = self._session()
            self.tally.asked()
            return ask(session, method, path, params=params, json=json)

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self.tally.requests

    def _session(self) -> GitHub[Any]:
        if self._github is None:
            self._token = self._tokens.of(self.key)
            github = open_github(self.app, TokenAuthStrategy(self._token.value), self.tally)
            self._github = self._open.enter_context(github)
        return self._github

    def _close(self) -> None:
        self._github = None
        self._open.close()


def _decoded(answer: Answer, kind: type[T]) -> T:
    if kind is type(None) or not answer.body:
        return msgspec.convert(None, kind)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.ValidationError as error:
        raise GitHubError(f"an answer of an unknown form: {error}") from None
    except msgspec.MsgspecError:
        raise UnavailableError("an answer that is not JSON") from None


class _Problem(msgspec.Struct):
    message: str = ""
    type: str = ""


class _GraphQL(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: list[_Problem] = []


def _data(reply: _GraphQL, kind: type[T]) -> T:
    kinds = {each.type for each in reply.errors}
    words = "; ".join(each.message for each in reply.errors)[:200]
    if "RATE_LIMITED" in kinds:
        raise RateLimitedError(60.0)
    if bytes(reply.data) == b"null":
        if "NOT_FOUND" in kinds:
            raise GoneError(words)
        if "something went wrong" in words.lower() or not reply.errors:
            raise UnavailableError(f"GraphQL: {words}")
        raise RefusedError(f"GraphQL: {words}")
    try:
        return msgspec.json.decode(bytes(reply.data), type=kind)
    except msgspec.ValidationError as error:
        if "NOT_FOUND" in kinds:
            raise GoneError(words) from None
        raise GitHubError(f"an answer of an unknown form: {error}; {words}") from None
