"""Turns and workers on a bad day: shares, strangers' data, poison, a rolling deployment."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import cast

import pytest
from desk import RATES_BAD, REPOSITORY, Desk, client_of
from redis import Redis

from sandbox import faults
from worker.allowance import Allowance
from worker.github.errors import UnauthorizedError
from worker.github.pulls import read_pull_request
from worker.request import CommandRequest, PullRequestKey, ReviewRequest
from worker.turns import MOST_TRIES, PREFIX, Turns, hold_turn


def key(number: int, installation: int = 1) -> PullRequestKey:
    return PullRequestKey(installation, 7, "octo", "shop", number)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


def make_due(turns: Turns, redis: Redis) -> None:
    """Let every pause be over."""
    for pull, _due in redis.zscan_iter(f"{PREFIX}later"):
        redis.zadd(f"{PREFIX}later", {pull: 0})
    turns.sweep()


@pytest.mark.fault(12, 75)
def test_an_installation_holds_only_its_share_of_the_workers(redis: Redis) -> None:
    turns = Turns(redis, most_of_one=2)
    for number in range(1, 501):
        turns.enqueue(ReviewRequest(key(number), "opened"), f"flood-{number}")
    held = [turns.take() for _ in range(5)]
    turns.enqueue(ReviewRequest(key(1, installation=2), "opened"), "another")

    other = turns.take()

    assert [turn is not None for turn in held] == [True, True, False, False, False]
    assert other
    assert other.key.installation == 2
    assert held[0]
    assert turns.finish(held[0]) == "done"
    assert turns.take(), "what it gave back may be taken again"


@pytest.mark.fault(31)
@pytest.mark.parametrize("written", ['["horoscope", 1]', '["command"]', "[]", "{", '"command"'])
def test_what_another_version_wrote_is_left_to_it_and_then_given_up(
    redis: Redis, written: str
) -> None:
    turns = Turns(redis)
    turns.enqueue(CommandRequest(key(1), 5, False, "octocat"), "newer")
    redis.lset(f"{PREFIX}commands:1:7:1", 0, written)
    turns.enqueue(ReviewRequest(key(2), "opened"), "other")
    reviewed = []
    for _ in range(2 * MOST_TRIES + 2):
        with hold_turn(turns, most_seconds=60) as held:
            if held is not None:
                reviewed.append(held.turn.key.number)
        make_due(turns, redis)

    assert reviewed == [2]
    [failure] = turns.failures()
    assert failure.key == key(1)
    assert "another version" in failure.why
    assert turns.waiting() == []


@pytest.mark.fault(31)
def test_the_newer_worker_gets_what_the_older_did_not_understand(redis: Redis) -> None:
    turns = Turns(redis)
    turns.enqueue(CommandRequest(key(1), 5, False, "octocat"), "newer")
    name = f"{PREFIX}commands:1:7:1"
    [understood] = cast("list[str]", redis.lrange(name, 0, -1))
    redis.lset(name, 0, '["horoscope", 1]')
    with hold_turn(turns, most_seconds=60) as held:
        assert held is None
    redis.lset(name, 0, understood)
    make_due(turns, redis)

    with hold_turn(turns, most_seconds=60) as held:
        assert held
        assert held.turn.commands == (CommandRequest(key(1), 5, False, "octocat"),)


@pytest.mark.fault(29)
@pytest.mark.parametrize("skew", [600.0, -600.0])
def test_a_worker_whose_clock_is_wrong_keeps_and_loses_turns_like_any_other(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, skew: float
) -> None:
    right = time.time
    turns = Turns(redis)
    turns.enqueue(ReviewRequest(key(1), "opened"), "one")
    monkeypatch.setattr(time, "time", lambda: right() + skew)
    turn = turns.take()
    assert turn

    assert turns.beat(turn)
    assert turns.sweep().expired == 0
    monkeypatch.undo()
    assert turns.sweep().expired == 0
    assert turns.is_current(turn)


@pytest.mark.fault(29)
@pytest.mark.parametrize("skew", [50.0, -50.0])
def test_a_clock_that_is_a_little_off_keeps_nobody_from_github(desk: Desk, skew: float) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.clock.advance(skew)

    desk.review()

    assert len(desk.comments()) == 1


@pytest.mark.fault(29)
@pytest.mark.parametrize("skew", [3600.0, -3600.0])
def test_a_clock_that_is_an_hour_off_costs_one_refusal_and_no_review(
    desk: Desk, skew: float
) -> None:
    """As far as the proof goes; GitHub's refusal tells the time there."""
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.clock.advance(skew)

    calls = desk.review()

    refused = [call for call in calls if call.status == 401]
    assert {call.path.rpartition("/")[2] for call in refused} == {"access_tokens"}
    assert len(refused) <= 2, "once for each token: the repository's, the organisation's"
    assert len(desk.comments()) == 1


@pytest.mark.fault(29)
def test_a_key_that_is_refused_is_not_blamed_on_the_clock(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    wrong = faults.answer(401, "A JSON web token could not be decoded")
    desk.github.faults.add(wrong, path="/access_tokens$", times=2)

    with pytest.raises(UnauthorizedError):
        desk.review()

    assert desk.github.faults.waiting == 1, "asked once"


def open_from_fork(desk: Desk, author: str, files: dict[str, str | bytes | None]) -> None:
    desk.github.create_user(author)
    fork = desk.github.fork(REPOSITORY, owner=author)
    desk.github.commit(fork, "patch", files, base="main", by=author)
    desk.number = desk.github.open_pull_request(
        REPOSITORY, head=f"{author}:patch", title="From outside", by=author
    )


@pytest.mark.fault(75)
def test_an_outsider_who_has_used_up_the_hour_waits_and_nobody_else(desk: Desk) -> None:
    open_from_fork(desk, "mallory", {"shop/rates.py": RATES_BAD})
    name = f"{{stet}}:spent:{desk.installation}:mallory"
    desk.redis.set(name, 900, ex=1800)

    calls = desk.review()
    waits = desk.turns.counts().later
    flood = desk.number
    open_from_fork(desk, "bob", {"shop/rates.py": RATES_BAD})
    desk.review()

    assert waits == 1
    assert not [each for each in calls if each.path.endswith(("/check-runs", "/reviews"))]
    assert len(desk.comments()) == 1
    desk.number = flood
    assert desk.comments() == []
    assert desk.redis.zscore("{stet}:later", f"{desk.installation}:{desk.key.repository_id}:1")
    desk.redis.delete(name)
    make_due(desk.turns, desk.redis)
    desk.turn()
    assert len(desk.comments()) == 1, "nothing is lost, it comes later"


@pytest.mark.fault(75)
def test_each_review_from_outside_is_charged_even_if_it_is_killed(desk: Desk) -> None:
    open_from_fork(desk, "mallory", {"shop/rates.py": RATES_BAD})
    desk.review()
    spent = float(desk.redis.get(f"{{stet}}:spent:{desk.installation}:mallory") or 0)

    with client_of(desk) as client:
        pull = read_pull_request(client).pull_request
    killed = Allowance(desk.redis).spending(pull)
    killed.__enter__()
    charged = float(desk.redis.get(f"{{stet}}:spent:{desk.installation}:mallory") or 0)

    assert 0 < spent < 60
    assert charged >= spent + 59


@pytest.mark.fault(28)
def test_a_review_writes_no_file(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.turns.enqueue(ReviewRequest(desk.key, "opened"), "told")

    ended = subprocess.run(
        [sys.executable, "-B", "-c", "from worker.jobs import take_turn; take_turn()"],
        env={**os.environ, "TMPDIR": "/nonexistent", "HOME": "/nonexistent"},
        preexec_fn=forbid_files,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert ended.returncode == 0, ended.stderr
    assert len(desk.comments()) == 1
    assert desk.check()["status"] == "completed"


def forbid_files() -> None:
    """As on a disk that is full: no file may hold a byte."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
