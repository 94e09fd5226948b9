"""The client against servers that do not behave."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from odd_server import KEY, Asked, OddServer, Told, minting, odd_server

from worker.github.client import API_VERSION, App, Client
from worker.github.errors import (
    ConflictError,
    ForbiddenError,
    GitHubError,
    GoneError,
    InstallationGoneError,
    RateLimitedError,
    RefusedError,
    UnauthorizedError,
    UnavailableError,
    error_of,
)
from worker.github.gate import unguarded
from worker.github.limits import MOST_BYTES
from worker.request import PullRequestKey

Waits = list[float]


@contextmanager
def talking(
    rule: Callable[[Asked], Told], key: PullRequestKey = KEY
) -> Iterator[tuple[Client, OddServer, Waits]]:
    waits: Waits = []
    with (
        odd_server(rule) as server,
        Client(App(1, "", f"{server.url}/api/v3"), key, minting(), sleep=waits.append) as client,
    ):
        yield client, server, waits


def answers(*told: Told) -> Callable[[Asked], Told]:
    left = list(told)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_each_request_says_who_asks_and_which_version_it_means() -> None:
    with talking(answers(Told(body=b'{"a": 1}'))) as (client, server, _):
        assert client.get("repos/acme/shop", dict[str, int]) == {"a": 1}

    [asked] = server.asked
    assert asked.path == "/api/v3/repos/acme/shop"
    assert asked.headers["authorization"].endswith("first")
    assert asked.headers["x-github-api-version"] == API_VERSION


@pytest.mark.fault(36)
def test_a_read_is_tried_again_with_growing_pauses() -> None:
    told = (Told(502), Told(body=b"<html>"), Told(503), Told(body=b'{"a": 1}'))
    with talking(answers(*told)) as (client, server, waits):
        assert client.get("x", dict[str, int]) == {"a": 1}

    assert len(server.asked) == 4
    assert waits == pytest.approx([0.5, 1.0, 2.0], rel=0.51)


@pytest.mark.fault(36)
def test_a_read_is_given_up_after_five_tries() -> None:
    with talking(answers(Told(500))) as (client, server, _), pytest.raises(UnavailableError):
        client.get("x", dict[str, int])

    assert len(server.asked) == 5


@pytest.mark.fault(36)
@pytest.mark.parametrize("told", [Told(500), Told(502), Told(body=b'{"id": 1', cut_at=3)])
def test_a_write_is_sent_once(told: Told) -> None:
    with talking(answers(told)) as (client, server, _), pytest.raises(UnavailableError):
        client.write("POST", "x", object, {"a": 1}, gate=unguarded)

    assert len(server.asked) == 1


@pytest.mark.fault(32)
def test_a_token_that_is_not_honoured_is_replaced_once() -> None:
    with talking(answers(Told(401), Told(201, b'{"a": 1}'))) as (client, server, _):
        client.write("POST", "x", object, {}, gate=unguarded)

    assert [each.headers["authorization"][-6:] for each in server.asked] == [
        " first"[-6:],
        "second",
    ]


def test_a_second_refusal_of_the_token_is_an_error() -> None:
    with talking(answers(Told(401))) as (client, server, _), pytest.raises(UnauthorizedError):
        client.get("x", object)

    assert len(server.asked) == 2


def test_a_move_within_github_is_followed() -> None:
    def rule(asked: Asked) -> Told:
        if asked.path.endswith("/old"):
            return Told(301, headers={"Location": "/api/v3/repositories/2/new"})
        return Told(body=b'{"a": 1}')

    with talking(rule) as (client, server, _):
        assert client.get("old", dict[str, int]) == {"a": 1}

    assert [each.path for each in server.asked] == ["/api/v3/old", "/api/v3/repositories/2/new"]


@pytest.mark.fault(65)
@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest",
        "https://evil.example/",
        "file:///etc/passwd",
        "//evil.example/x",
    ],
)
def test_a_read_is_not_sent_to_another_host(location: str) -> None:
    moved = Told(302, headers={"Location": location})
    with talking(answers(moved)) as (client, server, _):
        with pytest.raises(GoneError):
            client.get("x", object)
        with pytest.raises(GoneError), client.download("repos/acme/shop/tarball/x") as pieces:
            list(pieces)

    assert len(server.asked) == 2


def test_a_circle_of_moves_ends() -> None:
    with (
        talking(answers(Told(302, headers={"Location": "/api/v3/x"}))) as (client, server, _),
        pytest.raises(GoneError),
    ):
        client.get("x", object)

    assert len(server.asked) < 6


@pytest.mark.fault(65)
def test_an_archive_is_fetched_without_our_token() -> None:
    def rule(asked: Asked) -> Told:
        if "tarball" in asked.path:
            return Told(302, headers={"Location": "/codeload/tar.gz/x?token=temporary"})
        return Told(body=b"bytes of an archive")

    with talking(rule) as (client, server, _), client.download("repos/a/b/tarball/x") as pieces:
        assert b"".join(pieces) == b"bytes of an archive"

    assert "authorization" in server.asked[0].headers
    assert "authorization" not in server.asked[1].headers


def test_an_answer_without_end_is_cut_off() -> None:
    endless = Told(body=bytes(MOST_BYTES + 1))
    with (
        talking(answers(endless)) as (client, _, _waits),
        pytest.raises(UnavailableError, match="ReadError"),
    ):
        client.write("POST", "x", object, gate=unguarded)


@pytest.mark.fault(65)
@pytest.mark.parametrize(
    ("owner", "repository"),
    [("..", "x"), ("a", ".."), ("a/b", "c"), ("a", "b?x=1"), ("", "x"), ("a", "b\n")],
)
def test_a_name_that_no_repository_has_is_never_asked_for(owner: str, repository: str) -> None:
    key = PullRequestKey(1, 2, owner, repository, 7)
    with pytest.raises(GoneError):
        Client(App(1, "", "https://api.github.com"), key, minting())


@pytest.mark.parametrize(
    ("api", "graphql"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://ghes.example/api/v3", "https://ghes.example/api/graphql"),
    ],
)
def test_graphql_stands_where_each_kind_of_github_has_it(api: str, graphql: str) -> None:
    assert App(1, "", api).graphql_url == graphql


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ({"data": None, "errors": [{"type": "NOT_FOUND", "message": "x"}]}, GoneError),
        ({"data": None, "errors": [{"type": "RATE_LIMITED", "message": "x"}]}, RateLimitedError),
        (
            {"data": {"a": 1}, "errors": [{"type": "RATE_LIMITED", "message": "x"}]},
            RateLimitedError,
        ),
        ({"data": None, "errors": [{"type": "FORBIDDEN", "message": "no"}]}, RefusedError),
        ({"data": None, "errors": [{"message": "Something went wrong"}]}, UnavailableError),
        ({"data": {"a": "text"}}, GitHubError),
    ],
)
def test_the_errors_of_graphql_mean_what_those_of_rest_mean(
    reply: object, error: type[GitHubError]
) -> None:
    with (
        talking(answers(Told(body=json.dumps(reply).encode()))) as (client, _, _waits),
        pytest.raises(error),
    ):
        client.graphql("query { a }", {}, dict[str, int])


def test_an_answer_of_graphql_with_holes_is_used() -> None:
    reply = {"data": {"a": 1, "b": None}, "errors": [{"type": "NOT_FOUND", "message": "b"}]}
    with talking(answers(Told(body=json.dumps(reply).encode()))) as (client, _, _waits):
        assert client.graphql("query { a b }", {}, dict[str, int | None]) == {"a": 1, "b": None}


SUSPENDED = b'{"message": "This installation has been suspended"}'
SECONDARY = b'{"message": "You have exceeded a secondary rate limit."}'


@pytest.mark.fault(33, 34, 35)
@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (401, {}, b"", UnauthorizedError),
        (403, {}, b'{"message": "Resource not accessible by integration"}', ForbiddenError),
        (403, {}, SUSPENDED, InstallationGoneError),
        (403, {"retry-after": "7"}, b"", RateLimitedError),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"}, b"", RateLimitedError),
        (403, {}, SECONDARY, RateLimitedError),
        (429, {}, b"", RateLimitedError),
        (404, {}, b"", GoneError),
        (410, {}, b"", GoneError),
        (451, {}, b"", GoneError),
        (409, {}, b"", ConflictError),
        (422, {}, b"", RefusedError),
        (500, {}, b"<html>", UnavailableError),
        (504, {}, b"", UnavailableError),
    ],
)
def test_each_status_has_its_meaning(
    status: int, headers: dict[str, str], body: bytes, kind: type[GitHubError]
) -> None:
    assert type(error_of("GET", "/x", status, headers, body)) is kind


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60.0),
        ({"retry-after": "-5"}, 1.0),
        ({"retry-after": "999999"}, 3700.0),
        ({"x-ratelimit-remaining": "0"}, 60.0),
        ({}, 60.0),
    ],
)
def test_a_pause_is_as_told_within_reason(headers: dict[str, str], seconds: float) -> None:
    error = error_of("GET", "/x", 429, headers, b"")

    assert isinstance(error, RateLimitedError)
    assert error.retry_after == seconds


def test_a_pause_lasts_until_the_limit_resets() -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 90)}
    error = error_of("GET", "/x", 403, headers, b"")

    assert isinstance(error, RateLimitedError)
    assert 85 < error.retry_after < 95


@pytest.mark.fault(34)
def test_a_rate_limit_is_never_waited_for() -> None:
    with (
        talking(answers(Told(403, headers={"Retry-After": "30"}))) as (client, server, waits),
        pytest.raises(RateLimitedError),
    ):
        client.get("x", object)

    assert (len(server.asked), waits) == (1, [])


def test_an_error_shows_no_token_and_little_of_the_answer() -> None:
    body = json.dumps({"message": "m" * 5000}).encode()
    with (
        talking(answers(Told(404, body))) as (client, _, _waits),
        pytest.raises(GoneError) as caught,
    ):
        client.get("x", object)

    assert len(str(caught.value)) < 300
    assert "first" not in repr(caught.value)
