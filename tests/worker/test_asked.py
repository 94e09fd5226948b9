"""What is asked of GitHub is counted, and an allowance is told while it holds."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from odd_server import KEY, Asked, Told, minting, odd_server
from redis import Redis

from worker.asked import ANSWERS, REMAINING, Tally, asked_of, counted, forget
from worker.asked import Asked as Read
from worker.github.client import App, Client
from worker.github.errors import GitHubError

_NOW = 1_000_000


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


def _headers(remaining: str, *, resource: str = "core", reset: int = _NOW + 60) -> dict[str, str]:
    return {
        "X-RateLimit-Remaining": remaining,
        "X-RateLimit-Reset": str(reset),
        "X-RateLimit-Resource": resource,
    }


def _told(redis: Redis, now: float = _NOW) -> Read:
    def read(name: str) -> dict[str, str]:
        return {str(key): str(value) for key, value in redis.hgetall(name).items()}

    return asked_of(read(ANSWERS), read(REMAINING), now)


def test_requests_are_counted_by_what_came_back(redis: Redis) -> None:
    told = [
        Told(headers=_headers("4999")),
        Told(headers=_headers("4998")),
        Told(headers=_headers("12", resource="graphql")),
        Told(status=404, headers=_headers("4997")),
    ]

    def rule(_: Asked) -> Told:
        return told.pop(0)

    with (
        odd_server(rule) as server,
        Client(App(1, "", f"{server.url}/api/v3"), KEY, minting(), sleep=lambda _: None) as client,
        counted(redis, KEY.installation, client.tally),
    ):
        for name in "abc":
            client.get(name, dict[str, int])
        with pytest.raises(GitHubError):
            client.get("d", dict[str, int])

    assert _told(redis).answers == {"200": 3, "404": 1}
    assert _told(redis).remaining == {str(KEY.installation): 4997}


def test_requests_without_an_answer_are_counted_too(redis: Redis) -> None:
    with (
        Client(App(1, "", "http://127.0.0.1:1"), KEY, minting(), sleep=lambda _: None) as client,
        counted(redis, KEY.installation, client.tally),
        pytest.raises(GitHubError),
    ):
        client.get("a", dict[str, int])
    assert _told(redis).answers == {"none": client.calls}


def test_counts_of_several_clients_add_up(redis: Redis) -> None:
    for _ in range(2):
        tally = Tally()
        with counted(redis, 5, tally):
            tally.asked()
            tally.hear(200, {})
    assert _told(redis).answers == {"200": 2}
    assert not redis.exists(REMAINING)


def test_an_allowance_ends_with_its_hour_and_its_installation(redis: Redis) -> None:
    tally = Tally()
    tally.asked()
    tally.hear(200, {key.lower(): value for key, value in _headers("7").items()})
    with counted(redis, 5, tally):
        pass
    assert _told(redis).remaining == {"5": 7}
    assert not _told(redis, _NOW + 60).remaining
    forget(redis, 5)
    assert not redis.exists(REMAINING)


@pytest.mark.parametrize("value", ["", "7", "seven 9", "7 \u0663", "7 -1", "7 " + "9" * 400])
def test_what_makes_no_sense_is_passed_over(value: str) -> None:
    assert not asked_of({"200": value}, {"5": value}, 0).remaining
    assert asked_of({"200": "x"}, {}, 0).answers == {}


def test_counting_never_costs_a_review() -> None:
    tally = Tally()
    tally.asked()
    with counted(Redis(port=1), 5, tally):
        done = time.time()
    assert done
