"""Faults on demand, and what the stand-in says of requests that GitHub does not describe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from shop import REPOSITORY, Shop

from sandbox import faults
from sandbox.auth import mint
from sandbox.server import StandIn

FILES = "/repos/acme/shop/pulls/1/files"
REVIEWS = "/repos/acme/shop/pulls/1/reviews"


@pytest.fixture
def client(shop: Shop) -> Iterator[httpx.Client]:
    """A person's requests, written by hand."""
    headers = {"Authorization": f"Bearer {shop.token}"}
    with httpx.Client(
        base_url=shop.github.api_url, headers=headers, trust_env=False, timeout=10
    ) as one:
        yield one


def test_a_primary_limit_names_its_end(client: httpx.Client, shop: Shop) -> None:
    shop.github.faults.add(faults.primary_rate_limit(reset_in=30), path="/files$")
    answer = client.get(FILES)
    assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (403, "0")
    wait = int(answer.headers["x-ratelimit-reset"]) - shop.github.clock.now()
    assert 25 < wait <= 30
    assert client.get(FILES).status_code == 200


def test_a_secondary_limit_names_a_wait_or_not(client: httpx.Client, shop: Shop) -> None:
    shop.github.faults.add(faults.secondary_rate_limit(retry_after=7, status=429))
    shop.github.faults.add(faults.secondary_rate_limit(retry_after=None))
    first, second = client.get(FILES), client.get(FILES)
    assert (first.status_code, first.headers["retry-after"]) == (429, "7")
    assert second.status_code == 403
    assert "retry-after" not in second.headers


def test_a_bad_gateway_hides_a_review_that_was_made(client: httpx.Client, shop: Shop) -> None:
    shop.github.faults.add(faults.bad_gateway_after_success(), method="POST", path="/reviews$")
    answer = client.post(REVIEWS, json={"event": "COMMENT", "body": "Made"})
    assert answer.status_code == 502
    assert [one["body"] for one in shop.github.reviews(REPOSITORY, shop.number)] == ["Made"]


def test_an_error_before_the_effect_has_none(client: httpx.Client, shop: Shop) -> None:
    shop.github.faults.add(faults.server_error(503), method="POST")
    assert client.post(REVIEWS, json={"event": "COMMENT", "body": "Lost"}).status_code == 503
    assert shop.github.reviews(REPOSITORY, shop.number) == []


def test_a_proxy_answers_in_html(client: httpx.Client, shop: Shop) -> None:
    shop.github.faults.add(faults.html_page(), path="/files$")
    answer = client.get(FILES)
    assert answer.headers["content-type"].startswith("text/html")


def test_an_answer_breaks_off(client: httpx.Client, shop: Shop) -> None:
    shop.github.faults.add(faults.cut_off(30), path="/files$")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(FILES)
    assert client.get(FILES).status_code == 200


def test_a_slow_answer_outlasts_an_impatient_client(client: httpx.Client, shop: Shop) -> None:
    shop.github.faults.add(faults.slow(1.0), path="/files$")
    with pytest.raises(httpx.ReadTimeout):
        client.get(FILES, timeout=0.2)


@pytest.mark.parametrize(
    ("fault", "made"), [(faults.unheard(1.0), 0), (faults.unanswered(1.0), 1)], ids=["not", "done"]
)
def test_a_request_without_an_answer_was_done_or_not(
    client: httpx.Client, shop: Shop, fault: faults.Fault, made: int
) -> None:
    shop.github.faults.add(fault, method="POST", path="/reviews$")
    with pytest.raises(httpx.ReadTimeout):
        client.post(REVIEWS, json={"event": "COMMENT", "body": "Well?"}, timeout=0.5)

    assert shop.github.faults.waiting == 0
    assert len(shop.github.reviews(REPOSITORY, shop.number)) == made


def test_the_first_requests_may_go_well(client: httpx.Client, shop: Shop) -> None:
    shop.github.faults.add(faults.server_error(), path="/files$", skip=2)

    assert [client.get(FILES).status_code for _ in range(4)] == [200, 200, 500, 200]


def test_a_token_is_revoked_in_the_middle(client: httpx.Client, shop: Shop) -> None:
    shop.github.faults.add(faults.revoked_token(), path="/files$")
    assert client.get(FILES).status_code == 401
    assert client.get("/user").status_code == 401


def test_new_content_is_limited_by_the_minute() -> None:
    with StandIn.start(content_per_minute=2) as github:
        github.create_repository(REPOSITORY)
        installation = github.install([REPOSITORY])
        github.commit(REPOSITORY, "topic", {"a.py": "1\n"})
        number = github.open_pull_request(REPOSITORY, head="topic")
        token = mint(github.state, github.state.installations[installation], {})
        address = f"{github.api_url}/repos/acme/shop/issues/{number}/comments"
        headers = {"Authorization": f"Bearer {token.value}"}

        def comment() -> httpx.Response:
            return httpx.post(address, headers=headers, json={"body": "Hi"}, trust_env=False)

        assert [comment().status_code for _ in range(2)] == [201, 201]
        refused = comment()
        assert (refused.status_code, refused.headers["retry-after"]) == (403, "60")
        github.clock.advance(61)
        assert comment().status_code == 201


def test_the_requests_of_an_hour_are_limited() -> None:
    with StandIn.start(requests_per_hour=2) as github:
        headers = {"Authorization": f"token {github.create_user('alice')}"}

        def ask() -> httpx.Response:
            return httpx.get(f"{github.api_url}/user", headers=headers, trust_env=False)

        assert [ask().status_code for _ in range(2)] == [200, 200]
        refused = ask()
        assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
        github.clock.advance(3601)
        assert ask().status_code == 200


@pytest.fixture
def crooked() -> Iterator[tuple[StandIn, httpx.Client]]:
    """A stand-in whose violations are the point of the test."""
    with StandIn.start() as github:
        github.create_repository(REPOSITORY)
        github.set_permission(REPOSITORY, "alice", "write")
        github.commit(REPOSITORY, "topic", {"a.py": "1\n"})
        github.open_pull_request(REPOSITORY, head="topic")
        headers = {"Authorization": f"token {github.create_user('alice')}"}
        with httpx.Client(base_url=github.api_url, headers=headers, trust_env=False) as client:
            yield github, client


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("POST", REVIEWS, {"event": "SHOUT"}, "not one of"),
        ("POST", REVIEWS, {"evnt": "COMMENT"}, "unknown key 'evnt'"),
        ("POST", REVIEWS, {"comments": [{"path": "a.py", "body": "x", "lin": 1}]}, "'lin'"),
        ("POST", REVIEWS, {"comments": [{"path": "a.py"}]}, "'body' is a required property"),
        ("POST", "/repos/acme/shop/issues/1/comments", {"body": 7}, "not of type 'string'"),
        ("POST", "/repos/acme/shop/issues/1/comments", None, "missing"),
        ("GET", FILES + "?perpage=5", None, "unknown query parameter 'perpage'"),
        ("GET", FILES + "?per_page=many", None, "not of type 'integer'"),
        ("GET", "/repos/acme/shop/pulls?state=opened", None, "not one of"),
        ("GET", "/repos/acme/shop/pulls/one/files", None, "not of type 'integer'"),
        ("GET", "/repos/acme/shop/pull/1", None, "has no GET"),
        ("GET", "/user", {"login": "x"}, "takes no body"),
    ],
)
def test_a_request_that_github_does_not_describe_fails_loudly(
    crooked: tuple[StandIn, httpx.Client], method: str, path: str, body: Any, says: str
) -> None:
    github, client = crooked
    answer = client.request(method, path, json=body)
    assert answer.status_code == 599
    assert says in answer.text
    assert any(says in text for text in github.violations)


def test_an_answer_that_github_does_not_describe_fails_loudly(
    crooked: tuple[StandIn, httpx.Client],
) -> None:
    github, client = crooked
    github.pull_request(REPOSITORY, 1).created_at = "yesterday"
    answer = client.get("/repos/acme/shop/pulls/1")
    assert answer.status_code == 599
    assert "'yesterday' is not a 'date-time'" in answer.text
    assert len(github.violations) == 1


def test_broken_json_is_told(crooked: tuple[StandIn, httpx.Client]) -> None:
    answer = crooked[1].post(REVIEWS, content=b"{")
    assert (answer.status_code, answer.json()["message"]) == (400, "Problems parsing JSON")


def test_a_client_without_a_name_is_refused(crooked: tuple[StandIn, httpx.Client]) -> None:
    assert crooked[1].get("/user", headers={"User-Agent": ""}).status_code == 403


def test_an_unknown_version_of_the_interface_is_refused(
    crooked: tuple[StandIn, httpx.Client],
) -> None:
    answer = crooked[1].get("/user", headers={"X-GitHub-Api-Version": "2019-01-01"})
    assert answer.status_code == 400


def test_a_described_operation_that_is_not_done_says_so(
    crooked: tuple[StandIn, httpx.Client],
) -> None:
    answer = crooked[1].get("/meta")
    assert answer.status_code == 501
