"""Whose turn it is: at most one review of a pull request at a time, the newest push wins.

The state machine is `turns.lua`, beside this file; here it gets types. RQ carries only the
message "there is work": what to review is decided when a worker takes a turn.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import signal
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, cast

from redis.exceptions import RedisError

from worker.request import ERRANDS, Errand, PullRequestKey, Reason, Request, ReviewRequest

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

PREFIX = "{stet}:"
QUEUE = "stet"
TAKE_TURN = "worker.jobs.take_turn"
LEASE_SECONDS = 10.0
MOST_TRIES = 3
SEEN_SETS = 4096
"""Delivery ids are spread over so many small sets, which Redis keeps at 8 bytes an id."""

Accepted = Literal["queued", "coalesced", "repeated"]
Finished = Literal["done", "again", "lost"]
Standing = Literal["held", "superseded", "lost"]
Counter = Literal["redelivered", "reconciled"]

KEYS = (PREFIX, "rq:queues", f"rq:queue:{QUEUE}", "rq:job:")
SCRIPT = files("worker").joinpath("turns.lua").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to work on one pull request until it is finished, given back or lost."""

    key: PullRequestKey
    reason: Reason | None
    """Why a review is wanted; None when only errands wait."""
    commands: tuple[Errand, ...]
    generation: int
    token: int
    attempt: int
    """1 at the first try at this state of the pull request."""
    waited_seconds: float
    pauses: int = 0
    """How often this state of the pull request was put back already."""
    is_readable: bool = True
    """False when another version of Stet put in something that this one does not know."""

    @property
    def wants_review(self) -> bool:
        return self.reason is not None

    @property
    def is_exhausted(self) -> bool:
        """All tries ended badly: say so on the pull request and stop, do not try again."""
        return self.attempt > MOST_TRIES


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep put back into the queue."""

    expired: int
    due: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The queue at one moment. Counted since Redis was set up:

    `expired`: turns of dead workers; `fenced`: steps refused to stale ones; `redelivered`: events
    asked for again; `reconciled`: pull requests that were found without a review.
    """

    ready: int
    running: int
    later: int
    installations: int
    oldest_seconds: float
    failures: int
    wakes: int
    expired: int
    fenced: int
    redelivered: int = 0
    reconciled: int = 0
    checks_open: int = 0
    checks_oldest_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pull request in the queue, as operators see it."""

    key: PullRequestKey
    state: str
    seconds: float
    tries: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A pull request that was given up."""

    key: PullRequestKey
    why: str
    at: datetime


class TurnLostError(Exception):
    """Another worker holds the turn now: nothing may be written any more."""


class TurnSupersededError(Exception):
    """A newer event asks for a review: this one is stale. The turn comes again."""


class PutBackError(Exception):
    """Raise inside a turn to give it back without counting a failure, say at a rate limit."""

    def __init__(self, after_seconds: float, why: str) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


class TurnInterrupted(BaseException):  # it is no error: a worker is told to stop
    """The worker is stopping. No Exception, so that no rule or retry swallows it."""


class Turns:
    """The queue of pull requests, for processes that may wait.

    `redis` must decode responses. `most_of_one`: how many turns one installation may have at
    once, 0 for any number. Every method is one round trip and raises `RedisError` when Redis is
    away.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        lease_seconds: float = LEASE_SECONDS,
        most_of_one: int = 0,
        job: str = TAKE_TURN,
        job_timeout_seconds: int = 600,
    ) -> None:
        self._script = redis.register_script(SCRIPT)
        self._redis = redis
        self._calls = _Calls.of(job, job_timeout_seconds)
        self.lease_seconds = lease_seconds
        self._most_of_one = most_of_one

    def _call(self, operation: str, *args: object) -> Any:
        return self._script(keys=KEYS, args=self._calls.arguments(operation, *args))

    def forget_connections(self) -> None:
        """Go on with new ones: an exchange that was interrupted may have left an answer unread."""
        self._redis.connection_pool.disconnect(inuse_connections=False)

    def enqueue(self, request: Request, delivery: str) -> Accepted:
        """Accept a request once per `delivery` (GitHub's id of the event, or any unique text)."""
        return cast("Accepted", self._call("enqueue", *_enqueue_arguments(request, delivery)))

    def ensure(self, request: ReviewRequest) -> Accepted:
        """Queue a request unless the pull request is in the queue or in review already."""
        delivery = f"sweep-{uuid.uuid4().hex}"
        return cast("Accepted", self._call("ensure", *_enqueue_arguments(request, delivery)))

    def add(self, counter: Counter, number: int = 1) -> None:
        """Count something that operators want to see."""
        self._call("add", counter, number)

    def take(self) -> Turn | None:
        """The next turn: installations take turns, oldest pull request first; None if none is ready."""
        reply = self._call("take", _milliseconds(self.lease_seconds), self._most_of_one)
        return None if reply is None else _turn(reply)

    def beat(self, turn: Turn) -> bool:
        """Extend the lease; False when the turn is lost."""
        reply = self._call("beat", _pull(turn.key), turn.token, _milliseconds(self.lease_seconds))
        return bool(reply == "held")

    def standing(self, turn: Turn) -> Standing:
        """Held, held but stale because a newer review was asked for, or lost."""
        reply = self._call("standing", _pull(turn.key), turn.token, turn.generation)
        return cast("Standing", reply)

    def is_current(self, turn: Turn) -> bool:
        """The fence: ask before each write to GitHub, and do not write on False."""
        return self.standing(turn) != "lost"

    def answered(self, turn: Turn) -> bool:
        """Take the oldest command off the pull request, so that no later try answers it again."""
        return bool(self._call("answered", _pull(turn.key), turn.token) == "held")

    def finish(self, turn: Turn) -> Finished:
        """End the turn; "again" when events came meanwhile and the pull request is queued anew."""
        return self._finish(turn, "")

    def give_up(self, turn: Turn, why: str) -> Finished:
        """End the turn and keep it on the list of failures. `why` must hold no secret."""
        failure = {**_key_fields(turn.key), "why": why[:500], "at": datetime.now(UTC).isoformat()}
        return self._finish(turn, json.dumps(failure))

    def _finish(self, turn: Turn, failure: str) -> Finished:
        reply = self._call(
            "finish", _pull(turn.key), turn.token, turn.generation, len(turn.commands), failure
        )
        return cast("Finished", reply)

    def give_back(
        self, turn: Turn, after_seconds: float = 0.0, *, failed: bool = False
    ) -> Literal["ready", "later", "lost"]:
        """Return the turn unfinished, to be taken again after a pause; `failed` counts the try."""
        delay = _milliseconds(after_seconds)
        reply = self._call("give_back", _pull(turn.key), turn.token, delay, int(failed))
        return cast('Literal["ready", "later", "lost"]', reply)

    def sweep(self, *, pause_seconds: float = 0.0) -> Swept:
        """Put turns of dead workers and turns whose pause is over back into the queue.

        Does nothing while the pause of another sweep lasts.
        """
        expired, due = self._call("sweep", _milliseconds(pause_seconds))
        return Swept(expired, due)

    def forget(self, installation: int) -> int:
        """Drop all work of an installation that is gone; returns how many pull requests."""
        return int(self._call("forget", installation))

    def counts(self) -> Counts:
        return _counts(self._call("counts"))

    def waiting(self, most: int = 100) -> list[Waiting]:
        """Running, ready and paused pull requests, in this order, at most `most`."""
        return [_waiting(row) for row in self._call("list", most)]

    def failures(self) -> list[Failure]:
        """Given up, newest first."""
        rows = cast("list[str]", self._redis.lrange(f"{PREFIX}failures", 0, -1))
        return [failure_of(row) for row in rows]

    def retry(self, failure: Failure) -> Accepted:
        """Queue a given-up pull request again and take it off the list of failures."""
        name = f"{PREFIX}failures"
        accepted = self.enqueue(ReviewRequest(failure.key, "sweep"), f"retry-{uuid.uuid4().hex}")
        for row in cast("list[str]", self._redis.lrange(name, 0, -1)):
            if failure_of(row) == failure:
                self._redis.lrem(name, 1, row)
        return accepted


class AsyncTurns:
    """The queue of pull requests for the receiver: it puts in and counts, it takes nothing."""

    def __init__(
        self,
        script: Callable[..., Awaitable[Any]],
        *,
        job: str = TAKE_TURN,
        job_timeout_seconds: int = 600,
    ) -> None:
        """`script` calls `SCRIPT`, as what redis-py's `register_script` returns."""
        self._script = script
        self._calls = _Calls.of(job, job_timeout_seconds)

    async def _call(self, operation: str, *args: object) -> Any:
        return await self._script(keys=KEYS, args=self._calls.arguments(operation, *args))

    async def enqueue(self, request: Request, delivery: str) -> Accepted:
        """As `Turns.enqueue`."""
        return cast("Accepted", await self._call("enqueue", *_enqueue_arguments(request, delivery)))

    async def counts(self) -> Counts:
        return _counts(await self._call("counts"))

    async def waiting(self, most: int = 100) -> list[Waiting]:
        return [_waiting(row) for row in await self._call("list", most)]


class HeldTurn:
    """A turn in hand: what a job asks while it works. See `hold_turn`."""

    def __init__(self, turns: Turns, turn: Turn) -> None:
        self.turn = turn
        self._turns = turns
        self._gave_up = ""

    def ensure_current(self) -> None:
        """Call before every write to GitHub.

        Raises TurnLostError when another worker has the turn, TurnSupersededError when a newer
        push was announced, RedisError when nobody can tell: in all cases do not write.
        """
        match self._turns.standing(self.turn):
            case "lost":
                raise TurnLostError(str(self.turn.key))
            case "superseded":
                raise TurnSupersededError(str(self.turn.key))
            case _:
                return

    def ensure_held(self) -> None:
        """As `ensure_current`, but a newer push does not matter (to close one's own check run)."""
        if not self._turns.is_current(self.turn):
            raise TurnLostError(str(self.turn.key))

    def answered(self) -> None:
        """Say that `turn.commands[0]` has been answered; `turn` then holds the rest."""
        if not self._turns.answered(self.turn):
            raise TurnLostError(str(self.turn.key))
        self.turn = replace(self.turn, commands=self.turn.commands[1:])

    def give_up(self, why: str) -> None:
        """When the job ends well, record the pull request among the failures."""
        self._gave_up = why

    def _end(self) -> None:
        if self._gave_up:
            self._turns.give_up(self.turn, self._gave_up)
        else:
            self._turns.finish(self.turn)


@contextmanager
def hold_turn(turns: Turns, *, most_seconds: float) -> Iterator[HeldTurn | None]:
    """Take a turn, keep its lease while the body runs, and end it in the right way.

    Yields None when nothing is ready. The body ends normally: the turn is finished. It raises
    PutBackError: given back after its pause. TurnSupersededError: finished, which queues it
    again. TurnLostError: nothing. TurnInterrupted: given back at once. These four end here. Any
    other exception gives the turn back after a pause that doubles, counts as a failed try, and
    goes on to RQ. After `most_seconds` and five more the process is killed: code that swallows
    exceptions cannot keep a turn for ever.
    """
    turn = turns.take()
    if turn is None or not turn.is_readable:
        if turn is not None:
            _pass_on(turns, turn)
        yield None
        return
    with _heartbeat(turns, turn, most_seconds):
        held = HeldTurn(turns, turn)
        try:
            yield held
        except TurnLostError:
            log.warning("turn lost to another worker: %s", turn.key)
        except TurnSupersededError:
            log.info("a newer push takes over: %s", turn.key)
            turns.finish(replace(turn, commands=()))  # those unanswered come again
        except PutBackError as pause:
            log.info("put back for %.0f s: %s (%s)", pause.after_seconds, turn.key, pause)
            turns.give_back(turn, pause.after_seconds)
        except TurnInterrupted:
            log.info("the worker stops, turn given back: %s", turn.key)
            turns.forget_connections()
            turns.give_back(turn)
        except BaseException:
            _give_back_failed(turns, turn)
            raise
        else:
            held._end()  # noqa: SLF001  # one class in two parts


def _pass_on(turns: Turns, turn: Turn) -> None:
    """Let a newer worker have what this one does not understand; there may be none."""
    log.error("written by another version of Stet: %s", turn.key)
    if turn.is_exhausted:
        turns.give_up(turn, "an event that another version of Stet wrote cannot be read")
    else:
        turns.give_back(turn, _pause_after(turn), failed=True)


def _pause_after(turn: Turn) -> float:
    return 5.0 * 2.0 ** (turn.attempt - 1)


def _give_back_failed(turns: Turns, turn: Turn) -> None:
    try:
        turns.give_back(turn, _pause_after(turn), failed=True)
    except RedisError as error:
        # The job's own exception must not be hidden; the lease runs out and the sweep does the rest.
        log.warning("could not give the turn back: %s (%s)", turn.key, type(error).__name__)


@contextmanager
def _heartbeat(turns: Turns, turn: Turn, most_seconds: float) -> Iterator[None]:
    stop = threading.Event()
    deadline = time.monotonic() + most_seconds + 5

    def beat() -> None:
        while not stop.wait(turns.lease_seconds / 4):
            if time.monotonic() > deadline:
                log.error("a job would not end and is killed: %s", turn.key)
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                if not turns.beat(turn):
                    return
            except RedisError as error:
                log.warning("heartbeat failed: %s (%s)", turn.key, type(error).__name__)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=1)


@dataclass(frozen=True, slots=True)
class _Calls:
    data: str
    job_timeout_seconds: int

    @classmethod
    def of(cls, job: str, job_timeout_seconds: int) -> _Calls:
        return cls(json.dumps([job, None, [], {}]), job_timeout_seconds)

    def arguments(self, operation: str, *args: object) -> list[Any]:
        stamp = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return [operation, stamp, secrets.token_hex(16), self.data, self.job_timeout_seconds, *args]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _pull(key: PullRequestKey) -> str:
    return f"{key.installation}:{key.repository_id}:{key.number}"


def _key(pull: str, owner: str, repository: str) -> PullRequestKey:
    installation, repository_id, number = (int(part) for part in pull.split(":"))
    return PullRequestKey(installation, repository_id, owner, repository, number)


def _key_fields(key: PullRequestKey) -> dict[str, str]:
    return {"pull": _pull(key), "owner": key.owner, "repository": key.repository}


def _enqueue_arguments(request: Request, delivery: str) -> Sequence[object]:
    digest = hashlib.sha256(delivery.encode("utf-8", "surrogateescape")).digest()
    hashed = int.from_bytes(digest[:8], "big", signed=True)
    part = int.from_bytes(digest[8:10], "big") % SEEN_SETS
    key = request.key
    reason, command = "", ""
    if isinstance(request, ReviewRequest):
        reason = request.reason
    else:
        command = _packed(request)
    return (_pull(key), key.owner, key.repository, hashed, part, reason, command)


def _packed(errand: Errand) -> str:
    kind = next(name for name, each in ERRANDS.items() if isinstance(errand, each))
    rest = [getattr(errand, each.name) for each in fields(errand) if each.name != "key"]
    return json.dumps([kind, *rest])


def _unpacked(key: PullRequestKey, packed: str) -> Errand:
    kind, *rest = json.loads(packed)
    return ERRANDS[kind](key, *rest)


def _turn(reply: Sequence[Any]) -> Turn:
    pull, owner, repository, reason, generation, token, tries, waited, commands, pauses = reply
    key = _key(pull, owner, repository)
    try:
        errands = tuple(_unpacked(key, command) for command in commands)
    except (ValueError, TypeError, KeyError):
        errands = None
    return Turn(
        key=key,
        reason=reason or None,
        commands=errands or (),
        generation=int(generation),
        token=int(token),
        attempt=int(tries),
        waited_seconds=int(waited) / 1000,
        pauses=int(pauses),
        is_readable=errands is not None,
    )


def _counts(reply: Sequence[Any]) -> Counts:
    numbers = [int(each) for each in reply]
    counts = Counts(*numbers)
    return replace(
        counts,
        oldest_seconds=counts.oldest_seconds / 1000,
        checks_oldest_seconds=counts.checks_oldest_seconds / 1000,
    )


def _waiting(row: Sequence[Any]) -> Waiting:
    pull, owner, repository, state, milliseconds, tries = row
    return Waiting(_key(pull, owner, repository), state, int(milliseconds) / 1000, int(tries))


def failure_of(row: str) -> Failure:
    """One entry of the list of failures."""
    fields = json.loads(row)
    key = _key(fields["pull"], fields["owner"], fields["repository"])
    return Failure(key, fields["why"], datetime.fromisoformat(fields["at"]))
