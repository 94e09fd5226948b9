"""One write after the other, a second apart, whichever worker of an installation it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context

import pytest
from desk import RATES_BAD, Desk
from odd_server import KEY, Told, minting, odd_server
from redis import Redis

from worker.github.client import App, Client
from worker.pace import LONGEST_WAIT, Pace
from worker.turns import PutBackError, TurnLostError

A_DAY = 86_400_000


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


def slots_of(url: str, installation: int, count: int) -> list[float]:
    """What one worker gets that writes as fast as it can."""
    with Redis.from_url(url) as redis:
        pace = Pace(redis, installation, 1.0)
        return [pace.reserve().at for _ in range(count)]


@pytest.mark.fault(51)
def test_workers_of_one_installation_write_a_second_apart_all_together(redis_url: str) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        asked = [workers.submit(slots_of, redis_url, 1, 8) for _ in range(2)]
        slots = sorted(slot for one in asked for slot in one.result())

    # Whoever comes while others wait gets the slot right behind theirs.
    assert len(slots) == 16
    assert all(later - earlier >= 0.999 for earlier, later in pairwise(slots))
    assert slots[-1] - slots[0] < 20


def test_the_first_write_and_those_of_another_installation_do_not_wait(redis: Redis) -> None:
    waits = [Pace(redis, installation, 5.0).reserve().wait for installation in (1, 1, 2)]

    assert waits[0] == waits[2] == 0
    assert 4 < waits[1] <= 5


def test_what_waits_too_long_is_put_back_and_holds_no_slot(redis: Redis) -> None:
    pace = Pace(redis, 1, 10.0)
    waits = [pace.reserve().wait for _ in range(4)]
    with pytest.raises(PutBackError) as refused:
        pace.wait()
    with pytest.raises(PutBackError) as again:
        pace.wait()

    assert max(waits) <= LONGEST_WAIT
    assert LONGEST_WAIT < again.value.after_seconds <= refused.value.after_seconds <= 40


def test_a_clock_that_goes_back_keeps_nobody_waiting(redis: Redis) -> None:
    redis.set("{stet}:pace:1", round(time.time() * 1000) + A_DAY)

    assert Pace(redis, 1).reserve().wait == 0


def test_nothing_is_kept_of_a_pace_that_is_over(redis: Redis) -> None:
    Pace(redis, 1, 1.0).reserve()

    assert 0 < redis.pttl("{stet}:pace:1") <= 1000


def test_the_turn_is_looked_at_after_the_wait_and_right_before_the_write() -> None:
    happened: list[str] = []

    def gate() -> None:
        happened.append("gate")
        if happened.count("gate") > 2:
            raise TurnLostError

    with (
        odd_server(lambda _: Told(201, b'{"data": {"a": 1}}')) as server,
        Client(
            App(1, "", f"{server.url}/api/v3"), KEY, minting(), pace=lambda: happened.append("wait")
        ) as client,
    ):
        client.write("POST", "x", object, gate=gate)
        client.mutate("mutation { a }", {}, object, gate=gate)
        with pytest.raises(TurnLostError):
            client.write("POST", "x", object, gate=gate)
        client.graphql("query { a }", {}, object)
        client.get("x", object)

    assert happened == ["wait", "gate"] * 3, "a read waits for nothing"
    assert len(server.asked) == 4


@pytest.mark.fault(51)
def test_a_review_waits_for_its_slot_among_all_writes_of_the_installation(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STET_WRITE_SECONDS", "10")
    desk.open({"shop/rates.py": RATES_BAD})
    others = Pace(desk.redis, desk.installation, 10.0)
    while others.reserve().wait <= LONGEST_WAIT - 10.0:
        pass

    calls = desk.review()

    assert {call.method for call in calls if "/repos/" in call.path} <= {"GET"}
    assert (desk.turns.counts().later, desk.checks()) == (1, [])
    assert desk.turns.failures() == []
