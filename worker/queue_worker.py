"""RQ as Stet uses it: a messenger that may run one function, and a child that can be killed."""

from __future__ import annotations

import importlib
import json
import logging
import math
import os
import signal
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any, ClassVar

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import NoSuchJobError, StopRequested
from rq.job import Job
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from worker.beside import Beside
from worker.chores import Chores
from worker.forks import keep_apart_from_lookups
from worker.leash import die_with_parent
from worker.logs import Scrubber
from worker.turns import QUEUE, TAKE_TURN, TurnInterrupted, Turns

log = logging.getLogger(__name__)

SWEEP_SECONDS = 3.0
MONITOR_SECONDS = 5
GRACE_SECONDS = 15.0  # for a child that is told to stop
_INTERRUPT_SECONDS = 2.0


class JobRefusedError(Exception):
    """A job names a function that may not run, or cannot be read."""


class ListedJob(Job):
    """A job that runs only if its function is listed. See `jobs_listed`.

    Whoever can write to Redis could otherwise run any function that can be imported: the JSON
    serialiser does not prevent it, and neither does a job's name in its callbacks.
    """

    allowed: ClassVar[frozenset[str]] = frozenset()
    _is_listed = False

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        try:
            super().restore(raw_data)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            # RQ passes over jobs that are gone, but a worker would end at one it cannot read.
            log.error("job refused: %s cannot be read (%s)", self.id, type(error).__name__)  # noqa: TRY400
            raise NoSuchJobError(str(self.id)) from None
        self._success_callback_name = self._failure_callback_name = None
        self._stopped_callback_name = None
        self.webhooks = []
        self._is_listed = self._names_listed_function()
        if not self._is_listed:
            self.retries_left = 0
            log.error("job refused: %s", self.id)

    def _names_listed_function(self) -> bool:
        try:
            # Decoded as JSON, never unpickled.
            function, instance, arguments, named = json.loads(self.data)
        except (ValueError, TypeError, RecursionError):
            return False
        is_known = isinstance(function, str) and function in self.allowed
        return is_known and not (instance or arguments or named)

    def perform(self) -> Any:
        if not self._is_listed:
            raise JobRefusedError(str(self.id))
        return super().perform()


def jobs_listed(functions: Iterable[str]) -> type[Job]:
    """A Job class that runs these functions, given by dotted names, without arguments."""
    return type("ListedJob", (ListedJob,), {"allowed": frozenset(functions)})


class _LeashedScheduler(RQScheduler):
    def work(self) -> None:
        die_with_parent()
        super().work()  # type: ignore[no-untyped-call]


class QueueWorker(Worker):
    """An RQ worker whose children die with it and give their turn back when it is told to stop."""

    scrubber: Scrubber = Scrubber()
    max_connection_wait_time = 5.0  # RQ would wait a minute after Redis is back
    _is_forking = False
    _stop_meanwhile = 0

    def _start_scheduler(self, *_: Any, **__: Any) -> None:
        # As RQ's, but the scheduler's process may not outlive a killed worker.
        self.scheduler = _LeashedScheduler(
            self.queues,
            connection=self.connection,
            logging_level=self.log.level,
            serializer=self.serializer,
        )
        self.scheduler.acquire_locks()  # type: ignore[no-untyped-call]
        if self.scheduler.acquired_locks:
            self.scheduler.start()  # type: ignore[no-untyped-call]

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        die_with_parent()
        if os.getppid() != self.pid:
            os._exit(1)
        try:
            super().main_work_horse(job, queue)
        except TurnInterrupted:  # before it began: the child must not go on as a worker
            os._exit(1)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        self._is_forking = True
        try:
            super().fork_work_horse(job, queue)
            with suppress(OSError):  # the child does this too; whoever is first
                os.setpgid(self.horse_pid, self.horse_pid)
        finally:
            self._is_forking = False
        if self._stop_meanwhile:
            self.request_stop(self._stop_meanwhile, None)

    def setup_work_horse_signals(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _Interrupt())
        if self._stop_meanwhile:
            raise TurnInterrupted

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        # It waits until the worker knows its child, and the child has handlers of its own.
        if self._is_forking:
            self._stop_meanwhile = signum
        else:
            super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def _shutdown(self) -> None:
        """Stop, wherever the signal came: at once when idle, else after the child's end.

        RQ raises an `Exception`, which is lost where others catch those - a log handler, the
        metrics of redis-py. What gets lost even so, in a finaliser, is found by the next
        `heartbeat` or the next turn of the loop.
        """
        self._stop_requested = True
        try:
            super()._shutdown()  # type: ignore[no-untyped-call]
        except StopRequested:
            raise SystemExit from None

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        super().heartbeat(timeout, pipeline)
        if self._stop_requested and self.get_state() == WorkerStatus.IDLE:
            raise SystemExit

    def maintain_heartbeats(self, job: Job) -> None:
        """Every few seconds of a job. One that was told to stop is told again, then killed.

        What a signal raises is lost if it comes while a finaliser runs.
        """
        super().maintain_heartbeats(job)
        asked = self._shutdown_requested_date
        if asked is not None:
            late = datetime.now(UTC) - asked > timedelta(seconds=GRACE_SECONDS)
            self.kill_horse(signal.SIGKILL if late else signal.SIGTERM)

    def teardown(self) -> None:
        # The signal may have come between a command and its answer.
        self.connection.connection_pool.disconnect(inuse_connections=False)
        super().teardown()  # type: ignore[no-untyped-call]

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if self.horse_pid:
            self.kill_horse(signal.SIGTERM)

    def handle_job_failure(
        self, job: Job, queue: Queue, started_job_registry: Any = None, exc_string: str = ""
    ) -> None:
        # RQ stores the traceback in Redis for a week.
        text = self.scrubber(exc_string)
        super().handle_job_failure(job, queue, started_job_registry, text)


class _Interrupt:
    """Ends a job. A signal soon after another is the same one, sent to a whole group."""

    def __init__(self) -> None:
        self._last = -math.inf

    def __call__(self, _: int, __: FrameType | None) -> None:
        since, self._last = time.monotonic() - self._last, time.monotonic()
        if since > _INTERRUPT_SECONDS:
            raise TurnInterrupted


def work(
    connection: Redis,
    turns: Turns,
    *,
    scrubber: Scrubber,
    functions: Iterable[str] = (TAKE_TURN,),
    sweep_seconds: float = SWEEP_SECONDS,
    chores: Chores | None = None,
) -> bool:
    """Work until told to stop by SIGTERM or SIGINT; False when it ended for another reason.

    `connection` gives bytes, as RQ wants it; `turns` must have a client of its own, because a
    child may be forked while the sweeper talks; so must `chores`. The modules of `functions` are
    imported here, once, so that the children that RQ forks have them.
    """
    keep_apart_from_lookups()
    listed = tuple(functions)
    for name in listed:
        importlib.import_module(name.rpartition(".")[0])
    worker = QueueWorker(
        [QUEUE],
        connection=connection,
        serializer=JSONSerializer,
        job_class=jobs_listed(listed),
        # A dead worker is noticed after these; turns are taken over earlier, by their leases.
        worker_ttl=30,
        maintenance_interval=10,
        job_monitoring_interval=MONITOR_SECONDS,
        default_result_ttl=0,
        log_job_description=False,
    )
    worker.scrubber = scrubber
    worker.log_result_lifespan = False
    with Sweeper(turns, sweep_seconds), chores or nullcontext(), suppress(SystemExit):
        worker.work(logging_level=None, with_scheduler=True)
    return worker._shutdown_requested_date is not None  # noqa: SLF001  # RQ has no other word for it


class Sweeper(Beside):
    """Sweeps while it is open, from a thread; of all workers one sweeps at a time."""

    def __init__(self, turns: Turns, seconds: float = SWEEP_SECONDS) -> None:
        self._turns = turns
        self._seconds = seconds
        super().__init__("sweeper")

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                swept = self._turns.sweep(pause_seconds=self._seconds * 0.9)
            except RedisError as error:
                log.warning("sweep failed: %s", type(error).__name__)
                continue
            if swept.expired:
                log.warning("took over %d turns of dead workers", swept.expired)
