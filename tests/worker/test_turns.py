from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from worker.request import CommandRequest, PullRequestKey, ReviewRequest
from worker.turns import (
    MOST_TRIES,
    PREFIX,
    QUEUE,
    TAKE_TURN,
    HeldTurn,
    PutBackError,
    TurnInterrupted,
    Turns,
    hold_turn,
)

if TYPE_CHECKING:
    from tests.conftest import RedisServer


def pull_request(number: int = 1, installation: int = 1) -> PullRequestKey:
    return PullRequestKey(installation, 7, "octo", "shop", number)


def review(number: int = 1, installation: int = 1) -> ReviewRequest:
    return ReviewRequest(pull_request(number, installation), "event")


def new_id() -> str:
    return uuid4().hex


def fail_with(error: BaseException) -> None:
    raise error


def crash_in_attempt(turns: Turns, attempt: int) -> None:
    with hold_turn(turns, most_seconds=60) as held:
        assert held
        assert held.turn.attempt == attempt
        assert not held.turn.is_exhausted
        raise ZeroDivisionError


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def turns(redis: Redis) -> Turns:
    return Turns(redis)


@pytest.mark.fault(4)
def test_a_delivery_repeated_at_once_is_queued_once(turns: Turns) -> None:
    with ThreadPoolExecutor(10) as pool:
        accepted = list(pool.map(lambda _: turns.enqueue(review(), "one"), range(10)))
    assert sorted(accepted) == ["queued", *["repeated"] * 9]
    assert turns.counts().ready == 1


@pytest.mark.fault(12)
def test_a_flood_of_one_installation_does_not_make_another_wait(turns: Turns) -> None:
    for number in range(1, 501):
        turns.enqueue(review(number, installation=1), new_id())
    turns.enqueue(review(installation=2), new_id())
    first_two = [turns.take(), turns.take()]
    assert 2 in {turn.key.installation for turn in first_two if turn}


@pytest.mark.fault(22)
def test_thirty_pushes_during_a_review_are_one_more_review(turns: Turns) -> None:
    turns.enqueue(review(), new_id())
    turn = turns.take()
    assert turn
    for _ in range(30):
        assert turns.enqueue(review(), new_id()) == "coalesced"
    assert turns.take() is None
    assert turns.standing(turn) == "superseded"
    assert turns.finish(turn) == "again"
    last = turns.take()
    assert last
    assert turns.finish(last) == "done"
    assert turns.take() is None


def test_commands_are_not_coalesced_away(turns: Turns) -> None:
    commands = [CommandRequest(pull_request(), n, n == 2, "octocat") for n in (1, 2, 3)]
    for command in commands:
        turns.enqueue(command, new_id())
    turn = turns.take()
    assert turn
    assert turn.commands == tuple(commands)
    assert not turn.wants_review


def test_a_command_that_was_answered_does_not_come_again_after_a_crash(turns: Turns) -> None:
    commands = [CommandRequest(pull_request(), n, False, "octocat") for n in (1, 2)]
    for command in commands:
        turns.enqueue(command, new_id())
    with hold_turn(turns, most_seconds=60) as held:
        assert held
        held.answered()
        fail_with(PutBackError(0, "the rest later"))
    turn = turns.take()
    assert turn
    assert turn.commands == (commands[1],)


@pytest.mark.fault(5, 9)
def test_an_event_refused_by_a_full_redis_is_accepted_when_delivered_again(
    own_redis: RedisServer,
) -> None:
    with Redis.from_url(own_redis.url, decode_responses=True) as client:
        turns = Turns(client)
        client.config_set("maxmemory", 1)
        with pytest.raises(RedisError):
            turns.enqueue(review(), "again")
        client.config_set("maxmemory", 0)
        assert turns.enqueue(review(), "again") == "queued"


@pytest.mark.fault(19)
def test_the_queue_survives_a_killed_redis(own_redis: RedisServer) -> None:
    with Redis.from_url(own_redis.url, decode_responses=True) as client:
        turns = Turns(client)
        for number in range(1, 51):
            turns.enqueue(review(number), new_id())
        held = turns.take()
        assert held
        time.sleep(1.2)  # stet: ignore[TST109] Redis writes its file every second and tells nobody
        own_redis.kill()
        own_redis.restart()
        assert turns.is_current(held)
        assert turns.counts().ready == 49


def test_a_waiting_pull_request_takes_less_than_two_kilobytes(own_redis: RedisServer) -> None:
    with Redis.from_url(own_redis.url, decode_responses=True) as client:
        turns = Turns(client)
        turns.enqueue(review(1), new_id())
        before = int(client.info("memory")["used_memory"])
        for number in range(2, 2002):
            turns.enqueue(review(number), new_id())
        after = int(client.info("memory")["used_memory"])
    assert (after - before) / 2000 < 2048


def test_the_wake_up_is_a_job_as_rq_makes_them(redis_url: str, turns: Turns) -> None:
    turns.enqueue(review(), new_id())
    with Redis.from_url(redis_url) as client:
        queue = Queue(QUEUE, connection=client, serializer=JSONSerializer)
        ours = queue.jobs[0]
        theirs = queue.enqueue(TAKE_TURN)
        assert (ours.func_name, ours.args, ours.kwargs) == (TAKE_TURN, [], {})
        assert (ours.get_status(), ours.origin) == (theirs.get_status(), theirs.origin)
        assert ours.enqueued_at
        assert theirs.enqueued_at
        assert abs((ours.enqueued_at - theirs.enqueued_at).total_seconds()) < 60
        assert (ours.result_ttl, ours.failure_ttl) == (0, 7 * 24 * 3600)


def test_a_turn_that_ends_well_is_finished(turns: Turns) -> None:
    turns.enqueue(review(), new_id())
    with hold_turn(turns, most_seconds=60) as held:
        assert held
        held.ensure_current()
        held.ensure_held()
    assert turns.counts().running == turns.counts().ready == 0


def test_without_work_there_is_no_turn(turns: Turns) -> None:
    with hold_turn(turns, most_seconds=60) as held:
        assert held is None


@pytest.mark.fault(34)
def test_a_rate_limit_frees_the_worker_and_counts_no_try(turns: Turns, redis: Redis) -> None:
    turns.enqueue(review(), new_id())
    with hold_turn(turns, most_seconds=60) as held:
        assert held
        fail_with(PutBackError(3600, "secondary rate limit"))
    assert turns.counts().later == 1
    redis.zadd(f"{PREFIX}later", {"1:7:1": 1})
    assert turns.sweep().due == 1
    again = turns.take()
    assert again
    assert again.attempt == 1


@pytest.mark.fault(24)
def test_what_crashes_again_and_again_is_marked_exhausted(turns: Turns, redis: Redis) -> None:
    turns.enqueue(review(), new_id())
    for attempt in range(1, MOST_TRIES + 1):
        with pytest.raises(ZeroDivisionError):
            crash_in_attempt(turns, attempt)
        redis.zadd(f"{PREFIX}later", {"1:7:1": 1})
        turns.sweep()
    with hold_turn(turns, most_seconds=60) as held:
        assert held
        assert held.turn.is_exhausted
        held.give_up("it crashed three times")
    (failure,) = turns.failures()
    assert (failure.key, failure.why) == (pull_request(), "it crashed three times")
    assert turns.retry(failure) == "queued"
    assert turns.failures() == []


@pytest.mark.fault(16, 17)
def test_a_stale_holder_is_refused_before_it_writes(turns: Turns, redis: Redis) -> None:
    turns.enqueue(review(), new_id())
    written = []
    with hold_turn(turns, most_seconds=60) as held:
        assert held
        _take_over(turns, redis)
        held.ensure_current()
        written.append("stale")
    assert written == []
    assert turns.counts().running == 1, "the new holder keeps its turn"


def _take_over(turns: Turns, redis: Redis) -> None:
    redis.zadd(f"{PREFIX}leases", {"1:7:1": 1})
    assert turns.sweep().expired == 1
    assert turns.take()


@pytest.mark.fault(21)
def test_a_newer_push_stops_the_older_review_and_comes_next(turns: Turns) -> None:
    turns.enqueue(review(), new_id())
    reached = []
    with hold_turn(turns, most_seconds=60) as held:
        assert held
        turns.enqueue(review(), new_id())
        turns.enqueue(CommandRequest(pull_request(), 5, False, "octocat"), new_id())
        held.ensure_held()
        held.ensure_current()
        reached.append("stale")
    assert reached == []
    following = turns.take()
    assert following
    assert following.wants_review
    assert len(following.commands) == 1


@pytest.mark.fault(26)
def test_a_worker_told_to_stop_gives_its_turn_back_at_once(turns: Turns) -> None:
    turns.enqueue(review(), new_id())
    with hold_turn(turns, most_seconds=60) as held:
        assert held
        fail_with(TurnInterrupted())
    again = turns.take()
    assert again
    assert again.attempt == 1


def test_a_long_review_keeps_its_lease(redis: Redis) -> None:
    turns = Turns(redis, lease_seconds=0.4)
    turns.enqueue(review(), new_id())
    with hold_turn(turns, most_seconds=60) as held:
        assert held
        for _ in range(12):
            time.sleep(0.1)
            assert turns.sweep().expired == 0
        held.ensure_current()


@pytest.mark.fault(15)
def test_only_one_of_many_sweepers_works_in_a_while(turns: Turns, redis: Redis) -> None:
    turns.enqueue(review(), new_id())
    turns.take()
    redis.zadd(f"{PREFIX}leases", {"1:7:1": 1})
    first = turns.sweep(pause_seconds=60)
    redis.zadd(f"{PREFIX}leases", {"1:7:1": 1})
    assert (first.expired, turns.sweep(pause_seconds=60).expired) == (1, 0)


@pytest.mark.fault(15, 20)
def test_lost_wake_ups_are_replaced_by_the_sweep(turns: Turns, redis: Redis) -> None:
    for number in (1, 2, 3):
        turns.enqueue(review(number), new_id())
    redis.delete(f"rq:queue:{QUEUE}")
    turns.sweep()
    assert redis.llen(f"rq:queue:{QUEUE}") == 3


@pytest.mark.fault(27)
def test_a_job_that_swallows_its_time_out_is_killed(redis_url: str, turns: Turns) -> None:
    turns.enqueue(review(), new_id())
    code = (
        "import sys, time; from redis import Redis; from worker.turns import *\n"
        "turns = Turns(Redis.from_url(sys.argv[1], decode_responses=True), lease_seconds=0.4)\n"
        "with hold_turn(turns, most_seconds=-4.5):\n"
        "    while True:\n"
        "        try: time.sleep(1)\n"
        "        except BaseException: pass\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, redis_url], timeout=30, check=False)
    assert ended.returncode == -9


def test_a_turn_is_held_by_one_thread_of_many(turns: Turns) -> None:
    turns.enqueue(review(), new_id())
    found: list[HeldTurn | None] = []
    together = threading.Barrier(8)

    def try_to_hold() -> None:
        together.wait()
        with hold_turn(turns, most_seconds=60) as held:
            found.append(held)
            together.wait()

    threads = [threading.Thread(target=try_to_hold) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(held is not None for held in found) == 1
