"""What was missed is found again: deliveries, open check runs, whole pull requests."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from desk import RATES, RATES_BAD, REPOSITORY, Desk, client_of
from odd_server import Asked, OddServer, Told, odd_server
from redis import Redis

from sandbox import faults
from worker.belongings import known_installations
from worker.chores import Chore, Chores, do
from worker.github.checks import Checks
from worker.github.client import App
from worker.github.deliveries import delivery_log, next_cursor
from worker.open_checks import OpenChecks
from worker.request import ReviewRequest
from worker.sweep_deliveries import DeliverySweep
from worker.sweep_pulls import PullSweep
from worker.sweepers import github_chores, revive


class Door:
    """A receiver that is down until it is told to be up."""

    def __init__(self) -> None:
        self.is_up = False

    def __call__(self, _asked: Asked) -> Told:
        return Told(202 if self.is_up else 503)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def receiver(desk: Desk, door: Door) -> Iterator[OddServer]:
    desk.open({"shop/rates.py": RATES})
    with odd_server(door) as server:
        desk.github.set_webhook(f"{server.url}/webhooks/github", ping=False)
        yield server
        desk.github.wait_until_delivered()
        desk.github.set_webhook(None)


def app_of(desk: Desk) -> App:
    return App(int(desk.github.app_id), desk.github.private_key_pem, desk.github.api_url)


def sweep_of(desk: Desk, waits: list[float] | None = None) -> DeliverySweep:
    pauses = [] if waits is None else waits
    return DeliverySweep(app_of(desk), desk.redis, desk.turns, pause=pauses.append)


def events(desk: Desk, number: int) -> None:
    """Somebody writes so many comments, and GitHub tries to deliver each."""
    for each in range(number):
        desk.github.comment(REPOSITORY, desk.number, f"Word {each}", by="alice")
    desk.github.wait_until_delivered()


def guids(server: OddServer) -> list[str]:
    return [each.headers["x-github-delivery"] for each in server.asked]


def in_hours(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


@pytest.mark.fault(13)
def test_what_could_not_be_delivered_is_asked_for_once_oldest_first_one_a_second(
    desk: Desk, receiver: OddServer, door: Door
) -> None:
    events(desk, 110)
    failed = guids(receiver)
    door.is_up = True
    events(desk, 3)
    waits: list[float] = []

    asked = sweep_of(desk, waits).run()
    desk.github.wait_until_delivered()

    assert asked == 110
    assert guids(receiver)[-110:] == failed
    assert waits == [1.0] * 109
    assert sweep_of(desk).run(in_hours(30)) == 0, "each of them was accepted"
    assert desk.turns.counts().redelivered == 110


@pytest.mark.fault(13)
def test_a_receiver_that_stays_down_is_asked_three_times_within_three_days(
    desk: Desk, receiver: OddServer
) -> None:
    events(desk, 2)
    asked = []
    for hours in (0, 0.5, 2, 3, 20, 40, 71):
        asked.append(sweep_of(desk).run(in_hours(hours)))
        desk.github.wait_until_delivered()

    assert asked == [2, 0, 2, 0, 2, 0, 0]
    assert set(Counter(guids(receiver)).values()) == {4}


@pytest.mark.fault(13, 20)
def test_the_tries_are_counted_although_redis_forgot_them(desk: Desk, receiver: OddServer) -> None:
    events(desk, 1)
    for hours in (0, 2, 20):
        sweep_of(desk).run(in_hours(hours))
        desk.github.wait_until_delivered()
    desk.forget()

    assert sweep_of(desk).run(in_hours(40)) == 0
    assert len(receiver.asked) == 4


@pytest.mark.fault(13)
def test_nothing_older_than_three_days_is_asked_for(desk: Desk, receiver: OddServer) -> None:
    desk.github.clock.advance(-73 * 3600)
    events(desk, 2)
    desk.github.clock.advance(73 * 3600)
    events(desk, 1)

    assert sweep_of(desk).run() == 1
    desk.github.wait_until_delivered()
    assert guids(receiver)[2] == guids(receiver)[3]


@pytest.mark.fault(13, 34)
def test_at_a_rate_limit_the_sweep_stops_and_rests(desk: Desk, receiver: OddServer) -> None:
    events(desk, 5)
    limit = faults.secondary_rate_limit(retry_after=700)
    desk.github.faults.add(limit, method="POST", path=r"/attempts$", skip=1)
    sweep = sweep_of(desk)
    before = len(receiver.asked)

    done = do(desk.redis, Chore("deliveries", 300, lambda: discard(sweep.run())))
    desk.github.wait_until_delivered()

    assert not done
    assert len(receiver.asked) == before + 1
    assert 690 < desk.redis.ttl("{stet}:chore:deliveries") <= 700


def discard(_: object) -> None:
    """A chore gives nothing back."""


def test_the_log_is_read_page_by_page_and_only_once(desk: Desk, receiver: OddServer) -> None:
    events(desk, 101)
    assert len(receiver.asked) == 101
    read = len(desk.github.exchanges)
    with delivery_log(app_of(desk)) as deliveries:
        found = deliveries.since(in_hours(-1))
    pages = len(desk.github.exchanges) - read

    assert (len(found), pages) == (101, 2)


@pytest.mark.parametrize(
    ("link", "cursor"),
    [
        ("", None),
        ('<https://evil.example/x?cursor=v1_7&per_page=1>; rel="next"', "v1_7"),
        ('<https://api.example/x?cursor=v1_7>; rel="prev"', None),
        ('<https://api.example/x>; rel="next"', None),
        ("rubbish", None),
    ],
)
def test_of_a_link_only_its_cursor_is_used(link: str, cursor: str | None) -> None:
    assert next_cursor(link) == cursor


@pytest.mark.fault(14)
def test_a_pull_request_that_nobody_told_of_is_found_and_reviewed_once(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    sweep = PullSweep(app_of(desk), desk.redis, desk.turns)
    too_early = sweep.run()

    found = sweep.run(in_hours(1))
    desk.turn()

    assert (too_early, found) == (0, 1)
    assert len(desk.comments()) == 1
    assert sweep.run(in_hours(2)) == 0
    assert desk.turns.counts().reconciled == 1


@pytest.mark.fault(14)
def test_what_waits_already_is_not_queued_by_the_sweep(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.turns.enqueue(ReviewRequest(desk.key, "opened"), "told")
    turn = desk.turns.take()
    assert turn

    assert PullSweep(app_of(desk), desk.redis, desk.turns).run(in_hours(1)) == 0
    assert desk.turns.standing(turn) == "held"


@pytest.mark.fault(20)
def test_after_the_loss_of_redis_all_is_found_again_and_nothing_is_said_twice(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.review()
    desk.commit({"shop/rates.py": "# moved\n" + RATES_BAD})
    desk.forget()

    found = PullSweep(app_of(desk), desk.redis, desk.turns).run(in_hours(1))
    desk.turn()

    assert found == 1
    assert len(desk.comments()) == 1
    assert desk.check()["status"] == "completed"
    assert desk.mails() == {"review": 1}


@pytest.mark.fault(20, 43)
def test_a_check_run_that_redis_forgot_is_closed(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    start_check(desk)
    desk.forget()

    found = PullSweep(app_of(desk), desk.redis, desk.turns).run(in_hours(1))
    desk.turn()

    assert found == 1
    assert [each["status"] for each in desk.checks()] == ["completed"]


def start_check(desk: Desk) -> None:
    with client_of(desk) as client:
        Checks(client, lambda: None, OpenChecks(desk.redis)).start("Stet", desk.head(), 1)


@pytest.mark.fault(43)
def test_an_open_check_run_that_nobody_works_on_is_closed_by_a_review(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    start_check(desk)

    revive(OpenChecks(desk.redis), desk.turns)
    revive(OpenChecks(desk.redis), desk.turns)
    desk.turn()

    assert [each["status"] for each in desk.checks()] == ["completed"]
    assert desk.turns.counts().checks_open == desk.turns.counts().ready == 0
    assert len(desk.comments()) == 1


@pytest.mark.fault(43)
def test_a_check_run_that_is_worked_on_is_left_alone(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    start_check(desk)
    desk.turns.enqueue(ReviewRequest(desk.key, "opened"), "told")
    turn = desk.turns.take()
    assert turn

    revive(OpenChecks(desk.redis), desk.turns)

    assert desk.turns.standing(turn) == "held"
    assert desk.turns.counts().checks_open == 1


@pytest.mark.fault(18, 43)
@pytest.mark.parametrize("fault", [faults.bad_gateway_after_success(), faults.server_error(502)])
def test_a_check_run_whose_creation_was_not_heard_of_is_not_left_open(
    desk: Desk, fault: faults.Fault
) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.faults.add(fault, method="POST", path=r"/check-runs$")
    with pytest.raises(Exception, match="502"):
        desk.review()

    for pull, _due in desk.redis.zscan_iter("{stet}:later"):
        desk.redis.zadd("{stet}:later", {pull: 0})
    desk.turns.sweep()
    desk.turn()

    assert [each["status"] for each in desk.checks()] == ["completed"]


@pytest.mark.fault(33)
def test_of_an_installation_that_was_removed_nothing_is_kept(desk: Desk, redis_url: str) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.review()
    sweep = PullSweep(app_of(desk), desk.redis, desk.turns)
    kept = known_installations(desk.redis)
    desk.github.uninstall(desk.installation)
    desk.turns.enqueue(ReviewRequest(desk.key, "opened"), "given up")
    given_up = desk.turns.take()
    assert given_up
    desk.turns.give_up(given_up, "why")
    desk.turns.enqueue(ReviewRequest(desk.key, "opened"), "late")
    mine = f"*:{desk.installation}*"

    calls = desk.turn()
    sweep.run()

    assert kept == {desk.installation}
    assert len(calls) <= 2, "the kept token and a new one are refused, and that is all"
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        assert list(redis.scan_iter(match=mine)) == []
    assert desk.turns.waiting() == []
    assert desk.turns.failures() == []


@pytest.mark.fault(33)
def test_a_suspended_installation_loses_its_work_and_its_tokens_alone(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.review()
    desk.github.suspend(desk.installation)
    desk.turns.enqueue(ReviewRequest(desk.key, "opened"), "late")

    desk.turn()
    PullSweep(app_of(desk), desk.redis, desk.turns).run()

    assert desk.turns.waiting() == []
    assert list(desk.redis.scan_iter(match="{stet}:token:*")) == []
    assert known_installations(desk.redis) == {desk.installation}, "it may come back"


def test_of_all_workers_one_does_a_chore(redis_url: str) -> None:
    done: list[int] = []
    with Redis.from_url(redis_url) as redis:
        chore = Chore("count", 60, lambda: done.append(1))
        first = [Chores(redis, [chore]) for _ in range(4)]
        for each in first:
            each.__enter__()
        deadline = time.monotonic() + 20
        while not done and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not do(redis, chore)
        for each in first:
            each.__exit__()
    assert done == [1]


def test_a_chore_that_fails_does_not_end_the_others(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES})
    desk.github.faults.add(faults.html_page(), path="^/app/", times=9)

    done = [do(desk.redis, each) for each in github_chores(app_of(desk), desk.redis, desk.turns)]

    assert done == [False, False]
