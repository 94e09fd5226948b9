"""Real RQ workers on a real Redis, killed, stalled, stopped and lied to."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from waiting import children_of
from waiting import wait_for as wait

from worker.queue_worker import SWEEP_SECONDS
from worker.request import PullRequestKey, ReviewRequest
from worker.turns import LEASE_SECONDS, MOST_TRIES, QUEUE, Turns

if TYPE_CHECKING:
    from tests.conftest import RedisServer

HERE = Path(__file__).parent
LOG = "test:log"
LONG = 40.0
wait_for = partial(wait, seconds=LONG)


class Workers:
    """Starts real workers and ends every one of them."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.redis = Redis.from_url(url, decode_responses=True)
        self.turns = Turns(self.redis, job="stand_in_jobs.take_turn")

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        with self._folder.joinpath("workers.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, str(HERE / "stand_in_jobs.py")],
                env={
                    **os.environ,
                    "STAND_IN_REDIS": self._url,
                    "PYTHONPATH": str(HERE),
                    **environment,
                },
                stdout=output,
                stderr=output,
            )
        self._started.append(process)
        return process

    def ask(self, repository: str, number: int = 1) -> None:
        key = PullRequestKey(1, 7, "octo", repository, number)
        self.turns.enqueue(ReviewRequest(key, "event"), uuid4().hex)

    def log(self, kind: str) -> list[list[str]]:
        """The lines of one kind: number of the pull request, process."""
        lines = [line.split() for line in self.redis.lrange(LOG, 0, -1)]
        return [line[1:] for line in lines if line[0] == kind]

    def output(self) -> str:
        return self._folder.joinpath("workers.log").read_text()

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
        # Until Redis has seen their end, it may hand them a job of the next test.
        wait_for(lambda: len(self.redis.client_list()) == 1)
        self.redis.close()


@pytest.fixture
def workers(redis_url: str, tmp_path: Path) -> Iterator[Workers]:
    started = Workers(redis_url, tmp_path)
    yield started
    sys.stdout.write(started.output())  # pytest shows it when the test fails
    started.end()


def is_alive(process: int) -> bool:
    """Running, and not only waiting to be buried."""
    shown = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return shown.returncode == 0 and not shown.stdout.startswith("Z")


def is_idle(workers: Workers) -> bool:
    counts = workers.turns.counts()
    return counts.ready + counts.running + counts.later + counts.wakes == 0


def forge(workers: Workers, **fields: str | bytes | int) -> str:
    """A job that someone with access to Redis wrote."""
    name = uuid4().hex
    hostile: dict[Any, Any] = {"status": "queued", "origin": QUEUE, "timeout": 60, **fields}
    workers.redis.hset(f"rq:job:{name}", mapping=hostile)
    workers.redis.rpush(f"rq:queue:{QUEUE}", name)
    return name


def test_workers_share_the_work_and_do_each_part_once(workers: Workers) -> None:
    for number in range(1, 21):
        workers.ask("shop", number)
    workers.start()
    workers.start()
    wait_for(lambda: len(workers.log("write")) >= 20 and is_idle(workers))
    assert sorted(int(number) for number, _ in workers.log("write")) == list(range(1, 21))


@pytest.mark.fault(15)
def test_a_killed_worker_and_its_child_are_replaced(workers: Workers) -> None:
    workers.ask("endless-once")
    first = workers.start()
    wait_for(lambda: workers.log("start"))
    workers.start()
    first.kill()
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(workers.log("start")[0][1]), signal.SIGKILL)
    wait_for(lambda: workers.log("write"))
    wait_for(lambda: workers.turns.counts().running == 0)
    assert len(workers.log("write")) == 1


@pytest.mark.fault(16)
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux ends orphans")
def test_the_children_of_a_killed_worker_end_with_it(workers: Workers) -> None:
    workers.ask("endless-once")
    worker = workers.start()
    wait_for(lambda: workers.log("start"))
    children = children_of(worker.pid)
    assert len(children) >= 2, "a job and the scheduler"
    worker.kill()
    worker.wait()
    wait_for(lambda: not any(is_alive(child) for child in children))


@pytest.mark.fault(17)
def test_a_stalled_worker_writes_nothing_when_it_wakes(workers: Workers) -> None:
    workers.ask("slow")
    workers.start()
    wait_for(lambda: workers.log("start"))
    stalled = int(workers.log("start")[0][1])
    os.kill(stalled, signal.SIGSTOP)
    workers.start()
    wait_for(lambda: len(workers.log("start")) == 2)
    os.kill(stalled, signal.SIGCONT)
    wait_for(lambda: workers.turns.counts().fenced)
    wait_for(lambda: workers.log("write"))
    wait_for(lambda: workers.turns.counts().running == 0)
    assert [int(process) for _, process in workers.log("write")] != [stalled]
    assert len(workers.log("write")) == 1


@pytest.mark.fault(26)
def test_a_worker_told_to_stop_leaves_its_work_to_another(workers: Workers) -> None:
    workers.ask("slow")
    first = workers.start()
    wait_for(lambda: workers.log("start"))
    first.terminate()
    assert first.wait(LONG) == 0
    workers.start()
    wait_for(lambda: workers.log("write"))
    assert len(workers.log("write")) == 1
    assert workers.turns.counts().expired == 0, "it was given back, not found by the sweep"


@pytest.mark.fault(26)
@pytest.mark.parametrize("moment", ["log", "finaliser"])
def test_a_worker_stops_where_its_exceptions_are_swallowed(workers: Workers, moment: str) -> None:
    workers.ask("shop")
    worker = workers.start(STAND_IN_STOP=moment)
    assert worker.wait(LONG) == 0
    workers.start()
    wait_for(lambda: workers.log("write"))
    assert len(workers.log("write")) == 1


@pytest.mark.fault(26)
def test_a_worker_stops_while_it_starts_a_child(workers: Workers) -> None:
    workers.ask("endless-once")
    worker = workers.start(STAND_IN_STOP="fork")
    assert worker.wait(LONG) == 0
    assert workers.turns.counts().ready == 1


@pytest.mark.fault(26)
@pytest.mark.parametrize("repository", ["deaf-once", "deaf"])
def test_a_child_that_does_not_hear_is_told_again_and_killed(
    workers: Workers, repository: str
) -> None:
    workers.ask(repository)
    worker = workers.start()
    wait_for(lambda: workers.log("start"))
    worker.terminate()
    assert worker.wait(LONG) == 0
    counts = workers.turns.counts()
    held = (repository == "deaf") - counts.expired  # its lease may end before the worker does
    assert (counts.ready, counts.running) == (1 - held, held)


@pytest.mark.fault(19)
def test_an_idle_worker_outlives_a_restart_of_redis(own_redis: RedisServer, tmp_path: Path) -> None:
    workers = Workers(own_redis.url, tmp_path)
    try:
        worker = workers.start()
        workers.ask("shop", 1)
        wait_for(lambda: workers.log("write"))
        time.sleep(1.2)  # stet: ignore[TST109] Redis writes its file every second and tells nobody
        own_redis.kill()
        own_redis.restart()
        workers.ask("shop", 2)
        wait_for(lambda: len(workers.log("write")) == 2)
        assert worker.poll() is None
    finally:
        workers.end()


@pytest.mark.fault(30)
@pytest.mark.parametrize(
    "data",
    [
        json.dumps(["os.mkdir", None, ["{path}"], {}]),
        json.dumps(["stand_in_jobs.take_turn", "instance", [], {}]),
        json.dumps(["stand_in_jobs.take_turn", None, ["argument"], {}]),
        json.dumps(["os.mkdir"]),
        json.dumps("os.mkdir"),
        "not json",
    ],
)
def test_a_job_that_is_not_listed_is_refused(workers: Workers, tmp_path: Path, data: str) -> None:
    target = tmp_path / "owned"
    name = forge(workers, data=data.replace("{path}", str(target)), retries_left=3)
    workers.start()
    workers.ask("shop")
    wait_for(lambda: workers.log("write"))
    wait_for(lambda: name in failed(workers))
    assert not target.exists()
    assert "job refused" in workers.output()


class Owned:
    """Pickled, it makes a folder when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.fault(30)
def test_pickled_jobs_are_never_unpickled(workers: Workers, tmp_path: Path) -> None:
    target = tmp_path / "owned"
    name = forge(workers, data=pickle.dumps(Owned(target)))
    workers.start()
    wait_for(lambda: name in failed(workers))
    assert not target.exists()


@pytest.mark.fault(30)
@pytest.mark.parametrize("callback", ["success_callback_name", "failure_callback_name"])
def test_callbacks_of_a_job_are_never_called(workers: Workers, callback: str) -> None:
    data = json.dumps(["stand_in_jobs.take_turn", None, [], {}])
    forge(workers, data=data, **{callback: "stand_in_jobs.take_turn"})
    forge(workers, data=json.dumps(["no.such", None, [], {}]), **{callback: "os.abort"})
    worker = workers.start()
    workers.ask("shop")
    wait_for(lambda: workers.log("write") and len(failed(workers)) == 1)
    assert worker.poll() is None


@pytest.mark.fault(30, 31)
def test_a_job_that_cannot_be_read_does_not_end_the_worker(workers: Workers) -> None:
    forge(workers, data="x", status="no such status")
    forge(workers, data="x", enqueued_at="yesterday")
    forge(workers, status="queued")
    worker = workers.start()
    workers.ask("shop")
    wait_for(lambda: workers.log("write"))
    assert worker.poll() is None


@pytest.mark.fault(61)
def test_the_traceback_of_a_failed_job_is_kept_without_secrets(workers: Workers) -> None:
    workers.ask("failing")
    workers.start()
    wait_for(lambda: failed(workers))
    with Redis.from_url(workers._url) as client:
        kept = [
            Job.fetch(name, connection=client, serializer=JSONSerializer).latest_result()
            for name in failed(workers)
        ]
    texts = [result.exc_string or "" for result in kept if result]
    assert any("RuntimeError" in text for text in texts)
    assert "s3cr3t" not in "".join(texts)
    assert "RuntimeError" in workers.output()
    assert "s3cr3t" not in workers.output()


def failed(workers: Workers) -> list[str]:
    with Redis.from_url(workers._url) as client:
        queue = Queue(QUEUE, connection=client, serializer=JSONSerializer)
        return list(FailedJobRegistry(queue=queue).get_job_ids())


@pytest.mark.fault(15)
def test_a_dead_worker_is_noticed_within_twenty_seconds() -> None:
    # At worst a sweep has just been before the lease ends, and the one who swept is dead too.
    assert LEASE_SECONDS + 2 * SWEEP_SECONDS <= 20


@pytest.mark.fault(24)
def test_what_kills_its_worker_each_time_is_given_up_and_others_are_served(
    workers: Workers,
) -> None:
    workers.ask("poison", 1)
    workers.start()
    wait_for(lambda: workers.log("start"))
    workers.ask("shop", 2)
    wait_for(workers.turns.failures)

    assert len(workers.log("start")) == MOST_TRIES + 2, "three tries, and one more to say so"
    assert [number for number, _ in workers.log("write")] == ["2"]
    [failure] = workers.turns.failures()
    assert failure.key.number == 1


@pytest.mark.fault(26)
def test_a_rolling_deployment_loses_nothing_and_does_nothing_twice(workers: Workers) -> None:
    first = [workers.start(), workers.start()]
    for number in range(1, 31):
        workers.ask("unhurried", number)
    wait_for(lambda: len(workers.log("write")) >= 2)
    for worker in first:
        workers.start()
        worker.terminate()
        assert worker.wait(LONG) == 0
    wait_for(lambda: len(workers.log("write")) >= 30 and is_idle(workers))

    assert sorted(int(number) for number, _ in workers.log("write")) == list(range(1, 31))
    assert workers.turns.counts().expired == 0
