"""A real worker is killed in the middle of a request to GitHub: before it was done, or after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from desk import RATES_BAD, REPOSITORY, SHELF_BAD, Desk
from waiting import children_of
from waiting import wait_for as wait

from sandbox import faults
from worker.open_checks import OpenChecks
from worker.request import ReviewRequest
from worker.turns import PREFIX

PATIENCE = 100.0
pytestmark = pytest.mark.timeout(400)
POINTS = [
    ("POST", r"/graphql$", 0, "unheard"),  # the pull request is read
    ("POST", r"/check-runs$", 0, "unheard"),
    ("POST", r"/check-runs$", 0, "unanswered"),
    ("GET", r"/compare/", 0, "unheard"),
    ("POST", r"/reviews$", 0, "unheard"),
    ("POST", r"/reviews$", 0, "unanswered"),
    ("PATCH", r"/check-runs/", 0, "unheard"),
    ("PATCH", r"/check-runs/", 0, "unanswered"),
]
wait_for = partial(wait, seconds=PATIENCE)
KINDS = {"unheard": faults.unheard, "unanswered": faults.unanswered}


class Worker:
    """The worker as an operator starts it; the child that does its job can be killed."""

    def __init__(self, log: Path) -> None:
        command = [sys.executable, "-m", "worker.cli", "work"]
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, env=os.environ, stdout=output, stderr=output)

    def kill_job(self) -> None:
        """The newest child: the scheduler and the chores began before the worker took a job."""
        os.kill(max(children_of(self.process.pid)), signal.SIGKILL)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def worker(desk: Desk, tmp_path: Path) -> Iterator[Worker]:
    assert desk.number == 0
    one = Worker(tmp_path / "worker.log")
    yield one
    one.end()


def is_idle(desk: Desk) -> bool:
    counts = desk.turns.counts()
    return not (counts.ready or counts.running or counts.later)


@pytest.mark.fault(13, 14, 20)
def test_a_worker_that_starts_finds_what_was_opened_while_stet_was_down(
    desk: Desk, tmp_path: Path
) -> None:
    desk.github.clock.advance(-600)
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.clock.advance(600)

    worker = Worker(tmp_path / "worker.log")
    try:
        wait_for(lambda: desk.checks() and is_idle(desk))
    finally:
        worker.end()
        sys.stderr.write((tmp_path / "worker.log").read_text())  # shown with a test that failed

    assert [each["status"] for each in desk.checks()] == ["completed"]
    assert len(desk.comments()) == 1


@pytest.mark.fault(15, 18, 37, 43)
def test_whenever_a_review_is_killed_the_end_is_the_same(desk: Desk, worker: Worker) -> None:
    for number, (method, path, skip, kind) in enumerate(POINTS):
        point = f"{kind}: {method} {path}"
        branch = f"feature-{number}"
        files = {f"shop/rates_{number}.py": RATES_BAD, f"shop/shelf_{number}.py": SHELF_BAD}
        desk.commit(dict(files), branch)
        desk.number = desk.github.open_pull_request(REPOSITORY, head=branch, title=branch)
        desk.github.faults.add(KINDS[kind](), method=method, path=path, skip=skip)

        desk.turns.enqueue(ReviewRequest(desk.key, "opened"), branch)
        wait_for(lambda: not desk.github.faults.waiting)
        time.sleep(0.05)
        worker.kill_job()
        for pull, _ends in desk.redis.zscan_iter(f"{PREFIX}leases"):
            desk.redis.zadd(f"{PREFIX}leases", {pull: 0})
        desk.turns.sweep()
        wait_for(lambda: is_idle(desk))

        assert len(desk.reviews()) == 1, point
        assert len({(each["path"], each["line"]) for each in desk.comments()}) == 3, point
        assert len(desk.comments()) == 3, point
        assert {each["status"] for each in desk.checks(branch)} == {"completed"}, point
        assert desk.check(branch)["output"]["title"] == "3 warnings introduced", point
        assert OpenChecks(desk.redis).all() == [], point
    assert desk.mails() == {"review": len(POINTS)}
