from __future__ import annotations

import subprocess
import sys
from uuid import uuid4

import pytest
from redis import Redis

from worker.request import PullRequestKey, ReviewRequest
from worker.turns import Turns


def queue(redis_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "worker.cli", "queue", *arguments],
        env={"STET_REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def turns(redis_url: str) -> Turns:
    return Turns(Redis.from_url(redis_url, decode_responses=True))


def ask(turns: Turns, number: int) -> None:
    key = PullRequestKey(1, 7, "octo", "shop", number)
    turns.enqueue(ReviewRequest(key, "event"), uuid4().hex)


def test_the_list_shows_what_is_in_review_and_what_waits(redis_url: str, turns: Turns) -> None:
    for number in (1, 2):
        ask(turns, number)
    turns.take()
    lines = queue(redis_url, "list").stdout.splitlines()
    assert lines[0].startswith("1 in review, 1 waiting")
    assert [line.split()[0] for line in lines[1:]] == ["running", "ready"]
    assert lines[1].endswith("octo/shop#1")


def test_what_was_given_up_is_shown_and_can_be_tried_again(redis_url: str, turns: Turns) -> None:
    assert queue(redis_url, "failed").stdout == "Nothing was given up.\n"
    for number in (1, 2):
        ask(turns, number)
        turn = turns.take()
        assert turn
        turns.give_up(turn, f"reason {number}")
    shown = queue(redis_url, "failed").stdout.splitlines()
    assert [line.split("  ")[1:] for line in shown] == [
        ["octo/shop#2", "reason 2"],
        ["octo/shop#1", "reason 1"],
    ]
    assert queue(redis_url, "retry", "octo/shop#1").returncode == 0
    assert [str(one.key) for one in turns.failures()] == ["octo/shop#2"]
    assert queue(redis_url, "retry", "octo/shop#9").returncode == 1
    assert queue(redis_url, "retry").returncode == 2
    assert queue(redis_url, "retry", "--all").returncode == 0
    assert turns.failures() == []
    assert turns.counts().ready == 2


def test_without_redis_the_command_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    ended = queue(f"unix://{tmp_path_factory.mktemp('none')}/redis.sock", "list")
    assert ended.returncode == 1
    assert "Redis does not answer" in ended.stderr
